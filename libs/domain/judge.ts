import type { Coverage } from './commitment';
import { placeMatcher, refusals, type ConstraintInput } from './constraints';
import {
  chanceOfLateness,
  cleanBill,
  costFactsOf,
  costTerms,
  courseAt,
  fallbackCost,
  fitsBudget,
  machinesOf,
  startsOver,
  totalOf,
  withCoverage,
  withFallback,
  type CostFacts,
  type Course,
} from './cost';
import {
  temporaryRejections,
  type DecisionInput,
  type RankedOffer,
  type Rejection,
} from './decision';
import { indexStaleness } from './freshness';
import type { Reliability } from './health';
import type { Baseline, JobFacts } from './job';
import { microUsd, type MicroUsd } from './money';
import type { Offer } from './offer';
import {
  chargesFor,
  circumstances,
  limitsFor,
  preferencesFor,
  profileFor,
  type Circumstances,
  type CompiledCharge,
  type CompiledLimit,
  type CompiledPolicy,
  type CompiledRule,
  type Preferences,
  type ProfileInForce,
} from './policy';
import { preferenceCost } from './policy-limits';
import { indexSuspensions } from './suspension';

/** Changeovers to keep in hand before the point of no return: one to leave, one to arrive (NSDI'24 safety net). */
const RESERVE_CHANGEOVERS = 2;

/** Everything that a decision looks at but the offers. */
export type DecisionScene = Omit<DecisionInput, 'offers'>;

/** What of a policy is about one job at one moment. */
export interface PolicyInForce {
  /** In the order of their ids. */
  readonly rules: readonly CompiledRule[];
  readonly limits: readonly CompiledLimit[];
  readonly charges: readonly CompiledCharge[];
  readonly profile: ProfileInForce;
  readonly preferences: Preferences;
}

