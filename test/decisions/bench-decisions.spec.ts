import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { benchDecisions } from './bench-decisions';

const fixtures = join(__dirname, 'fixtures', 'traces');
let scratch = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'fairlead-traces-'));
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function bench(...args: readonly string[]): Said {
  let out = '';
  let err = '';
  const code = benchDecisions(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  return { code, out, err };
}

/** A copy of the fixtures in which one file reads differently. */
function changed(file: string, from: string, to: string): string {
  cpSync(fixtures, scratch, { recursive: true });
  const text = readFileSync(join(scratch, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(scratch, file), text.replace(from, to));
  return scratch;
}

const golden = { goldenRows: z.number(), goldenMatched: z.number() };
const outcome = z.object({
  costUsd: z.number(),
  regretPct: z.number(),
  late: z.number(),
  violations: z.number(),
});
const threshold = z.object({
  ours: outcome,
  references: z.record(z.string(), outcome),
  optimumUsd: z.number(),
});
const report = z.object({
  scenarios: z.object({
    s1: z.object({
      ...golden,
      settings: z.array(
        z.object({
          changeoverH: z.number(),
          deadlineH: z.number(),
          oursGapPct: z.number(),
          upGapPct: z.number(),
          optimumUsd: z.number(),
          oursUsd: z.number(),
          late: z.number(),
        }),
      ),
    }),
    s2: z.object({
      ...golden,
      oursMeanUsd: z.number(),
      optimumMeanUsd: z.number(),
      late: z.number(),
    }),
    s4: z.object({ ...golden, thresholds: z.record(z.string(), threshold) }),
    s5: z.object({ lowerBoundUsd: z.number(), policies: z.record(z.string(), z.unknown()) }),
  }),
  ok: z.boolean(),
});

describe('the command', () => {
  it('prints one object in which every golden row of the fixtures is reproduced', () => {
    const { code, out } = bench('--traces', fixtures, '--json');
    const { scenarios, ok } = report.parse(JSON.parse(out));
    expect(scenarios.s1).toMatchObject({ goldenRows: 13, goldenMatched: 13 });
    expect(scenarios.s2).toMatchObject({ goldenRows: 7, goldenMatched: 7, late: 0 });
    expect(scenarios.s2.optimumMeanUsd).toBeCloseTo(0.6, 9);
    expect(scenarios.s4).toMatchObject({ goldenRows: 3, goldenMatched: 3 });
    expect(Object.keys(scenarios.s4.thresholds)).toEqual(['2']);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
  });

  it('measures the gap in percent of the on-demand bill', () => {
    const { out } = bench('--traces', fixtures, '--scenario', 's1', '--json');
    const s1 = report.shape.scenarios.shape.s1.parse(JSON.parse(out).scenarios.s1);
    // Uniform Progress pays 3.25 where the optimum pays 0.75 and on-demand 3.
    expect(s1.settings[0]?.upGapPct).toBeCloseTo(83.333, 2);
    expect(s1.settings[0]?.optimumUsd).toBeCloseTo(0.75, 9);
  });

  it('runs one scenario alone, and says that the mapping is synthetic', () => {
    const { code, out } = bench('--traces', fixtures, '--scenario', 's4');
    expect(code).toBe(0);
    expect(out).toContain('synthetic');
    expect(out).not.toContain('S1');
  });

  it('reads golden rows from another folder', () => {
    const dir = changed('golden/s1_cases.csv', 'od,3,0.75', 'od,3.02,0.75');
    const other = ['--golden', join(dir, 'golden')];
    const { code, out } = bench('--traces', fixtures, '--scenario', 's1', ...other);
    expect(code).toBe(1);
    expect(out).toContain('12 of 13');
    expect(out).toContain('line 2 (od): cost_usd is 3.02, got 3');
  });

  it('reads prices from golden bills where the trace carries none', () => {
    const file = 'cbl-2week-2022/availability.json';
    const prices = '  "on_demand_usd_h": 4,\n  "spot_usd_h": 1,\n';
    const { code, out } = bench('--traces', changed(file, prices, ''), '--scenario', 's1');
    expect(code).toBe(0);
    expect(out).toContain('on demand 4 USD/h, spot 1 USD/h: the medians');
  });

  it('writes charts', () => {
    const { code } = bench('--traces', fixtures, '--emit-plots', join(scratch, 'plots'));
    const plots = readdirSync(join(scratch, 'plots'));
    expect(code).toBe(0);
    expect(plots).toEqual([
      's1-gap-by-setting.svg',
      's4-cost-over-time-thr2-tick600.svg',
      's4-regret-by-policy.svg',
      's5-cost-and-availability.svg',
    ]);
    for (const plot of plots) {
      const svg = readFileSync(join(scratch, 'plots', plot), 'utf8');
      expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
      expect(svg).toContain('ours');
    }
  });

  it.each([
    ['no folder', [], '--traces says where'],
    ['an unknown scenario', ['--traces', fixtures, '--scenario', 's3'], 'no scenario is called s3'],
    ['an unknown option', ['--traces', fixtures, '--bogus'], '--bogus'],
  ])('explains itself to who calls it with %s', (_what, args, words) => {
    const { code, err } = bench(...args);
    expect(code).toBe(2);
    expect(err).toContain(words);
    expect(err).toContain('npm run bench:decisions');
  });
});

describe('a malformed file', () => {
  const offers = 'golden/s4_offers.csv';
  const cases = 'golden/s1_cases.csv';
  it.each([
    [
      'a cell that is no number',
      cases,
      '2,0.5,2,0.25,spot_only',
      '2,x,2,0.25,spot_only',
      'line 3, column C_h',
    ],
    ['a policy that nobody knows', cases, 'spot_else_od', 'hope', 'line 4, column policy'],
    [
      'a start outside the trace',
      cases,
      'north_1,0,2,',
      'north_1,0,1,',
      'line 2, column start_tick',
    ],
    ['a column that is not there', cases, 'cost_usd', 'cost', 'line 1, column cost_usd'],
    [
      'a row with a cell too many',
      cases,
      'od,3,0.75,0,1,0',
      'od,3,0.75,0,1,0,9',
      'line 2, column 13',
    ],
    ['an open quote', cases, 'north_1,0,2,0.5,2,0.25,greedy', '"north_1,0', 'line 5, column 1'],
    [
      'a zone without a trace',
      offers,
      'depin,1.2,z-a',
      'depin,1.2,z-x',
      'line 4, column availability_trace',
    ],
    [
      'a class that nobody knows',
      'golden/s4_jobs.csv',
      'eu_personal',
      'secret',
      'line 3, column data_class',
    ],
    [
      'a count that is none',
      'h100-gcp-2025/h100_launch_counts.csv',
      ',16,0',
      ',many,0',
      'line 2, column z-a',
    ],
    [
      'JSON that ends early',
      'cbl-2week-2022/availability.json',
      '"101111111111" }\n}',
      '"1',
      'line 6, column',
    ],
    [
      'a series of other digits',
      'cbl-2week-2022/availability.json',
      '"1011',
      '"2011',
      'line 6, column',
    ],
    [
      'fewer prices than ticks',
      'v100-aws-2023/us-west-2a.json',
      '[1.6, 6]',
      '[1.6, 5]',
      'line 6, column',
    ],
    [
      'no way between regions',
      'prices/aws_egress_pricing.csv',
      'us-east-1,us-west-2',
      'a,b',
      'line 1, column from_region',
    ],
    [
      'a time that is none',
      'llm-inference/AzureLLMInferenceTrace_conv.csv',
      '2023-11-16 18:00:01',
      'soon',
      'line 3, column TIMESTAMP',
    ],
  ])('with %s is named with line and column', (_what, file, from, to, where) => {
    const { code, out, err } = bench('--traces', changed(file, from, to));
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(`${join(scratch, file)}, ${where}`);
  });

  it.each([
    'golden/s1_cases.csv',
    'golden/s4_reference_per_job_thr2_tick600.csv',
    'v100-aws-2023/us-east-1a.json',
    'h100-gcp-2025/h100_launch_counts.csv',
  ])('that is missing is named: %s', (file) => {
    cpSync(fixtures, scratch, { recursive: true });
    rmSync(join(scratch, file));
    const { code, err } = bench('--traces', scratch);
    expect(code).toBe(2);
    expect(err).toMatch(/, line 1, column 1: /);
  });
});
