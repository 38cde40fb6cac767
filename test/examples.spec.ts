import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inflateSync } from 'node:zlib';
import { compilePolicies } from '#apps/policy-engine/compile-policy';
import { builtinPolicies } from '#apps/policy-engine/builtin/builtin-policies';
import { asJobId, decide, ZERO_USD, type Decision, type JobSpec, type Offer } from '#libs/domain';
import { plugins } from '#libs/providers';
import { ManualClock } from '#libs/testkit';
import { EXAMPLES, exampleNames, ExampleRun, exampleSpec, recordsOf } from './example-jobs';

jest.setTimeout(30_000);

const POLL_MS = 20;
const LONGEST_WAIT_MS = 15_000;
const NOW_MS = Date.UTC(2026, 0, 1);
/** Labels that the examples and those who submit them agree on. */
const EXPECTED_EXIT = 'expect-exit-code';

const specs = new Map<string, JobSpec>();
const runs: ExampleRun[] = [];
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'fairlead-examples-'));
  for (const name of exampleNames) specs.set(name, await exampleSpec(name));
});
afterAll(() => {
  runs.forEach((run) => run.remove());
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
});

function specOf(name: string): JobSpec {
  const spec = specs.get(name);
  if (spec === undefined) throw new Error(`there is no example ${name}`);
  return spec;
}

function prepared(name: string): ExampleRun {
  const run = new ExampleRun(specOf(name));
  runs.push(run);
  return run;
}

async function finished(name: string): Promise<ExampleRun> {
  const run = prepared(name);
  run.start();
  await run.ended();
  return run;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += POLL_MS) {
    if (holds()) return;
    await delay(POLL_MS);
  }
  throw new Error(`waited in vain until ${what}`);
}

describe.each(exampleNames)('%s', (name) => {
  it('is a valid job that carries the name of its file', () => {
    expect(specOf(name).name).toBe(name);
  });

  it('ends with the exit code that it promises, and delivers its outputs', async () => {
    const run = prepared(name);
    run.start();
    const expected = Number(specOf(name).labels[EXPECTED_EXIT] ?? 0);
    expect([await run.ended(), run.output()]).toEqual([expected, expect.stringMatching(/\n$/)]);
    for (const { path } of specOf(name).outputs) expect(run.read(path).length).toBeGreaterThan(0);
  });

  it('is in the table of the README', () => {
    const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
    expect(readme).toContain(`| [${name}](${name}.yaml) `);
  });
});

describe('data', () => {
  it('is made again byte for byte by its script', () => {
    const folder = join(scratch, 'data');
    mkdirSync(folder);
    const script = join(EXAMPLES, 'data', 'make-data.mjs');
    execFileSync(process.execPath, [script, folder], { timeout: LONGEST_WAIT_MS });
    const names = readdirSync(join(EXAMPLES, 'data')).filter((name) => !name.endsWith('.mjs'));
    expect(readdirSync(folder).sort()).toEqual(names.sort());
    for (const name of names)
      expect(readFileSync(join(folder, name), 'utf8')).toBe(
        readFileSync(join(EXAMPLES, 'data', name), 'utf8'),
      );
  });
});

interface Network {
  readonly inputs: number;
  readonly hidden: number;
  readonly weights: readonly number[];
}

/** How often a saved network is right, worked out here from its weights. */
function accuracyOf(json: string, csv: string): number {
  const { inputs, hidden, weights } = JSON.parse(json) as Network;
  const weight = (index: number): number => weights[index] ?? Number.NaN;
  const records = recordsOf(csv);
  const right = records.filter(({ x, y, label }) => {
    const point = [Number(x), Number(y), 1];
    let sum = weight(weights.length - 1);
    for (let unit = 0; unit < hidden; unit += 1) {
      const inner = point.reduce((at, value, i) => at + value * weight(unit * (inputs + 1) + i), 0);
      sum += weight(hidden * (inputs + 1) + unit) * Math.tanh(inner);
    }
    return sum > 0 === (label === '1');
  });
  return right.length / records.length;
}

