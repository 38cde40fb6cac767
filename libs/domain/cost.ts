import { affordableMs, billedMs } from './billing';
import type { CostTerms, JobFacts } from './decision';
import type { Reliability } from './health';
import { MS_PER_HOUR, microUsd, roundToMicroUsd, sumUsd, ZERO_USD, type MicroUsd } from './money';
import type { Offer } from './offer';
import type { Preferences } from './policy';

/** Time to write one checkpoint, per GB: a modest 200 MB/s volume. */
const CHECKPOINT_MS_PER_GB = 5_000;
/** Above this many mean up-times in one unprotected stretch the work would never finish; the exponential is cut there. */
const MAX_EXPONENT = 30;
/** Fraction of the work that is sunk when a failed start or a failed provider is noticed. */
const SUNK_FRACTION = 0.5;

/** How the work is expected to go at one offer, in plain numbers; money is made from it in one place below. */
export interface Course {
  readonly workMs: number;
  /** Billed, unproductive time of one start. */
  readonly changeoverMs: number;
  /** Billed time until the work is done, rework and restarts included. */
  readonly billedMs: number;
  /** Wall time until the work is done. */
  readonly wallMs: number;
  readonly expectedLosses: number;
  /** Mean wall time that one loss costs. */
  readonly lossMs: number;
}

/**
 * Expected bill and wall time under exponential losses with checkpoints every `tau` (Young 1974, Daly 2006): per segment
 * F = e^(d/L) (e^((tau+c)/L) - 1) failures-weighted, billed L F, wall (L+D) F. Without checkpoints one segment is the whole job.
 */
export function courseAt({ spec }: JobFacts, reliability: Reliability): Course {
  const workMs = spec.durationEstimateMs;
  const changeoverMs = reliability.startupMs;
  const meanUpMs =
    reliability.interruptionsPerHour <= 0
      ? Infinity
      : MS_PER_HOUR / reliability.interruptionsPerHour;
  const segmentMs =
    spec.checkpoint === null ? workMs : Math.min(workMs, spec.checkpoint.intervalMs);
  const writeMs = spec.checkpoint === null ? 0 : spec.checkpoint.sizeGb * CHECKPOINT_MS_PER_GB;
  const expectedLosses = workMs / meanUpMs;
  const lossMs = changeoverMs + segmentMs / 2 + reliability.recoveryWaitMs;
  if (meanUpMs === Infinity) {
    return {
      workMs,
      changeoverMs,
      billedMs: workMs,
      wallMs: workMs + changeoverMs,
      expectedLosses: 0,
      lossMs,
    };
  }
  const exponent = Math.min(MAX_EXPONENT, (segmentMs + writeMs) / meanUpMs);
  const failures = Math.exp(Math.min(MAX_EXPONENT, changeoverMs / meanUpMs)) * Math.expm1(exponent);
  const segments = workMs / Math.max(1, segmentMs);
  return {
    workMs,
    changeoverMs,
    billedMs: Math.max(workMs, segments * meanUpMs * failures),
    wallMs:
      Math.max(workMs, segments * (meanUpMs + reliability.recoveryWaitMs) * failures) +
      changeoverMs,
    expectedLosses,
    lossMs,
  };
}

/** Chance of finishing after the deadline: losses are Poisson, and each costs `lossMs` of the slack. 0 to 1. */
export function chanceOfLateness(
  course: Course,
  deadlineAtMs: number | null,
  nowMs: number,
): number {
  if (deadlineAtMs === null) return 0;
  const slackMs = deadlineAtMs - nowMs - course.workMs - course.changeoverMs;
  if (slackMs < 0) return 1;
  const tolerableLosses = Math.floor(slackMs / Math.max(1, course.lossMs));
  return 1 - poissonCumulative(tolerableLosses, course.expectedLosses);
}

/** P(N <= n) for a Poisson mean; bounded at 1,000 terms, beyond which it is 1 for every mean that reaches here. */
function poissonCumulative(n: number, mean: number): number {
  if (n >= 1_000) return 1;
  let term = Math.exp(-Math.min(700, mean));
  let total = term;
  for (let k = 1; k <= n; k += 1) {
    term *= mean / k;
    total += term;
  }
  return Math.min(1, total);
}

/** The expected cost to finish at an offer, as named terms. Each depends on this offer alone and grows with its price. */
export function costTerms(
  offer: Offer,
  { spec }: JobFacts,
  course: Course,
  reliability: Reliability,
  latenessChance: number,
  preferences: Preferences,
): CostTerms {
  const perMs = offer.pricePerHour / MS_PER_HOUR;
  const run = roundToMicroUsd(perMs * billedMs(course.workMs, offer.billing));
  const interruption = roundToMicroUsd(perMs * (course.billedMs - course.workMs));
  const startUp = roundToMicroUsd(perMs * course.changeoverMs);
  const compute = run + interruption + startUp;
  const outGb = spec.outputs.reduce((total, output) => total + output.sizeGb, 0);
  const movedGb = (spec.checkpoint?.sizeGb ?? 0) * course.expectedLosses;
  return {
    run,
    interruption,
    'start-up': startUp,
    waiting: roundToMicroUsd(
      (preferences.waitingCostPerHour * (course.wallMs - course.workMs)) / MS_PER_HOUR,
    ),
    egress: roundToMicroUsd(offer.egressPerGb * (outGb + movedGb)),
    'token-risk':
      offer.settlementToken === null ? ZERO_USD : share(compute, preferences.tokenRiskBps),
    verification:
      offer.providerKind === 'hyperscaler' ? ZERO_USD : share(compute, preferences.verificationBps),
    'provider-failure': providerFailure(compute, reliability.startFailureChance),
    lateness: roundToMicroUsd(preferences.latenessCost * latenessChance),
  };
}

export function totalOf(terms: CostTerms): MicroUsd {
  return sumUsd(Object.values(terms));
}

/** Whether the budget that is left buys the expected cost, and at least one minimum charge. */
export function fitsBudget(offer: Offer, left: MicroUsd, expected: MicroUsd): boolean {
  return expected <= left && affordableMs(left, offer.pricePerHour, offer.billing) > 0;
}

/** Failures before one success are geometric; each sinks part of the compute bill. */
function providerFailure(compute: number, chance: number): MicroUsd {
  const bounded = Math.min(0.95, Math.max(0, chance));
  return roundToMicroUsd(((compute * bounded) / (1 - bounded)) * SUNK_FRACTION);
}

function share(amount: number, bps: number): MicroUsd {
  return microUsd(Math.ceil((amount * bps) / 10_000));
}
