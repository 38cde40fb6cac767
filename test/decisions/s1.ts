import { join } from 'node:path';
import {
  greedy,
  onDemandOnly,
  sliced,
  spotElseOnDemand,
  spotOnly,
  uniformProgress,
  uniformProgressOracle,
  uniformProgressPlain,
} from './comparison-policies';
import { runJob, type RunResult } from './engine';
import { checkOf, isSameCost, type GoldenCheck, type Mismatch } from './golden';
import { Market } from './market';
import { optimumUsd } from './optimum';
import { groupsBy, mean, percentile, type JobScore } from './scoring';
import { readCsv, readSeries, type CsvRow, type SeriesFile } from './trace-files';
import type { OraclePolicy, TraceJob, TracePolicy, TraceZone } from './trace-policy';

const HOUR_S = 3600;
const FINISH_TOLERANCE_H = 0.001;
/** What the published evaluation charges; for files that neither carry prices nor rows to read them from. */
const PUBLISHED: Prices = { onDemandUsdPerHour: 3.06, spotUsdPerHour: 0.9731 };
/** Prices read from bills are rounded to the millionth that the bills are printed in. */
const PRICE_DIGITS = 1e6;
/** A price to play with while prices are not known: whoever does not look at prices places the same. */
const ANY_PRICES: Prices = { onDemandUsdPerHour: 2, spotUsdPerHour: 1 };

export const s1Policies: Readonly<Record<string, TracePolicy | OraclePolicy>> = {
  od: onDemandOnly,
  spot_only: spotOnly,
  spot_else_od: spotElseOnDemand,
  greedy,
  sliced,
  up: uniformProgress,
  up_plain: uniformProgressPlain,
  up_oracle: uniformProgressOracle,
};
/** Those that know no future and keep deadlines. */
export const s1Causal = ['od', 'greedy', 'sliced', 'up', 'up_plain'];
const OPTIMAL = 'optimal';
/** Policies that never look at prices and use spot, so that the spot price can be read from their bills. */
const priceBlind = ['spot_else_od', 'greedy', 'up', 'up_plain', 'sliced', 'spot_only'];

interface Prices {
  readonly onDemandUsdPerHour: number;
  readonly spotUsdPerHour: number;
}

/** One job of the golden file, and its rows: one per policy. */
interface Case {
  readonly job: TraceJob;
  readonly trace: string;
  readonly setting: Setting;
  readonly rows: readonly CsvRow[];
}

export interface Setting {
  readonly changeoverH: number;
  readonly deadlineH: number;
  readonly workH: number;
}

export interface S1Setting extends Setting {
  readonly jobs: readonly JobScore[];
  readonly onDemandUsd: number;
}

export interface S1Result {
  readonly golden: GoldenCheck;
  readonly settings: readonly S1Setting[];
  readonly prices: Prices;
  readonly pricesFrom: string;
}

/** Play every job of the golden file under every policy, ours included. */
export function runS1(dir: string, goldenDir: string, ours: TracePolicy): S1Result {
  const file = readSeries(join(dir, 'cbl-2week-2022', 'availability.json'));
  const cases = readCases(join(goldenDir, 's1_cases.csv'), file);
  const { prices, pricesFrom } = pricesOf(file, cases);
  const markets = marketsOf(file, prices);
  const scored = cases.map((one) => ({ one, score: scoreCase(one, marketOf(markets, one), ours) }));
  return {
    golden: checkOf(scored.flatMap(({ one, score }) => verdictsOn(one, score))),
    settings: settingsOf(scored),
    prices,
    pricesFrom,
  };
}

const columns = ['trace', 'sample_index', 'start_tick', 'C_h', 'R_h', 'd_h', 'policy', 'cost_usd'];

function readCases(path: string, file: SeriesFile): readonly Case[] {
  const rows = readCsv(path, [...columns, 'finish_h', 'late', 'launches', 'preemptions']);
  const byJob = groupsBy(rows, (row) =>
    ['trace', 'start_tick', 'C_h', 'R_h', 'd_h'].map((column) => row.text(column)).join(' '),
  );
  return [...byJob.entries()].map(([id, group]) => caseOf(id, group, file));
}

function caseOf(id: string, rows: readonly CsvRow[], file: SeriesFile): Case {
  const [row] = rows;
  if (row === undefined) throw new RangeError(`job ${id} has no rows`);
  for (const one of rows) one.oneOf('policy', [...Object.keys(s1Policies), OPTIMAL]);
  const trace = row.oneOf('trace', [...file.series.keys()]);
  const startTick = row.whole('start_tick') - file.firstTick;
  const ticks = file.series.get(trace)?.length ?? 0;
  if (startTick < 0 || startTick >= ticks) {
    row.refuse(
      'start_tick',
      `the trace has ticks ${file.firstTick} to ${file.firstTick + ticks - 1}`,
    );
  }
  const setting = {
    workH: row.number('C_h', 0),
    deadlineH: row.number('R_h', 0),
    changeoverH: row.number('d_h', 0),
  };
  return { job: jobOf(id, startTick, setting), trace, setting, rows };
}

function jobOf(id: string, startTick: number, setting: Setting): TraceJob {
  return {
    id,
    dataClass: '',
    startTick,
    workS: setting.workH * HOUR_S,
    deadlineS: setting.deadlineH * HOUR_S,
    changeoverS: setting.changeoverH * HOUR_S,
    checkpointGb: 0,
    candidates: [0],
    egressUsd: () => 0,
  };
}

function marketsOf(file: SeriesFile, prices: Prices): ReadonlyMap<string, Market> {
  return new Map(
    [...file.series].map(([name, available]) => {
      const spotUsdPerHour = new Float64Array(available.length).fill(prices.spotUsdPerHour);
      const zone = zoneOf(name, prices.onDemandUsdPerHour);
      return [name, new Market(file.tickS, [{ zone, available, spotUsdPerHour }])];
    }),
  );
}

