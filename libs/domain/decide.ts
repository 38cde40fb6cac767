import { constraints, infraPattern, ruleRejections, type ConstraintInput } from './constraints';
import { chanceOfLateness, costTerms, courseAt, fitsBudget, totalOf, type Course } from './cost';
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

type Judged = { readonly ranked: RankedOffer; readonly reasons: readonly Rejection[] };

/** Rank every offer for a job by what finishing there is expected to cost, or say why it cannot serve. Pure. */
export function decide(input: DecisionInput): Decision {
  const prepared = prepare(input);
  const judged = input.offers.map((offer) => judge(offer, input, prepared));
  const eligible = judged.filter(({ reasons }) => reasons.length === 0).map(({ ranked }) => ranked);
  const refused = judged.filter(({ reasons }) => reasons.length > 0);
  return {
    engine: ENGINE_VERSION,
    ranked: eligible.sort(byExpectedCostThenId),
    rejected: refused
      .map(({ ranked, reasons }) => ({ offer: ranked.offer, reasons }))
      .sort(byOfferId),
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
      include: job.spec.infra.include.map(infraPattern),
      exclude: job.spec.infra.exclude.map(infraPattern),
    },
  };
}

/** All constraints run for every offer, so that a refused one carries all of its reasons. */
function judge(offer: Offer, input: DecisionInput, prepared: ConstraintInput): Judged {
  const reliability = reliabilityOf(offer, input.health);
  const course = courseAt(input.job, reliability);
  const ranked = price(offer, input, course, reliability);
  const hard = constraints.flatMap((constraint) => constraint(offer, prepared) ?? []);
  const reasons = [
    ...hard,
    ...ruleRejections(offer, prepared),
    ...economicRejections(ranked, input, course),
  ];
  return { ranked, reasons };
}

function price(
  offer: Offer,
  { job, policy, nowMs }: DecisionInput,
  course: Course,
  reliability: ReturnType<typeof reliabilityOf>,
): RankedOffer {
  const chance = chanceOfLateness(course, job.deadlineAtMs, nowMs);
  const preferences = preferencesFor(policy, job.spec.workload);
  const terms = costTerms(offer, job, course, reliability, chance, preferences);
  const reserveMs = course.workMs + RESERVE_CHANGEOVERS * course.changeoverMs;
  return {
    offer,
    terms,
    expectedCost: totalOf(terms),
    latenessBps: Math.round(chance * 10_000),
    noReturnAtMs:
      offer.interruptible && job.deadlineAtMs !== null
        ? Math.floor(job.deadlineAtMs - reserveMs)
        : null,
  };
}

/** Refusals that follow from the expected course rather than from the offer's properties. */
function economicRejections(
  ranked: RankedOffer,
  { job, policy }: DecisionInput,
  course: Course,
): readonly Rejection[] {
  const reasons: Rejection[] = [];
  const toleratedBps = preferencesFor(policy, job.spec.workload).latenessToleranceBps;
  if (ranked.latenessBps > toleratedBps) {
    reasons.push({ code: 'deadline-at-risk', chanceBps: ranked.latenessBps, toleratedBps });
  }
  if (ranked.offer.interruptible && job.spec.checkpoint === null && course.expectedLosses > 1) {
    reasons.push({
      code: 'work-would-be-lost',
      expectedLosses: Math.round(course.expectedLosses * 100) / 100,
    });
  }
  if (job.spec.budget.maxCost !== null) {
    const left = microUsd(Math.max(0, job.spec.budget.maxCost - job.spent));
    const expected = ranked.terms.run;
    if (!fitsBudget(ranked.offer, left, expected))
      reasons.push({ code: 'cost-over-budget', left, expected });
  }
  return reasons;
}

/** The cheapest on-demand hyperscaler offer that may serve, even if it is sold out this minute. */
function baselineOf(judged: readonly Judged[]): Baseline | null {
  const best = judged
    .filter(
      ({ ranked: { offer }, reasons }) =>
        offer.providerKind === 'hyperscaler' &&
        offer.market === 'on-demand' &&
        reasons.every(({ code }) => temporaryRejections.has(code)),
    )
    .map(({ ranked }) => ranked)
    .sort(byExpectedCostThenId)[0];
  if (best === undefined) return null;
  const { id, pricePerHour, billing, startupMs } = best.offer;
  return { offerId: id, pricePerHour, billing, startupMs };
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