describe('learning', () => {
  it('trains a network that is right about most points', async () => {
    const run = await finished('training');
    expect(accuracyOf(run.text('model.json'), run.text('rings.csv'))).toBeGreaterThan(0.95);
    const losses = [...run.output().matchAll(/^epoch \d+ loss (\S+)$/gm)].map(([, loss]) =>
      Number(loss),
    );
    expect(losses).toHaveLength(40);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 4);
  });

  it('brings a model back that drifted data had made useless', async () => {
    const run = await finished('fine-tuning');
    const data = run.text('drifted-rings.csv');
    expect(accuracyOf(run.text('base-model.json'), data)).toBeLessThan(0.7);
    expect(accuracyOf(run.text('model.json'), data)).toBeGreaterThan(0.95);
  });

  it('trains with several workers as well as with one', async () => {
    const run = await finished('frontier-training');
    expect(run.output()).toContain('4 workers, 300 rows');
    expect(accuracyOf(run.text('model.json'), run.text('rings.csv'))).toBeGreaterThan(0.95);
  });
});

describe('an interrupted job', () => {
  const numbersAfter = (word: string, text: string): readonly number[] =>
    [...text.matchAll(new RegExp(`^${word} (\\d+) loss`, 'gm'))].map(([, number]) =>
      Number(number),
    );

  const cases = [
    { name: 'training', unit: 'epoch', signal: 'SIGTERM', end: 143 },
    { name: 'training', unit: 'epoch', signal: 'SIGKILL', end: 'SIGKILL' },
    { name: 'frontier-training', unit: 'round', signal: 'SIGTERM', end: 143 },
    { name: 'fine-tuning', unit: 'epoch', signal: 'SIGTERM', end: 143 },
  ] as const;
  it.each(cases)('$name goes on from its checkpoint after $signal', async (interruption) => {
    const { name, unit, signal, end } = interruption;
    const whole = await finished(name);
    const run = prepared(name);
    run.start({ PACE_MS: '100' });
    await until('some work is saved', () => numbersAfter(unit, run.output()).length > 0);
    run.signal(signal);
    expect(await run.ended()).toBe(end);
    run.start();
    expect(await run.ended()).toBe(0);

    const resumedFrom = Number(
      new RegExp(`^resumed from ${unit} (\\d+)$`, 'm').exec(run.output())?.[1],
    );
    expect(resumedFrom).toBeGreaterThan(0);
    expect(numbersAfter(unit, run.output())).toEqual(numbersAfter(unit, whole.output()));
    expect(run.text('model.json')).toBe(whole.text('model.json'));
  });
});

describe('scoring', () => {
  const cases = [
    ['batch-scoring', 'churn-model.json', 'customers.csv', 'scores.csv'],
    ['hipaa', 'risk-model.json', 'patients.csv', 'risks.csv'],
  ] as const;
  it.each(cases)(
    '%s gives every line the score of the model',
    async (name, model, input, output) => {
      const run = await finished(name);
      const { intercept, weights } = JSON.parse(run.text(model)) as {
        readonly intercept: number;
        readonly weights: Readonly<Record<string, number>>;
      };
      const expected = recordsOf(run.text(input)).map((row) => {
        let logit = intercept;
        for (const [column, weight] of Object.entries(weights))
          logit += weight * Number(row[column]);
        return { id: row['id'], score: (1 / (1 + Math.E ** -logit)).toFixed(6) };
      });
      expect(recordsOf(run.text(output))).toEqual(expected);
      expect(new Set(expected.map(({ score }) => score > '0.5')).size).toBe(2);
    },
  );
});

describe('serving', () => {
  it('answers every request, nearly always rightly, and reports how long it took', async () => {
    const run = await finished('inference');
    const report = JSON.parse(run.text('report.json')) as Readonly<Record<string, number>>;
    expect(report['requests']).toBe(120);
    expect(report['right']).toBeGreaterThan(110);
    expect(report['p50Ms']).toBeGreaterThan(0);
    expect(report['p95Ms']).toBeGreaterThanOrEqual(report['p50Ms'] ?? 0);
  });

  it('plays by the rules until somebody has four in a row', async () => {
    const [moves = '', result] = (await finished('real-time')).text('game.txt').split('\n');
    const board = Array.from({ length: 7 }, (): number[] => []);
    moves.split(' ').forEach((column, turn) => board[Number(column)]?.push(turn % 2));
    expect(board.every((stones) => stones.length <= 6)).toBe(true);
    expect(winnersOn(board)).toEqual([1]);
    expect(result).toBe('the machine wins');
  });
});

