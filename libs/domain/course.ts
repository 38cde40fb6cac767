import { interruptionsPerHourOver, type Reliability } from './health';
import type { JobFacts, WorkloadClass } from './job';
import { MS_PER_HOUR } from './money';

/** Time to write one checkpoint, per GB: a modest 200 MB/s volume. */
const CHECKPOINT_MS_PER_GB = 5_000;
/** Above this many mean up-times in one unprotected stretch the work would never finish; the exponential is cut there. */
const MAX_EXPONENT = 30;
/** A workload that saves more often than this hardly does anything else. */
const LEAST_INTERVAL_MS = 60_000;
/** With this many segments and losses their count is as good as normal, and its first term would soon be zero. */
const NORMAL_FROM_SEGMENTS = 100;
const NORMAL_FROM_LOSSES = 500;
/** Standard deviations above the mean at which the chance is 1 in double precision. */
const CERTAIN_DEVIATIONS = 40;
/** Losses counted at most; a job that needs more of them to be in time is taken to be late. */
const MAX_COUNTED_LOSSES = 2_000;

/**
 * Whether an interruption destroys work since the last checkpoint. A service answers one request at a time, so that it loses
 * the changeover and nothing else.
 */
const losesProgress: { readonly [W in WorkloadClass]: boolean } = {
  inference: false,
  'real-time': false,
  'batch-inference': true,
  'fine-tuning': true,
  training: true,
  rendering: true,
  prototyping: true,
  confidential: true,
  general: true,
};

/** The stretch of a service's work that an interruption can destroy: a request. */
const REQUEST_MS = 1_000;

/** How the work is expected to go at one offer, in plain numbers; money is made from it in `costTerms`. */
export interface Course {
  readonly workMs: number;
  /** Billed, unproductive time of one start. */
  readonly changeoverMs: number;
  /** Time spent on writing checkpoints when nothing goes wrong. */
  readonly writingMs: number;
  /** Mean time between losses; Infinity when there are none. */
  readonly meanUpMs: number;
  /** Billed time from the end of the first start until the work is done, rework and restarts included. */
  readonly billedMs: number;
  /** Wall time until the work is done, the first start included. */
  readonly wallMs: number;
  /** Stretches of work that are lost or kept as a whole; not always a whole number. */
  readonly segments: number;
  /** Chance that a segment is lost before it is kept. */
  readonly segmentLossChance: number;
  /** Losses until the work is done, those during rework included. */
  readonly expectedLosses: number;
  /** Mean wall time that one loss costs. */
  readonly lossMs: number;
}

/** Whether losses would throw the whole work back to its beginning. */
export function startsOver({ spec }: Pick<JobFacts, 'spec'>): boolean {
  return spec.checkpoint === null && losesProgress[spec.workload];
}

/**
 * Expected bill and wall time under exponential losses with checkpoints every `tau` (Young 1974, Daly 2006). One segment is
 * attempted F = e^(d/L) (e^((tau+c)/L) - 1) mean up-times L long, billed L F, wall (L + D) F, where d is a changeover, c the
 * writing of a checkpoint and D the wait for new capacity. Without checkpoints one segment is the whole job.
 */
export function courseAt(job: JobFacts, reliability: Reliability): Course {
  const { durationEstimateMs: workMs } = job.spec;
  const { startupMs: changeoverMs, recoveryWaitMs } = reliability;
  const segmentMs = Math.max(1, Math.min(workMs, protectedEveryMs(job, reliability)));
  const writeMs = writingOnceMs(job);
  const segments = workMs / segmentMs;
  const writingMs = segments * writeMs;
  const meanUpMs = meanUpOf(reliability, workMs);
  const stretch = Math.min(MAX_EXPONENT, (segmentMs + writeMs) / meanUpMs);
  const restart = Math.min(MAX_EXPONENT, changeoverMs / meanUpMs);
  const expectedLosses = segments * Math.exp(restart) * Math.expm1(stretch);
  const busyMs = workMs + writingMs;
  // Without losses the formula's limit is the work and its checkpoints.
  const billedMs = expectedLosses === 0 ? busyMs : Math.max(busyMs, meanUpMs * expectedLosses);
  return {
    workMs,
    changeoverMs,
    writingMs,
    meanUpMs,
    billedMs,
    wallMs: changeoverMs + billedMs + recoveryWaitMs * expectedLosses,
    segments,
    segmentLossChance: -Math.expm1(-stretch),
    expectedLosses,
    lossMs: changeoverMs + recoveryWaitMs + sunkMs(segmentMs + writeMs, stretch),
  };
}

