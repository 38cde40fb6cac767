import type { RunResult } from './engine';

const HOUR_S = 3600;

/** One job and how it went under each policy. Costs of policies are compared job by job. */
export interface JobScore {
  readonly jobId: string;
  /** Data class or setting; what reports are broken down by. */
  readonly group: string;
  readonly workS: number;
  readonly deadlineS: number;
  readonly optimumUsd: number;
  readonly runs: Readonly<Record<string, ScoredRun>>;
}

export interface ScoredRun {
  readonly result: RunResult;
  /** Whether it was ever where the job's data may not be. */
  readonly isViolation: boolean;
}

/** What a policy did over a set of jobs. Regret is against the optimum of the same jobs, in percent. */
export interface PolicyScore {
  readonly costUsd: number;
  readonly regretPct: number;
  readonly savingPct: number | null;
  readonly late: number;
  readonly violations: number;
  readonly launchesPerJob: number;
  readonly migrationsPerJob: number;
  readonly egressUsd: number;
  /** Billed hours that did no useful work. */
  readonly wastedH: number;
  readonly billedH: number;
  /** Of useful hours, the share done at a hyperscaler, in percent. */
  readonly hyperscalerPct: number;
  readonly p95LatenessH: number;
  readonly calibration: Calibration | null;
}

/** Predicted against realised cost, over the runs that predicted one. */
export interface Calibration {
  readonly runs: number;
  /** Realised over predicted, in total. */
  readonly ratio: number;
  /** Realised over predicted per run, at the 5th, 50th and 95th percentile. */
  readonly spread: readonly [number, number, number];
}

export function policyNames(jobs: readonly JobScore[]): readonly string[] {
  return Object.keys(jobs[0]?.runs ?? {});
}

/** Add up a policy over jobs; savings are against the policy named `baseline`, where there is one. */
export function scorePolicy(
  jobs: readonly JobScore[],
  policy: string,
  baseline?: string,
): PolicyScore {
  const runs = jobs.map((job) => runOf(job, policy));
  const results = runs.map(({ result }) => result);
  const costUsd = sum(results.map((result) => result.costUsd));
  const billedS = sum(results.map(({ onDemandS, spotS }) => onDemandS + spotS));
  const usefulS = sum(results.map((result) => result.usefulS));
  const baselineUsd = baseline === undefined ? null : totalUsd(jobs, baseline);
  const lateness = jobs.map((job, at) => latenessH(job, results[at]));
  return {
    costUsd,
    regretPct: 100 * (costUsd / sum(jobs.map(({ optimumUsd }) => optimumUsd)) - 1),
    savingPct: baselineUsd === null ? null : 100 * (1 - costUsd / baselineUsd),
    late: results.filter(({ isLate }) => isLate).length,
    violations: runs.filter(({ isViolation }) => isViolation).length,
    launchesPerJob: sum(results.map(({ launches }) => launches)) / jobs.length,
    migrationsPerJob: sum(results.map(({ migrations }) => migrations)) / jobs.length,
    egressUsd: sum(results.map(({ egressUsd }) => egressUsd)),
    wastedH: (billedS - usefulS) / HOUR_S,
    billedH: billedS / HOUR_S,
    hyperscalerPct:
      usefulS === 0 ? 0 : (100 * sum(results.map((one) => one.hyperscalerUsefulS))) / usefulS,
    p95LatenessH: percentile(lateness, 0.95),
    calibration: calibrationOf(results),
  };
}

/** What a policy cost over jobs. */
export function totalUsd(jobs: readonly JobScore[], policy: string): number {
  return sum(jobs.map((job) => runOf(job, policy).result.costUsd));
}

export function runOf(job: JobScore, policy: string): ScoredRun {
  const run = job.runs[policy];
  if (run === undefined) throw new RangeError(`${job.jobId} was not run under ${policy}`);
  return run;
}

/** The cheapest of policies that keep every deadline and rule; null where none does. */
export function bestSound(jobs: readonly JobScore[], policies: readonly string[]): string | null {
  const sound = policies.filter((policy) =>
    jobs.every((job) => {
      const { result, isViolation } = runOf(job, policy);
      return !result.isLate && !isViolation;
    }),
  );
  return sound.reduce<string | null>(
    (best, policy) =>
      best === null || totalUsd(jobs, policy) < totalUsd(jobs, best) ? policy : best,
    null,
  );
}

/** An unfinished job is late by what is left of it, at least: the work that remains after the end of the trace. */
function latenessH(job: JobScore, result: RunResult | undefined): number {
  if (result === undefined || !result.isLate) return 0;
  const missingS = result.isFinished ? 0 : job.workS - result.usefulS;
  return Math.max(0, result.endS + missingS - job.deadlineS) / HOUR_S;
}

function calibrationOf(results: readonly RunResult[]): Calibration | null {
  const predicted = results.flatMap(({ predictedCostUsd, costUsd }) =>
    predictedCostUsd === null || predictedCostUsd <= 0 ? [] : [{ predictedCostUsd, costUsd }],
  );
  if (predicted.length === 0) return null;
  const ratios = predicted.map((run) => run.costUsd / run.predictedCostUsd);
  return {
    runs: predicted.length,
    ratio:
      sum(predicted.map(({ costUsd }) => costUsd)) /
      sum(predicted.map(({ predictedCostUsd }) => predictedCostUsd)),
    spread: [percentile(ratios, 0.05), percentile(ratios, 0.5), percentile(ratios, 0.95)],
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

/** Members by key, in the order in which the keys first occur. */
export function groupsBy<T>(members: readonly T[], keyOf: (member: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const member of members) {
    const group = groups.get(keyOf(member));
    if (group === undefined) groups.set(keyOf(member), [member]);
    else group.push(member);
  }
  return groups;
}

/** The value that a share of the values does not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** How many times a bootstrap draws, and from which seed. */
const DRAWS = 2000;
const SEED = 20_260_101;

/** A difference in total cost with its 95 % interval. */
export interface Difference {
  readonly usd: number;
  readonly lowUsd: number;
  readonly highUsd: number;
  readonly reference: string;
}

/** Total cost of a policy less that of a reference, with a paired percentile bootstrap over jobs. */
export function differenceOf(
  jobs: readonly JobScore[],
  policy: string,
  reference: string,
): Difference {
  const deltas = jobs.map(
    (job) => runOf(job, policy).result.costUsd - runOf(job, reference).result.costUsd,
  );
  const chance = generator(SEED);
  const totals = Array.from({ length: DRAWS }, () => {
    let total = 0;
    for (let at = 0; at < deltas.length; at += 1) {
      total += deltas[Math.floor(chance() * deltas.length)] ?? 0;
    }
    return total;
  });
  return {
    usd: sum(deltas),
    lowUsd: percentile(totals, 0.025),
    highUsd: percentile(totals, 0.975),
    reference,
  };
}

/** Numbers in [0, 1) that follow from a seed (a 32-bit Weyl sequence through a multiplicative hash). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let hash = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
  };
}