function zoneOf(id: string, onDemandUsdPerHour: number): TraceZone {
  return {
    id,
    region: id,
    kind: 'hyperscaler',
    country: '',
    bloc: '',
    description: id,
    onDemandUsdPerHour,
    sellsSpot: true,
  };
}

function marketOf(markets: ReadonlyMap<string, Market>, { trace }: Case): Market {
  const market = markets.get(trace);
  if (market === undefined) throw new RangeError(`there is no trace ${trace}`);
  return market;
}

/**
 * The file's prices where it has any. Else they are read from the golden bills: the on-demand price from the rows of `od`, the
 * spot price from rows of policies that do not look at prices, both as the median over rows, so that the other rows test them.
 */
function pricesOf(
  file: SeriesFile,
  cases: readonly Case[],
): { readonly prices: Prices; readonly pricesFrom: string } {
  const { onDemandUsdPerHour, spotUsdPerHour } = file;
  if (onDemandUsdPerHour !== null && spotUsdPerHour !== null) {
    return { prices: { onDemandUsdPerHour, spotUsdPerHour }, pricesFrom: 'the availability file' };
  }
  const markets = marketsOf(file, ANY_PRICES);
  const onDemand = medianPrice(cases, ['od'], (row, one) => {
    const { onDemandS } = runJob(onDemandOnly, one.job, marketOf(markets, one));
    return (row.number('cost_usd') * HOUR_S) / onDemandS;
  });
  const spot = medianPrice(cases, priceBlind, (row, one) => {
    const policy = s1Policies[row.text('policy')] ?? onDemandOnly;
    const { onDemandS, spotS } = runJob(policy, one.job, marketOf(markets, one));
    const onDemandUsd = ((onDemand ?? PUBLISHED.onDemandUsdPerHour) * onDemandS) / HOUR_S;
    return ((row.number('cost_usd') - onDemandUsd) * HOUR_S) / spotS;
  });
  return {
    prices: {
      onDemandUsdPerHour: onDemand ?? PUBLISHED.onDemandUsdPerHour,
      spotUsdPerHour: spot ?? PUBLISHED.spotUsdPerHour,
    },
    pricesFrom:
      onDemand !== null && spot !== null
        ? 'the medians of what the golden bills imply, as the trace files carry none'
        : 'the published evaluation, where the files do not say',
  };
}

function medianPrice(
  cases: readonly Case[],
  names: readonly string[],
  priceOf: (row: CsvRow, one: Case) => number,
): number | null {
  const prices = cases
    .flatMap((one) =>
      one.rows.filter((row) => names.includes(row.text('policy'))).map((row) => priceOf(row, one)),
    )
    .filter((price) => Number.isFinite(price) && price > 0);
  if (prices.length === 0) return null;
  return Math.round(percentile(prices, 0.5) * PRICE_DIGITS) / PRICE_DIGITS;
}

function scoreCase({ job, setting }: Case, market: Market, ours: TracePolicy): JobScore {
  const run = (policy: TracePolicy | OraclePolicy): JobScore['runs'][string] => ({
    result: runJob(policy, job, market),
    isViolation: false,
  });
  const references = Object.entries(s1Policies).map(([name, policy]) => [name, run(policy)]);
  return {
    jobId: job.id,
    group: `d ${setting.changeoverH} h, R ${setting.deadlineH} h`,
    workS: job.workS,
    deadlineS: job.deadlineS,
    optimumUsd: optimumUsd(job, market),
    runs: { ...Object.fromEntries(references), ours: run(ours) },
  };
}

function verdictsOn({ rows }: Case, score: JobScore): readonly (Mismatch | null)[] {
  return rows.map((row) => {
    const policy = row.text('policy');
    const golden = row.number('cost_usd');
    const result = score.runs[policy]?.result;
    const got = result?.costUsd ?? score.optimumUsd;
    const name = `s1_cases.csv line ${row.line} (${policy})`;
    if (!isSameCost(golden, got)) return { row: name, column: 'cost_usd', golden, got };
    return result === undefined ? null : otherColumn(row, name, result);
  });
}

function otherColumn(row: CsvRow, name: string, result: RunResult): Mismatch | null {
  const facts: readonly (readonly [string, number, number])[] = [
    ['finish_h', result.endS / HOUR_S, FINISH_TOLERANCE_H],
    ['late', result.isLate ? 1 : 0, 0],
    ['launches', result.launches, 0],
    ['preemptions', result.preemptions, 0],
  ];
  for (const [column, got, tolerance] of facts) {
    if (!row.has(column)) continue;
    const golden = row.number(column);
    if (Math.abs(golden - got) > tolerance) return { row: name, column, golden, got };
  }
  return null;
}

function settingsOf(
  scored: readonly { readonly one: Case; readonly score: JobScore }[],
): readonly S1Setting[] {
  const groups = groupsBy(scored, ({ score, one }) => `${score.group} ${one.setting.workH}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const jobs = group.map(({ score }) => score);
    const onDemandUsd = mean(jobs.map(({ runs }) => runs['od']?.result.costUsd ?? 0));
    return [{ ...first.one.setting, jobs, onDemandUsd }];
  });
}

/** Mean cost of a policy above the optimum, in percent of the on-demand bill. */
export function gapPct({ jobs, onDemandUsd }: S1Setting, policy: string): number {
  const excess = jobs.map(
    ({ runs, optimumUsd: least }) => (runs[policy]?.result.costUsd ?? Infinity) - least,
  );
  return (100 * mean(excess)) / onDemandUsd;
}