/** Below this many mean up-times a loss comes at any point of a stretch alike. */
const SHORT_STRETCH = 1e-4;

/** How far a stretch has come on average when it is lost, E[X | X < s] for exponential X. */
function sunkMs(stretchMs: number, stretch: number): number {
  if (stretch < SHORT_STRETCH) return stretchMs / 2;
  return stretchMs / stretch - stretchMs / Math.expm1(stretch);
}

/** How much work at most is lost at once. */
function protectedEveryMs(job: JobFacts, reliability: Reliability): number {
  const { checkpoint, workload } = job.spec;
  if (!losesProgress[workload]) return REQUEST_MS;
  if (checkpoint === null) return Infinity;
  return (
    (checkpoint.auto === true ? advisedIntervalMs(job, reliability) : null) ?? checkpoint.intervalMs
  );
}

/** Time that one checkpoint takes. A service does not stop to save its state between two requests. */
function writingOnceMs({ spec: { checkpoint, workload } }: JobFacts): number {
  return losesProgress[workload] ? (checkpoint?.sizeGb ?? 0) * CHECKPOINT_MS_PER_GB : 0;
}

/** For leases of the length of the work: where old leases are lost more seldom, a long job has fewer losses an hour. */
function meanUpOf(reliability: Reliability, workMs: number): number {
  const perHour = interruptionsPerHourOver(reliability, workMs);
  return perHour > 0 ? MS_PER_HOUR / perHour : Infinity;
}

/**
 * The interval between checkpoints at which writing them and losing work cost least together, sqrt(2 c L) with c the writing of
 * one and L the mean up-time (Young 1974); at least a minute, at most the work. Null for a job that has none to set.
 */
export function advisedIntervalMs(job: JobFacts, reliability: Reliability): number | null {
  const { checkpoint, durationEstimateMs: workMs, workload } = job.spec;
  if (checkpoint === null || !losesProgress[workload]) return null;
  const bestMs = Math.sqrt(2 * writingOnceMs(job) * meanUpOf(reliability, workMs));
  const intervalMs = Number.isNaN(bestMs) ? 0 : bestMs;
  return Math.round(Math.min(Math.max(workMs, 1), Math.max(LEAST_INTERVAL_MS, intervalMs)));
}

/**
 * Chance of finishing after the deadline, 0 to 1. The losses before every segment is kept once are negative-binomial (geometric
 * without checkpoints, nearly Poisson with many); each costs `lossMs` of the slack.
 */
export function chanceOfLateness(
  course: Course,
  deadlineAtMs: number | null,
  nowMs: number,
): number {
  if (deadlineAtMs === null) return 0;
  const slackMs = deadlineAtMs - nowMs - course.workMs - course.writingMs - course.changeoverMs;
  if (slackMs < 0) return 1;
  return Math.max(0, 1 - chanceOfAtMost(Math.floor(slackMs / Math.max(1, course.lossMs)), course));
}

type Losses = Pick<Course, 'segments' | 'segmentLossChance'>;

/** P(losses <= n); bounded by MAX_COUNTED_LOSSES additions, and never above the truth where it stops early. */
function chanceOfAtMost(n: number, { segments, segmentLossChance }: Losses): number {
  const keptChance = 1 - segmentLossChance;
  const mean = (segments * segmentLossChance) / keptChance;
  const deviation = Math.sqrt(mean / keptChance);
  if (n >= mean + CERTAIN_DEVIATIONS * (1 + deviation)) return 1;
  if (segments >= NORMAL_FROM_SEGMENTS && mean >= NORMAL_FROM_LOSSES)
    return normalCumulative((n + 0.5 - mean) / deviation);
  let term = keptChance ** segments;
  let total = term;
  for (let k = 1; k <= Math.min(n, MAX_COUNTED_LOSSES); k += 1) {
    term *= ((segments + k - 1) / k) * segmentLossChance;
    total += term;
  }
  return Math.min(1, total);
}

/** The fewest losses, before all work is kept, with at least this chance of not being more; `MAX_COUNTED_LOSSES` at most. */
export function lossQuantile(losses: Losses, chance: number): number {
  let low = 0;
  let high = MAX_COUNTED_LOSSES;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (chanceOfAtMost(middle, losses) >= chance) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The standard normal distribution, to 1e-7 (Abramowitz and Stegun 26.2.17). */
function normalCumulative(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z > 0 ? 1 - tail : tail;
}
