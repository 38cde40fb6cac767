import { join } from 'node:path';
import {
  greedy,
  spotOnly,
  unifiedCostOracle,
  uniformProgress,
  uniformProgressSteadiest,
} from './comparison-policies';
import { runJob } from './engine';
import { checkOf, isSameCost, type GoldenCheck, type Mismatch } from './golden';
import { Market, type ZoneTrace } from './market';
import { optimumUsd } from './optimum';
import { groupsBy, mean, type JobScore, type ScoredRun } from './scoring';
import { filesIn, readCsv, readEgress, readZone, TraceFileError, type CsvRow } from './trace-files';
import type { OraclePolicy, TraceJob, TracePolicy } from './trace-policy';

const HOUR_S = 3600;
/**
 * The settings of the published V100 evaluation, for rows that carry none of their own: a deadline of 1,106 probes of 195 s, work
 * of two thirds of it (39.94 h), changeovers of 0.2 h and checkpoints of 50 GB.
 */
const PUBLISHED = {
  deadlineH: (1106 * 195) / HOUR_S,
  ratio: 1.5,
  changeoverH: 0.2,
  checkpointGb: 50,
};
/**
 * The published windows begin at these multiples of the deadline: the golden file has the first three, and with the last two the means
 * in print come out (single zone 68.7, UP(S) 47.0, optimum 37.4; ours are 0.05 higher, one tick of spot).
 */
const PUBLISHED_MULTIPLES = [3, 5, 7, 8, 14];

const MULTI = 'multi';
const SINGLE_ZONE = 'uniform_progress_single_zone';
const OPTIMUM = 'clairvoyant optimum (DP)';

/** The comparison policies by the names of the golden file; `UP(A)` is in no row of it. */
const references: Readonly<Record<string, TracePolicy | OraclePolicy>> = {
  'UP(S) cheapest-first failover': uniformProgress,
  'UP(A) steadiest zone': uniformProgressSteadiest,
  'greedy multi-zone': greedy,
  'cheapest-first no deadline': spotOnly,
  'unified cost model, oracle lifetimes': unifiedCostOracle,
};
export const s2References = Object.keys(references);
/** Those that know no future and keep deadlines. */
export const s2Causal = [
  'UP(S) cheapest-first failover',
  'UP(A) steadiest zone',
  'greedy multi-zone',
];

export interface S2Result {
  readonly golden: GoldenCheck;
  readonly zones: readonly string[];
  readonly deadlineH: number;
  readonly workH: number;
  /** The windows of the golden file. */
  readonly windows: readonly JobScore[];
  /** The windows of the published evaluation, as far as the trace reaches: the means quoted in print are over these. */
  readonly publishedWindows: readonly JobScore[];
}

interface Window {
  readonly index: string;
  readonly startH: number;
  readonly settings: Settings;
  readonly rows: readonly CsvRow[];
}

interface Settings {
  readonly workH: number;
  readonly deadlineH: number;
  readonly changeoverH: number;
  readonly checkpointGb: number;
}

/** Play each window of the golden file under every policy, ours included, over the zones that the rows name. */
export function runS2(dir: string, goldenDir: string, ours: TracePolicy): S2Result {
  const path = join(goldenDir, 's2_v100_multizone.csv');
  const rows = readCsv(path, ['window_index', 'start_h', 'policy', 'zone', 'our_cost_usd']);
  const windows = windowsOf(rows);
  const zones = [...new Set(rows.map((row) => row.text('zone')).filter((zone) => zone !== MULTI))];
  if (zones.length === 0) throw new TraceFileError(path, 2, 'zone', 'no row names a single zone');
  const world = worldOf(dir, zones);
  const scored = windows.map((window) => ({ window, score: scoreWindow(window, world, ours) }));
  const settings = windows[0]?.settings ?? settingsOf(null);
  return {
    golden: checkOf(scored.flatMap(({ window, score }) => verdictsOn(window, score, world))),
    zones,
    deadlineH: settings.deadlineH,
    workH: settings.workH,
    windows: scored.map(({ score }) => score),
    publishedWindows: publishedWindows(world).map((window) => {
      const known = scored.find((one) => isSameStart(one.window, window, world));
      return known?.score ?? scoreWindow(window, world, ours);
    }),
  };
}

function windowsOf(rows: readonly CsvRow[]): readonly Window[] {
  const groups = groupsBy(rows, (row) => row.text('window_index'));
  return [...groups.entries()].flatMap(([index, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      { index, startH: first.number('start_h', 0), settings: settingsOf(first), rows: group },
    ];
  });
}

/** A row's own settings where it has them (C_h, R_h, d_h, checkpoint_gb), the published ones elsewhere. */
function settingsOf(row: CsvRow | null): Settings {
  const own = (column: string, otherwise: number): number =>
    row?.has(column) === true ? row.number(column, 0) : otherwise;
  const deadlineH = own('R_h', PUBLISHED.deadlineH);
  return {
    deadlineH,
    workH: own('C_h', deadlineH / PUBLISHED.ratio),
    changeoverH: own('d_h', PUBLISHED.changeoverH),
    checkpointGb: own('checkpoint_gb', PUBLISHED.checkpointGb),
  };
}

interface World {
  readonly market: Market;
  readonly egressUsdPerGb: readonly (readonly number[])[];
}

