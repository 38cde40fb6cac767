import type { AgreedTerms } from './attempt';
import { AS_PREDICTED, calibrationKey, type Prediction } from './calibration';
import { grantOf, indexCommitments, type Coverage } from './commitment';
import { leasesOf, machinesOf, totalOf } from './cost';
import type { PricingInput } from './pricing';
import { advisedIntervalMs, courseAt, lossQuantile, type Course } from './course';
import type { DecisionInput, DecisionSummary, EffectiveCost, RankedOffer } from './decision';
import { reliabilityOf, type Reliability } from './health';
import type { JobSpec } from './job';
import { MS_PER_HOUR, estimatedMicroUsd, microUsd, type MicroUsd } from './money';

const BPS = 10_000;
/** A single start takes this much less and more than the mean within nine in ten. */
const QUICK_START = 0.5;
const SLOW_START = 2;
const TAIL = 0.05;

type Given = Pick<DecisionInput, 'job' | 'health' | 'pricing' | 'nowMs'>;

/** The summary with what each kept offer comes to for an hour of work, what is advised there, and what is to be compared later. */
export function withEffectiveCosts(summary: DecisionSummary, input: Given): DecisionSummary {
  return {
    ...summary,
    ranked: summary.ranked.map((ranked) => ({
      ...ranked,
      effective: effectiveCost(ranked, input),
    })),
  };
}

/** What an offer's terms come to. The input is that of the decision which the offer was ranked by. */
export function effectiveCost(ranked: RankedOffer, input: Given): EffectiveCost {
  const { job, health, pricing, nowMs } = input;
  const reliability = reliabilityOf(ranked.offer, health);
  const course = courseAt(job, reliability);
  const prediction = predictionFor(ranked, input, course, reliability);
  return {
    perJobHour: costPerJobHour(ranked, job.spec.durationEstimateMs),
    checkpointEveryMs: advisedIntervalMs(job, reliability),
    coverage: grantedBy(ranked, pricing, leasesOf(job), course, nowMs),
    prediction,
  };
}

/**
 * Effective cost per successful job-hour: [p (1 + h) (1 + v) (n B + d + billing) + egress + failure + pi P_late] / (W P(on time)).
 * A failure's cost contains the work's being done elsewhere, so that only lateness is left to divide by.
 */
export function costPerJobHour(
  { terms, latenessBps }: Pick<RankedOffer, 'terms' | 'latenessBps'>,
  workMs: number,
): MicroUsd | null {
  const onTime = (BPS - latenessBps) / BPS;
  if (onTime <= 0 || workMs <= 0) return null;
  const paid = totalOf(terms) - terms.waiting - terms.preference;
  return estimatedMicroUsd((paid * MS_PER_HOUR) / (workMs * onTime));
}

function predictionFor(
  { offer }: RankedOffer,
  { job, pricing }: Given,
  course: Course,
  reliability: Reliability,
): Prediction {
  const machines = machinesOf(job);
  const perMs = (offer.pricePerHour * machines) / MS_PER_HOUR;
  const lostMs = Math.max(0, course.lossMs - reliability.recoveryWaitMs);
  const busyMs = course.workMs + course.writingMs;
  const roundingMs = offer.billing.incrementMs + offer.billing.minimumMs;
  const bill = (startMs: number, losses: number): MicroUsd =>
    estimatedMicroUsd(perMs * (busyMs + startMs + losses * lostMs));
  const most = lossQuantile(course, 1 - TAIL);
  return {
    workMs: course.workMs,
    writingMs: course.writingMs,
    startUpMs: course.changeoverMs,
    losses: course.expectedLosses,
    charge90: {
      low: bill(QUICK_START * course.changeoverMs, lossQuantile(course, TAIL)),
      high: bill(SLOW_START * course.changeoverMs + (most + 1) * roundingMs, most),
    },
    machines,
    factors: pricing?.calibration[calibrationKey(offer)] ?? AS_PREDICTED,
  };
}

function grantedBy(
  { offer }: RankedOffer,
  pricing: PricingInput | undefined,
  leases: number,
  course: Course,
  nowMs: number,
): Coverage | null {
  const coverage = indexCommitments(pricing?.commitments ?? [], leases, nowMs).find(offer);
  if (coverage === null) return null;
  const leaseMs = course.billedMs + course.changeoverMs;
  const listCost = estimatedMicroUsd((offer.pricePerHour * leaseMs) / MS_PER_HOUR);
  return grantOf(coverage, leaseMs, microUsd(listCost));
}

/** What is settled when a lease is planned at a ranked offer, or null when there is nothing to settle. */
export function agreedTerms(
  { effective }: Pick<RankedOffer, 'effective'>,
  spec: Pick<JobSpec, 'checkpoint'>,
): AgreedTerms | null {
  const coverage = effective?.coverage ?? null;
  const checkpointEveryMs =
    spec.checkpoint?.auto === true ? (effective?.checkpointEveryMs ?? null) : null;
  return coverage === null && checkpointEveryMs === null ? null : { coverage, checkpointEveryMs };
}
