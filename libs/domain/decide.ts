import { placeMatcher, refusals, type ConstraintInput } from './constraints';
import {
  chanceOfLateness,
  cleanBill,
  costTerms,
  courseAt,
  fitsBudget,
  startsOver,
  totalOf,
  type Course,
} from './cost';
import {
  ENGINE_VERSION,
  temporaryRejections,
  type Decision,
  type DecisionInput,
  type RankedOffer,
  type RejectedOffer,
  type Rejection,
} from './decision';
import { reliabilityOf } from './health';
import type { Baseline } from './job';
import { microUsd } from './money';
import type { Offer } from './offer';
import { preferencesFor } from './policy';
import { indexSuspensions } from './suspension';

/** Changeovers to keep in hand before the point of no return: one to leave, one to arrive (NSDI'24 safety net). */
const RESERVE_CHANGEOVERS = 2;

interface Judged {
  readonly ranked: RankedOffer;
  readonly reasons: readonly Rejection[];
}

/** Rank every offer for a job by what finishing there is expected to cost, or say why it cannot serve. Pure. */
export function decide(input: DecisionInput): Decision {
  const prepared = prepare(input);
  const judged = input.offers.map((offer) => judge(offer, input, prepared));
  const ranked: RankedOffer[] = [];
  const rejected: RejectedOffer[] = [];
  for (const { ranked: priced, reasons } of judged) {
    if (reasons.length === 0) ranked.push(priced);
    else rejected.push({ offer: priced.offer, reasons });
  }
  return {
    engine: ENGINE_VERSION,
    ranked: ranked.sort(byExpectedCostThenId),
    rejected: rejected.sort(byOfferId),
    baseline: baselineOf(judged),
  };
}

function prepare({ job, policy, suspensions, nowMs }: DecisionInput): ConstraintInput {
  return {
    job,
    suspensions: indexSuspensions(suspensions, job.id, nowMs),
    rules: policy.rules
      .filter((rule) => rule.applies(job))
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    infra: {
      include: job.spec.infra.include.map(placeMatcher),
      exclude: job.spec.infra.exclude.map(placeMatcher),
    },
    preferences: preferencesFor(policy, job.spec.workload),
  };
}

/** All constraints run for every offer, so that a refused one carries all of its reasons. */
function judge(offer: Offer, input: DecisionInput, prepared: ConstraintInput): Judged {
  const reliability = reliabilityOf(offer, input.health);
  const course = courseAt(input.job, reliability);
  const chance = chanceOfLateness(course, input.job.deadlineAtMs, input.nowMs);
  const terms = costTerms(offer, input.job, course, reliability, chance, prepared.preferences);
  const ranked: RankedOffer = {
    offer,
    terms,
    expectedCost: totalOf(terms),
    latenessBps: Math.round(chance * 10_000),
    noReturnAtMs: noReturnAtMs(offer, input.job.deadlineAtMs, course),
  };
  const reasons = refusals(offer, prepared);
  addEconomicRefusals(reasons, ranked, prepared, course);
  return { ranked, reasons };
}

function noReturnAtMs(offer: Offer, deadlineAtMs: number | null, course: Course): number | null {
  if (!offer.interruptible || deadlineAtMs === null) return null;
  const reserveMs = course.workMs + RESERVE_CHANGEOVERS * course.changeoverMs;
  return Math.floor(deadlineAtMs - reserveMs);
}

/** Refusals that follow from the expected course rather than from the offer's properties. */
function addEconomicRefusals(
  reasons: Rejection[],
  { offer, terms, latenessBps }: RankedOffer,
  { job, preferences }: ConstraintInput,
  { workMs, meanUpMs }: Course,
): void {
  const toleratedBps = preferences.latenessToleranceBps;
  if (latenessBps > toleratedBps)
    reasons.push({ code: 'deadline-at-risk', chanceBps: latenessBps, toleratedBps });
  if (offer.interruptible && workMs > meanUpMs && startsOver(job)) {
    const expectedLosses = Math.round((workMs / meanUpMs) * 100) / 100;
    reasons.push({ code: 'work-would-be-lost', expectedLosses });
  }
  if (job.spec.budget.maxCost === null) return;
  const left = microUsd(Math.max(0, job.spec.budget.maxCost - job.spent));
  const expected = cleanBill(terms);
  if (!fitsBudget(offer, left, expected))
    reasons.push({ code: 'cost-over-budget', left, expected });
}

/** The cheapest on-demand hyperscaler offer that may serve, even if it is sold out this minute. */
function baselineOf(judged: readonly Judged[]): Baseline | null {
  let best: RankedOffer | null = null;
  for (const { ranked, reasons } of judged) {
    const { providerKind, market } = ranked.offer;
    if (providerKind !== 'hyperscaler' || market !== 'on-demand') continue;
    if (!reasons.every(({ code }) => temporaryRejections.has(code))) continue;
    if (best === null || byExpectedCostThenId(ranked, best) < 0) best = ranked;
  }
  if (best === null) return null;
  const { id, pricePerHour, billing } = best.offer;
  return { offerId: id, pricePerHour, billing };
}

function byExpectedCostThenId(a: RankedOffer, b: RankedOffer): number {
  return (
    a.expectedCost - b.expectedCost ||
    (a.offer.id < b.offer.id ? -1 : a.offer.id > b.offer.id ? 1 : 0)
  );
}

function byOfferId(a: RejectedOffer, b: RejectedOffer): number {
  return a.offer.id < b.offer.id ? -1 : a.offer.id > b.offer.id ? 1 : 0;
}