/** Who owns four stones in a line, found by trying every line on the board. */
function winnersOn(board: readonly (readonly number[])[]): readonly number[] {
  const owners = new Set<number>();
  for (let column = 0; column < 7; column += 1)
    for (let row = 0; row < 6; row += 1)
      for (const [dx, dy] of [
        [1, 0],
        [0, 1],
        [1, 1],
        [1, -1],
      ] as const) {
        const line = [0, 1, 2, 3].map((step) => board[column + dx * step]?.[row + dy * step]);
        const [owner] = line;
        if (owner !== undefined && line.every((stone) => stone === owner)) owners.add(owner);
      }
  return [...owners];
}

describe('rendering', () => {
  it('writes a PNG image of the right size that shows the scene', async () => {
    const png = (await finished('rendering')).read('image.png');
    expect(png.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    expect([width, height]).toEqual([240, 160]);
    const dataAt = png.indexOf('IDAT');
    const pixels = inflateSync(png.subarray(dataAt + 4, dataAt + 4 + png.readUInt32BE(dataAt - 4)));
    expect(pixels).toHaveLength(height * (1 + width * 3));
    const redOverBlue = (x: number, y: number): number => {
      const from = y * (1 + width * 3) + 1 + x * 3;
      return (pixels[from] ?? 0) - (pixels[from + 2] ?? 0);
    };
    const seen = { inside: [] as number[], above: [] as number[] };
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) {
        const where = placeAt((x + 0.5 - width / 2) / height, (height / 2 - y - 0.5) / height);
        if (where !== 'elsewhere') seen[where].push(redOverBlue(x, y));
      }
    expect(seen.inside.length).toBeGreaterThan(400);
    expect(seen.above.length).toBeGreaterThan(50);
    expect(Math.min(...seen.inside)).toBeGreaterThan(0);
    expect(Math.max(...seen.above)).toBeLessThan(0);
  });
});

/** Whether a point of the picture shows the upper half of the yellow ball, which nothing hides, or the sky just above it. */
function placeAt(right: number, up: number): 'inside' | 'above' | 'elsewhere' {
  const toBall: readonly number[] = [-2, 0.8 - 1.6, 5.2];
  const radius = 0.8;
  const ray = [right, up - 0.12, 1];
  const cosine = ray.reduce((sum, value, axis) => sum + value * (toBall[axis] ?? 0), 0);
  const angle = Math.acos(cosine / (Math.hypot(...ray) * Math.hypot(...toBall)));
  const share = angle / Math.asin(radius / Math.hypot(...toBall));
  if (share < 0.95) return up > 0 ? 'inside' : 'elsewhere';
  return share > 1.05 && share < 1.25 && up > 0.14 ? 'above' : 'elsewhere';
}

