import { join } from 'node:path';
import {
  greedy,
  onDemandOnly,
  spotOnly,
  unifiedCostOracle,
  uniformProgress,
  uniformProgressSteadiest,
} from './comparison-policies';
import { runJob } from './engine';
import { checkOf, isSameCost, type GoldenCheck, type Mismatch } from './golden';
import type { Market } from './market';
import { optimumUsd } from './optimum';
import {
  dataClasses,
  mayHold,
  productJob,
  productMarket,
  readProductCase,
  zonesOf,
  type Availability,
  type Choice,
  type ProductCase,
} from './product-case';
import { runOf, sum, totalUsd, type JobScore, type ScoredRun } from './scoring';
import { columnsOf, filesIn, readCsv, TraceFileError, type CsvRow } from './trace-files';
import type { OraclePolicy, TraceJob, TracePolicy } from './trace-policy';

interface Reference {
  readonly policy: TracePolicy | OraclePolicy;
  readonly choice: Choice;
  readonly isCausal: boolean;
}

/** The comparison policies by the names of the golden columns; `up_steadiest` is in no golden file. */
const references: Readonly<Record<string, Reference>> = {
  all_aws: { policy: onDemandOnly, choice: 'fallback', isCausal: true },
  cheapest_blind: { policy: spotOnly, choice: 'every depin', isCausal: true },
  cheapest_compliant: { policy: spotOnly, choice: 'allowed depin', isCausal: true },
  greedy_safety: { policy: greedy, choice: 'allowed', isCausal: true },
  up_failover: { policy: uniformProgress, choice: 'allowed', isCausal: true },
  up_steadiest: { policy: uniformProgressSteadiest, choice: 'allowed', isCausal: true },
  ucm_oracle: { policy: unifiedCostOracle, choice: 'allowed', isCausal: false },
};
export const s4References = Object.keys(references);
export const s4Causal = s4References.filter((name) => references[name]?.isCausal === true);
export const s4Baseline = 'all_aws';
const OPTIMAL = 'optimal';

export interface S4Threshold {
  readonly threshold: number;
  readonly tickS: number;
  readonly golden: GoldenCheck;
  /** Rows of the file of totals, when there is one. */
  readonly totals: GoldenCheck;
  readonly jobs: readonly JobScore[];
  readonly sample: SampleJob;
}

/** One job in detail, for a chart: where greedy pays most above the optimum, as there is most to win. */
export interface SampleJob {
  readonly jobId: string;
  readonly deadlineS: number;
  readonly optimumUsd: number;
  /** Billed by the end of each tick, per policy. */
  readonly costByTickUsd: Readonly<Record<string, readonly number[]>>;
}

export interface S4Result {
  readonly thresholds: readonly S4Threshold[];
}

/** A golden file of the product case: its name says how many VMs make a zone available, and the tick. */
type GoldenFile = Availability;

/** Play every job under every policy, ours included, for each golden file. */
export function runS4(dir: string, goldenDir: string, ours: TracePolicy): S4Result {
  const world = readProductCase(dir, goldenDir);
  return {
    thresholds: goldenFiles(goldenDir).map((file) => runThreshold(world, file, goldenDir, ours)),
  };
}

const GOLDEN_NAME = /^s4_reference_per_job_thr(\d+)_tick(\d+)\.csv$/;

function goldenFiles(goldenDir: string): readonly GoldenFile[] {
  const files = filesIn(goldenDir).flatMap((name) => {
    const [, threshold, tickS] = GOLDEN_NAME.exec(name) ?? [];
    if (threshold === undefined || tickS === undefined) return [];
    return [{ path: join(goldenDir, name), threshold: Number(threshold), tickS: Number(tickS) }];
  });
  if (files.length === 0) {
    const detail = 'there is no s4_reference_per_job_thr<N>_tick<T>.csv';
    throw new TraceFileError(goldenDir, 1, 1, detail);
  }
  return files.sort((a, b) => a.threshold - b.threshold || a.tickS - b.tickS);
}

function runThreshold(
  world: ProductCase,
  file: GoldenFile,
  goldenDir: string,
  ours: TracePolicy,
): S4Threshold {
  const market = productMarket(world, file);
  const jobs = world.jobRows.map((row) => productJob(row, market, world.counts, file.tickS));
  const scores = jobs.map((job) => scoreJob(job, market, ours));
  return {
    threshold: file.threshold,
    tickS: file.tickS,
    golden: checkOf(goldenVerdicts(file, scores)),
    totals: checkOf(totalVerdicts(file, goldenDir, scores)),
    jobs: scores,
    sample: sampleOf(jobs, scores, market, ours),
  };
}