/** The rules that are about a job at a moment, by id. */
export function rulesFor(
  { rules }: CompiledPolicy,
  job: JobFacts,
  nowMs: number,
): readonly CompiledRule[] {
  return rules
    .filter((rule) => rule.applies(job, nowMs))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

export function policyInForce(
  policy: CompiledPolicy,
  job: JobFacts,
  nowMs: number,
  rules: readonly CompiledRule[] = rulesFor(policy, job, nowMs),
): PolicyInForce {
  return {
    rules,
    limits: limitsFor(policy, job, nowMs),
    charges: chargesFor(policy, job, nowMs),
    profile: profileFor(policy, job, nowMs),
    preferences: preferencesFor(policy, job, nowMs),
  };
}

/** How the work goes where things are so reliable. */
export interface Expectation {
  readonly course: Course;
  /** Chance of missing the deadline, 0 to 1. */
  readonly chance: number;
}

/** What the offers of one decision are judged by, worked out once. */
export interface Prepared extends ConstraintInput {
  readonly charges: readonly CompiledCharge[];
  readonly facts: CostFacts;
  readonly expect: (reliability: Reliability) => Expectation;
}

/** What is worked out already, by whoever makes many decisions. It must be what would be worked out. */
export interface Ready {
  readonly inForce: PolicyInForce;
  readonly around: Circumstances;
}

export function prepare(
  { job, policy, suspensions, health, feeds, usage, pricing, nowMs }: DecisionScene,
  ready: Ready = {
    inForce: policyInForce(policy, job, nowMs),
    around: circumstances(nowMs, health),
  },
): Prepared {
  return {
    job,
    ...ready.inForce,
    around: ready.around,
    facts: costFactsOf(job, pricing, nowMs),
    usage: usage ?? {},
    suspensions: indexSuspensions(suspensions, job.id, nowMs),
    staleness: indexStaleness(feeds ?? {}, nowMs),
    infra: {
      include: job.spec.infra.include.map(placeMatcher),
      exclude: job.spec.infra.exclude.map(placeMatcher),
    },
    expect: (reliability) => {
      const course = courseAt(job, reliability);
      return { course, chance: chanceOfLateness(course, job.deadlineAtMs, nowMs) };
    },
  };
}

/** What an offer is expected to cost, and what that follows from. */
export interface Priced extends Expectation {
  readonly ranked: RankedOffer;
  /** Expected cost if no commitment paid for any of it: a baseline is what one would have paid. */
  readonly listCost: MicroUsd;
  readonly coverage: Coverage | null;
  readonly reliability: Reliability;
}

/** Whether the offer can serve is not asked. Depends on what `costReads` and the charges declare, its reliability and its price. */
export function priced(offer: Offer, prepared: Prepared): Priced {
  const { job, preferences, charges, around, facts } = prepared;
  const reliability = around.reliabilityOf(offer);
  const { course, chance } = prepared.expect(reliability);
  const list = {
    ...costTerms(offer, job, course, reliability, chance, preferences, facts),
    preference: preferenceCost(offer, job, preferences, charges, around),
  };
  const coverage = facts.commitments.find(offer);
  const terms = withCoverage(list, coverage, course, machinesOf(job), around.nowMs);
  const ranked: RankedOffer = {
    offer,
    terms,
    expectedCost: totalOf(terms),
    latenessBps: Math.round(chance * 10_000),
    noReturnAtMs: noReturnAtMs(offer, job.deadlineAtMs, course),
  };
  const listCost = coverage === null ? ranked.expectedCost : totalOf(list);
  return { ranked, listCost, coverage, course, chance, reliability };
}

/** An offer with everything that keeps it from serving. */
export interface Judged extends Priced {
  readonly reasons: readonly Rejection[];
}

/** All constraints run for every offer, so that a refused one carries all of its reasons. */
export function judge(offer: Offer, prepared: Prepared): Judged {
  const one = priced(offer, prepared);
  return { ...one, reasons: [...refusals(offer, prepared), ...economicRefusals(one, prepared)] };
}

/** Refusals that follow from the expected course rather than from the offer's properties. None goes away as the price rises. */
export function economicRefusals(
  { ranked: { offer, terms, latenessBps }, course: { workMs, meanUpMs }, coverage }: Priced,
  { job, preferences }: ConstraintInput,
): readonly Rejection[] {
  const reasons: Rejection[] = [];
  const toleratedBps = preferences.latenessToleranceBps;
  if (latenessBps > toleratedBps)
    reasons.push({ code: 'deadline-at-risk', chanceBps: latenessBps, toleratedBps });
  if (offer.interruptible && workMs > meanUpMs && startsOver(job)) {
    const expectedLosses = Math.round((workMs / meanUpMs) * 100) / 100;
    reasons.push({ code: 'work-would-be-lost', expectedLosses });
  }
  if (job.spec.budget.maxCost === null) return reasons;
  const left = microUsd(Math.max(0, job.spec.budget.maxCost - job.spent));
  const expected = cleanBill(terms);
  if (!fitsBudget(offer, left, expected, coverage))
    reasons.push({ code: 'cost-over-budget', left, expected });
  return reasons;
}

/** Whether `economicRefusals` look at the price at all. */
export function economicsReadPrice({ spec }: JobFacts): boolean {
  return spec.budget.maxCost !== null;
}

/** The offer with what failing and being late cost where there is somewhere to go then. */
export function settled(
  { ranked, course, reliability, chance }: Priced,
  { job, preferences }: Prepared,
  fallback: MicroUsd | null,
): RankedOffer {
  const { offer } = ranked;
  const terms = withFallback(
    ranked.terms,
    offer,
    job,
    course,
    reliability,
    chance,
    preferences,
    fallback,
  );
  return terms === ranked.terms ? ranked : { ...ranked, terms, expectedCost: totalOf(terms) };
}

function noReturnAtMs(offer: Offer, deadlineAtMs: number | null, course: Course): number | null {
  if (!offer.interruptible || deadlineAtMs === null) return null;
  const reserveMs = course.workMs + RESERVE_CHANGEOVERS * course.changeoverMs;
  return Math.floor(deadlineAtMs - reserveMs);
}

/** The kind of offer that a cautious buyer takes: on demand, at a hyperscaler. */
export function isCautious({
  providerKind,
  market,
}: Pick<Offer, 'providerKind' | 'market'>): boolean {
  return providerKind === 'hyperscaler' && market === 'on-demand';
}

/** Of that kind and able to serve, even if it is sold out this minute. */
export function isReliable({ ranked: { offer }, reasons }: Judged): boolean {
  return isCautious(offer) && reasons.every(({ code }) => temporaryRejections.has(code));
}

/** What the work costs at the baseline that the job has, else at the cheapest of the reliable offers; null without any. */
export function fallbackOf(reliable: readonly Offer[], job: JobFacts): MicroUsd | null {
  if (job.baseline !== undefined && job.baseline !== null) return fallbackCost(job.baseline, job);
  let least: MicroUsd | null = null;
  for (const offer of reliable) {
    const cost = fallbackCost(offer, job);
    if (least === null || cost < least) least = cost;
  }
  return least;
}

/** The reliable offer with the lowest expected cost; what a cautious buyer without commitments would have taken. */
export function baselineOf(reliable: readonly Priced[]): Baseline | null {
  let best: Priced | null = null;
  for (const one of reliable) if (best === null || isCheaperAtList(one, best)) best = one;
  if (best === null) return null;
  const { id, pricePerHour, billing } = best.ranked.offer;
  return { offerId: id, pricePerHour, billing };
}

function isCheaperAtList(a: Priced, b: Priced): boolean {
  return (
    a.listCost < b.listCost || (a.listCost === b.listCost && a.ranked.offer.id < b.ranked.offer.id)
  );
}