describe('reports', () => {
  it('counts the permits of every county', async () => {
    const run = await finished('fedramp');
    const permits = recordsOf(run.text('permits.csv'));
    const counties = recordsOf(run.text('permits-by-county.csv'));
    const totals = (county: string | undefined) => {
      const own = permits.filter((permit) => permit['county'] === county);
      const days = own.map(
        ({ submitted = '', decided = '' }) =>
          (new Date(decided).getTime() - new Date(submitted).getTime()) / 86_400_000,
      );
      return {
        permits: own.length,
        fees: own.reduce((sum, each) => sum + Number(each['fee_cents']), 0),
        days,
      };
    };
    expect(counties.map(({ county }) => county)).toEqual(
      [...new Set(permits.map(({ county }) => county))].sort(),
    );
    for (const row of counties) {
      const { permits: count, fees, days } = totals(row['county']);
      expect([Number(row['permits']), Number(row['fees_cents'])]).toEqual([count, fees]);
      const median = Number(row['median_days']);
      expect(days.filter((each) => each <= median).length).toBeGreaterThanOrEqual(count / 2);
      expect(days.filter((each) => each >= median).length).toBeGreaterThanOrEqual(count / 2);
    }
  });

  it('forecasts weeks that it has not seen, far better than by repeating last season', async () => {
    const known = readFileSync(join(EXAMPLES, 'data', 'demand.csv'), 'utf8')
      .trimEnd()
      .split('\n');
    const run = prepared('strict-sla');
    run.write('demand.csv', `${known.slice(0, -8).join('\n')}\n`);
    run.start();
    await run.ended();
    const all = recordsOf(known.join('\n'));
    const missOf = (guesses: readonly Readonly<Record<string, string>>[]) =>
      ['pumps', 'valves', 'seals']
        .flatMap((product) =>
          guesses.map(
            (guess, week) => Number(guess[product]) - Number(all.at(week - 8)?.[product]),
          ),
        )
        .reduce((sum, miss) => sum + Math.abs(miss), 0);
    const forecast = recordsOf(run.text('forecast.csv'));
    expect(forecast.map(({ week }) => week)).toEqual(all.slice(-8).map(({ week }) => week));
    expect(missOf(forecast)).toBeLessThan(missOf(all.slice(-21, -13)) * 0.8);
  });

  it('names the bad line of a file', async () => {
    expect((await finished('failing')).output()).toContain(
      'line 18: order 5017 has the amount "12;50"',
    );
  });
});

describe('where the examples go', () => {
  const offers: Offer[] = [];
  beforeAll(async () => {
    for (const plugin of plugins) {
      const rootDir = join(scratch, plugin.descriptor.id);
      mkdirSync(rootDir);
      const clock = new ManualClock(NOW_MS);
      const emulator = await plugin.startEmulator({ rootDir, clock, delayFactor: 1, seed: 1 });
      try {
        const signal = AbortSignal.timeout(LONGEST_WAIT_MS);
        const listed = plugin.adapterFrom(emulator.config).listOffers({ signal, nowMs: NOW_MS });
        offers.push(...(await listed));
      } finally {
        await emulator.close();
      }
    }
  });

  function decisionFor(name: string): Decision {
    const spec = specOf(name);
    const compiled = compilePolicies(builtinPolicies);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    const { deadlineMs } = spec.sla;
    const deadlineAtMs = deadlineMs === null ? null : NOW_MS + deadlineMs;
    const job = { id: asJobId(`job-${name}`), spec, deadlineAtMs, spent: ZERO_USD };
    const { policy } = compiled;
    return decide({ job, policy, offers, health: {}, suspensions: [], nowMs: NOW_MS });
  }

  it.each(['prototype', 'inference', 'batch-scoring', 'fine-tuning', 'rendering', 'training'])(
    '%s goes to a network, and saves against a hyperscaler',
    (name) => {
      const { ranked, baseline } = decisionFor(name);
      expect(ranked[0]?.offer.providerKind).toBe('decentralised');
      expect(baseline?.pricePerHour).toBeGreaterThan(ranked[0]?.offer.pricePerHour ?? Infinity);
    },
  );

  it.each(['frontier-training', 'hipaa', 'fedramp', 'real-time', 'strict-sla'])(
    '%s may go to a hyperscaler only',
    (name) => {
      const kinds = decisionFor(name).ranked.map(({ offer }) => offer.providerKind);
      expect([...new Set(kinds)]).toEqual(['hyperscaler']);
    },
  );

  it('fedramp stays in the United States', () => {
    const countries = decisionFor('fedramp').ranked.map(({ offer }) => offer.country);
    expect([...new Set(countries)]).toEqual(['US']);
  });

  it.each(['hello', 'failing'])('%s may go anywhere', (name) => {
    const kinds = decisionFor(name).ranked.map(({ offer }) => offer.providerKind);
    expect([...new Set(kinds)].sort()).toEqual(['decentralised', 'hyperscaler']);
  });

  it('confidential goes nowhere, because nobody here sells confidential computing', () => {
    const { ranked, rejected } = decisionFor('confidential');
    expect(ranked).toEqual([]);
    expect(rejected).toHaveLength(offers.length);
    for (const { reasons } of rejected)
      expect(reasons.map(({ code }) => code)).toContain('confidential-computing-missing');
  });
});