/** The fallback is the last of a job's candidates. */
function sampleOf(
  jobs: readonly TraceJob[],
  scores: readonly JobScore[],
  market: Market,
  ours: TracePolicy,
): SampleJob {
  const excess = scores.map(
    (score) => runOf(score, 'greedy_safety').result.costUsd - score.optimumUsd,
  );
  const at = excess.indexOf(Math.max(...excess));
  const job = jobs[at] ?? jobs[0];
  if (job === undefined) throw new RangeError('there are no jobs');
  const charted: readonly (readonly [string, TracePolicy | OraclePolicy])[] = [
    [s4Baseline, onDemandOnly],
    ['greedy_safety', greedy],
    ['up_failover', uniformProgress],
    ['ucm_oracle', unifiedCostOracle],
    ['ours', ours],
  ];
  const costs = charted.map(([name, policy]) => {
    const candidates = name === s4Baseline ? job.candidates.slice(-1) : job.candidates;
    const options = { keepsCostByTick: true };
    return [name, runJob(policy, { ...job, candidates }, market, options).costByTickUsd ?? []];
  });
  return {
    jobId: job.id,
    deadlineS: job.deadlineS,
    optimumUsd: optimumUsd(job, market),
    costByTickUsd: Object.fromEntries(costs),
  };
}

function scoreJob(job: TraceJob, market: Market, ours: TracePolicy): JobScore {
  const dataClass = dataClasses.find((one) => one === job.dataClass) ?? 'regulated';
  const run = (policy: TracePolicy | OraclePolicy, candidates: readonly number[]): ScoredRun => {
    const result = runJob(policy, { ...job, candidates }, market);
    const holds = mayHold[dataClass];
    return {
      result,
      isViolation: market.zones.some((zone, at) => result.touched[at] && !holds(zone)),
    };
  };
  const isDepin = (index: number): boolean => market.zones[index]?.kind === 'depin';
  const runs = Object.entries(references).map(([name, { policy, choice }]) => {
    const candidates = zonesOf(choice, market.zones, dataClass);
    // Where a class allows no depin at all, every policy that obeys it has the fallback and nothing to choose.
    const isStuck = choice.startsWith('allowed') && !candidates.some(isDepin);
    return isStuck
      ? [name, run(onDemandOnly, zonesOf('fallback', market.zones, dataClass))]
      : [name, run(policy, candidates)];
  });
  return {
    jobId: job.id,
    group: dataClass,
    workS: job.workS,
    deadlineS: job.deadlineS,
    optimumUsd: optimumUsd(job, market),
    runs: { ...Object.fromEntries(runs), ours: run(ours, job.candidates) },
  };
}

const COST_COLUMN = /^(.*)_usd$/;

function goldenVerdicts(
  { path }: GoldenFile,
  scores: readonly JobScore[],
): readonly (Mismatch | null)[] {
  const rows = readCsv(path, ['job_id', 'data_class']);
  const policies = columnsOf(path).flatMap((column) => COST_COLUMN.exec(column)?.[1] ?? []);
  const unknown = policies.find((policy) => policy !== OPTIMAL && !(policy in references));
  if (unknown !== undefined)
    throw new TraceFileError(path, 1, `${unknown}_usd`, 'no policy is called that');
  const byId = new Map(scores.map((score) => [score.jobId, score]));
  return rows.map((row: CsvRow) => {
    const score = byId.get(row.text('job_id'));
    if (score === undefined) row.refuse('job_id', 's4_jobs.csv has no such job');
    return jobVerdict(row, score, policies);
  });
}

function jobVerdict(row: CsvRow, score: JobScore, policies: readonly string[]): Mismatch | null {
  for (const policy of policies) {
    const golden = row.number(`${policy}_usd`);
    const result = policy === OPTIMAL ? null : runOf(score, policy).result;
    const got = result?.costUsd ?? score.optimumUsd;
    if (!isSameCost(golden, got)) return { row: score.jobId, column: `${policy}_usd`, golden, got };
    const lateColumn = `${policy}_late`;
    const late = result?.isLate === true ? 1 : 0;
    if (row.has(lateColumn) && row.number(lateColumn) !== late) {
      return { row: score.jobId, column: lateColumn, golden: row.number(lateColumn), got: late };
    }
  }
  return null;
}

function totalVerdicts(
  { threshold, tickS }: GoldenFile,
  goldenDir: string,
  scores: readonly JobScore[],
): readonly (Mismatch | null)[] {
  const name = `s4_reference_results_thr${threshold}_tick${tickS}.csv`;
  if (!filesIn(goldenDir).includes(name)) return [];
  const rows = readCsv(join(goldenDir, name), [
    'policy',
    'total_cost_usd',
    'deadline_misses',
    'compliance_violations',
  ]);
  return rows.map((row) => totalVerdict(row, scores));
}

function totalVerdict(row: CsvRow, scores: readonly JobScore[]): Mismatch | null {
  const policy = row.oneOf('policy', [...s4References, OPTIMAL]);
  const golden = row.number('total_cost_usd');
  if (policy === OPTIMAL) {
    const got = sum(scores.map((score) => score.optimumUsd));
    return isSameCost(golden, got) ? null : { row: policy, column: 'total_cost_usd', golden, got };
  }
  const got = totalUsd(scores, policy);
  if (!isSameCost(golden, got)) return { row: policy, column: 'total_cost_usd', golden, got };
  const runs = scores.map((score) => runOf(score, policy));
  const counted: readonly (readonly [string, number])[] = [
    ['deadline_misses', runs.filter(({ result }) => result.isLate).length],
    ['compliance_violations', runs.filter(({ isViolation }) => isViolation).length],
  ];
  const wrong = counted.find(([column, count]) => row.number(column) !== count);
  if (wrong === undefined) return null;
  return { row: policy, column: wrong[0], golden: row.number(wrong[0]), got: wrong[1] };
}