function worldOf(dir: string, zones: readonly string[]): World {
  const folder = join(dir, 'v100-aws-2023');
  const there = filesIn(folder);
  const files = zones.map((zone) => {
    if (!there.includes(`${zone}.json`)) {
      throw new TraceFileError(join(folder, `${zone}.json`), 1, 1, 'there is no such file');
    }
    return readZone(join(folder, `${zone}.json`));
  });
  const tickS = files[0]?.tickS ?? 0;
  const odd = files.find((file) => file.tickS !== tickS);
  if (odd !== undefined) {
    const detail = `ticks of ${odd.tickS} s where other zones have ${tickS} s`;
    throw new TraceFileError(join(folder, `${odd.zone}.json`), 1, 'gap_seconds', detail);
  }
  const egress = readEgress(dir);
  const regions = files.map(({ zone }) => regionOf(zone));
  return {
    market: new Market(tickS, files.map(traceOf)),
    egressUsdPerGb: regions.map((from) =>
      regions.map((to) => egressUsdPerGb(from, to, egress, dir)),
    ),
  };
}

function traceOf(file: ReturnType<typeof readZone>): ZoneTrace {
  const zone = {
    id: file.zone,
    region: regionOf(file.zone),
    kind: 'hyperscaler' as const,
    country: '',
    bloc: '',
    description: file.zone,
    onDemandUsdPerHour: file.onDemandUsdPerHour,
    sellsSpot: true,
  };
  return { zone, available: file.available, spotUsdPerHour: file.spotUsdPerHour };
}

/** A zone is its region and a letter. */
function regionOf(zone: string): string {
  return zone.slice(0, -1);
}

function egressUsdPerGb(
  from: string,
  to: string,
  egress: ReadonlyMap<string, number>,
  dir: string,
): number {
  if (from === to) return 0;
  const usd = egress.get(`${from}>${to}`);
  if (usd !== undefined) return usd;
  const file = join(dir, 'prices', 'aws_egress_pricing.csv');
  throw new TraceFileError(file, 1, 'from_region', `no row from ${from} to ${to}`);
}

function jobOf(
  { index, startH, settings }: Window,
  { market, egressUsdPerGb: perGb }: World,
  candidates: readonly number[],
): TraceJob {
  return {
    id: `window ${index}`,
    dataClass: '',
    startTick: Math.round((startH * HOUR_S) / market.tickS),
    workS: settings.workH * HOUR_S,
    deadlineS: settings.deadlineH * HOUR_S,
    changeoverS: settings.changeoverH * HOUR_S,
    checkpointGb: settings.checkpointGb,
    candidates,
    egressUsd: (from, to) => settings.checkpointGb * (perGb[from]?.[to] ?? 0),
  };
}

function scoreWindow(window: Window, world: World, ours: TracePolicy): JobScore {
  const { market } = world;
  const job = jobOf(window, world, [...market.zones.keys()]);
  if (job.startTick >= market.ticks) {
    window.rows[0]?.refuse('start_h', `the trace has ${market.ticks} ticks of ${market.tickS} s`);
  }
  const run = (policy: TracePolicy | OraclePolicy): ScoredRun => ({
    result: runJob(policy, job, market),
    isViolation: false,
  });
  const runs = Object.entries(references).map(([name, policy]) => [name, run(policy)]);
  const single = market.zones.map(({ id }, zone) => [
    `UP in ${id}`,
    { result: runJob(uniformProgress, jobOf(window, world, [zone]), market), isViolation: false },
  ]);
  return {
    jobId: job.id,
    group: 'all',
    workS: job.workS,
    deadlineS: job.deadlineS,
    optimumUsd: optimumUsd(job, market),
    runs: { ...Object.fromEntries([...runs, ...single]), ours: run(ours) },
  };
}

function verdictsOn(
  { rows }: Window,
  score: JobScore,
  { market }: World,
): readonly (Mismatch | null)[] {
  const zones = market.zones.map(({ id }) => id);
  return rows.map((row) => {
    const policy = row.oneOf('policy', [SINGLE_ZONE, OPTIMUM, ...s2References]);
    const isSingle = policy === SINGLE_ZONE;
    const zone = row.oneOf('zone', isSingle ? zones : [MULTI]);
    const golden = row.number('our_cost_usd');
    const run = score.runs[isSingle ? `UP in ${zone}` : policy];
    const got = policy === OPTIMUM ? score.optimumUsd : (run?.result.costUsd ?? NaN);
    if (isSameCost(golden, got)) return null;
    return { row: `s2 line ${row.line} (${policy}, ${zone})`, column: 'our_cost_usd', golden, got };
  });
}

function publishedWindows({ market }: World): readonly Window[] {
  const settings = settingsOf(null);
  return PUBLISHED_MULTIPLES.map((multiple, index) => ({
    index: `${index} as published`,
    startH: multiple * settings.deadlineH,
    settings,
    rows: [],
  })).filter(({ startH }) => (startH + settings.deadlineH) * HOUR_S <= market.ticks * market.tickS);
}

function isSameStart(a: Window, b: Window, { market }: World): boolean {
  const isNear = Math.abs(a.startH - b.startH) * HOUR_S < market.tickS / 2;
  return isNear && Math.abs(a.settings.deadlineH - b.settings.deadlineH) * HOUR_S < 1;
}

/** Mean cost of a policy over windows. */
export function meanUsd(windows: readonly JobScore[], policy: string): number {
  return mean(windows.map(({ runs }) => runs[policy]?.result.costUsd ?? NaN));
}

/** Mean cost of Uniform Progress in one zone, over windows and zones: what the published single-zone figure is. */
export function meanSingleZoneUsd(windows: readonly JobScore[], zones: readonly string[]): number {
  return mean(zones.map((zone) => meanUsd(windows, `UP in ${zone}`)));
}
