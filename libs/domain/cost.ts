import { affordableMs, billedMs } from './billing';
import { AS_PREDICTED, calibrationKey, type CalibrationSnapshot } from './calibration';
import {
  coveredShare,
  indexCommitments,
  NO_COMMITMENTS,
  type CommitmentIndex,
  type Coverage,
} from './commitment';
import type { Course } from './course';
import type { CostTerms } from './decision';
import { HAIRCUT, tokenHaircut, type FxSnapshot } from './fx';
import { gravityOf, type Gravity } from './gravity';
import type { Reliability } from './health';
import type { Baseline, JobFacts } from './job';
import { MS_PER_HOUR, estimatedMicroUsd, microUsd, sumUsd, ZERO_USD, type MicroUsd } from './money';
import type { Offer, ProviderKind } from './offer';
import type { Preferences } from './policy';
import { NO_PRICING, type PricingInput } from './pricing';

export { advisedIntervalMs, chanceOfLateness, courseAt, startsOver, type Course } from './course';

/** Fraction of the bill that is sunk when it is noticed that a provider will not deliver; it is noticed at any time alike. */
const SUNK_FRACTION = 0.5;
/** A chance of failure is never taken for more than this: above it, counting tries to the end says nothing. */
const MAX_FAILURE_CHANCE = 0.95;
/**
 * Chance that a provider never delivers the work, or delivers what is rejected, before any of that is measured. Large clouds
 * fail in their starts and interruptions alone; two per cent is what the cost model assumes of networks that promise nothing.
 */
const assumedFailureChance: { readonly [K in ProviderKind]: number } = {
  hyperscaler: 0,
  neocloud: 0.005,
  decentralised: 0.02,
};
/**
 * Payments that are made while the work goes on are on average as exposed to the token's rate as one made after this share of it:
 * the mean of sqrt(t) from 0 to T is sqrt(4 T / 9).
 */
const EXPOSED_SHARE = 4 / 9;

/** What costs depend on beyond the offer and the job, prepared once for all offers of a decision. */
export interface CostFacts {
  readonly fx: FxSnapshot;
  readonly calibration: CalibrationSnapshot | null;
  readonly commitments: CommitmentIndex;
  /** Null works it out from the job alone. */
  readonly gravity: Gravity | null;
  readonly nowMs: number;
}

export const NO_COST_FACTS: CostFacts = {
  fx: {},
  calibration: null,
  commitments: NO_COMMITMENTS,
  gravity: null,
  nowMs: 0,
};

export function costFactsOf(
  job: JobFacts,
  pricing: PricingInput | undefined,
  nowMs: number,
): CostFacts {
  const { fx, egressPerGb, calibration, commitments } = pricing ?? NO_PRICING;
  return {
    fx,
    calibration: Object.keys(calibration).length === 0 ? null : calibration,
    commitments: indexCommitments(commitments, leasesOf(job), nowMs),
    gravity: gravityOf(job, egressPerGb),
    nowMs,
  };
}

/**
 * What the terms of an offer depend on besides its price, its reliability and the charges of policies: offers alike in these
 * cost the same at the same price, and never less at a higher one.
 */
export function costReads({ gravity, commitments }: CostFacts): readonly (keyof Offer)[] {
  const away: readonly (keyof Offer)[] = gravity?.reads ?? ['egressPerGb'];
  return [...ownCostReads, ...away, ...commitments.reads];
}

const ownCostReads = [
  'providerId',
  'providerKind',
  'market',
  'interruptible',
  'billing',
  'settlementToken',
  'slaBps',
] as const satisfies readonly (keyof Offer)[];

/** How many machines of an offer the job leases together. */
export function machinesOf({ spec }: Pick<JobFacts, 'spec'>): number {
  // Jobs stored before there were gangs do not say.
  return Math.max(1, (spec as Partial<JobFacts['spec']>).nodes ?? 1);
}

/**
 * How many leases the job may ask for at once: a gang, a service, or both starts of a hedged one. A commitment pays for all of
 * them or for none, since each of them could be put there.
 */
export function leasesOf(job: Pick<JobFacts, 'spec'>): number {
  const { replicas, sla } = job.spec as Partial<JobFacts['spec']>;
  const copies = replicas ? replicas.target + replicas.extra : 1;
  const starts = (sla?.hedgedStart ?? 'never') === 'never' ? 1 : 2;
  return machinesOf(job) * Math.max(copies, starts);
}

/** What may be known of a provider beyond its interruptions and starts. */
export type Delivery = Reliability & {
  /** Chance that what it said proves wrong, so that the work is never delivered or its result rejected, 0 to 1. Absent: not measured. */
  readonly lieChance?: number;
};

/**
 * The expected cost to finish at an offer, as named terms. Each depends on this offer alone and never falls when its price rises,
 * so that removing an offer changes nothing for the others; `withFallback` then adds the one thing that does not.
 */
export function costTerms(
  offer: Offer,
  job: JobFacts,
  course: Course,
  reliability: Delivery,
  latenessChance: number,
  preferences: Preferences,
  facts: CostFacts = NO_COST_FACTS,
): CostTerms {
  const perMs = (offer.pricePerHour * machinesOf(job)) / MS_PER_HOUR;
  const factors = facts.calibration?.[calibrationKey(offer)] ?? AS_PREDICTED;
  const cleanMs = billedMs(Math.round(course.workMs + course.changeoverMs), offer.billing);
  const startUp = estimatedMicroUsd(perMs * course.changeoverMs * factors.startUp);
  const run = estimatedMicroUsd(perMs * Math.max(course.workMs, cleanMs - course.changeoverMs));
  const extraMs = course.billedMs - course.workMs + roundingMs(course, offer.billing);
  const interruption = estimatedMicroUsd(perMs * extraMs * factors.interruption);
  const compute = run + interruption + startUp;
  const tokenRisk = estimatedMicroUsd(compute * tokenShareOf(offer, course, preferences, facts));
  const verification =
    offer.providerKind === 'hyperscaler'
      ? ZERO_USD
      : share(compute + tokenRisk, preferences.verificationBps);
  const failedStarts = failedTries(reliability.startFailureChance);
  const waitingMs =
    course.wallMs -
    course.workMs +
    failedStarts * (course.changeoverMs + reliability.recoveryWaitMs);
  const terms: CostTerms = {
    run,
    interruption,
    'start-up': startUp,
    waiting: estimatedMicroUsd(
      ((preferences.waitingCostPerHour * waitingMs) / MS_PER_HOUR) * factors.waiting,
    ),
    egress: (facts.gravity ?? gravityOf(job, {})).egressAt(offer),
    'token-risk': tokenRisk,
    verification,
    'provider-failure': ZERO_USD,
    lateness: estimatedMicroUsd(preferences.latenessCost * latenessChance),
    preference: ZERO_USD,
  };
  const failed = failedTries(failureChanceOf(offer, reliability));
  const sunk = SUNK_FRACTION * failed * chargedOf(terms);
  const restarts = failedStarts * perMs * course.changeoverMs;
  return { ...terms, 'provider-failure': estimatedMicroUsd(restarts + sunk) };
}

/** What a provider charges, or would with its token at its worst: all but what waiting, failure and wishes are worth. */
export function chargedOf(terms: CostTerms): MicroUsd {
  return sumUsd([
    terms.run,
    terms.interruption,
    terms['start-up'],
    terms.egress,
    terms['token-risk'],
    terms.verification,
  ]);
}

/**
 * The same terms where the work can be done again at a price that is known: E = (1 - q) K + q (phi K + K_fallback) in place of
 * trying its like again, and being late costs the finish there on top of what lateness costs anyway. A failure and a late
 * finish fall back once. Never falls when the offer's price or the fallback's rises, and the fallback's counts at most once.
 */
export function withFallback(
  terms: CostTerms,
  offer: Offer,
  job: JobFacts,
  course: Course,
  reliability: Delivery,
  latenessChance: number,
  preferences: Preferences,
  fallback: MicroUsd | null,
): CostTerms {
  if (fallback === null) return terms;
  const chance = failureChanceOf(offer, reliability);
  const charged = chargedOf(terms);
  const more = Math.max(0, fallback - (1 - SUNK_FRACTION) * charged);
  const perMs = (offer.pricePerHour * machinesOf(job)) / MS_PER_HOUR;
  const restarts = failedTries(reliability.startFailureChance) * perMs * course.changeoverMs;
  const late = (preferences.latenessCost + (1 - chance) * fallback) * latenessChance;
  return {
    ...terms,
    'provider-failure': estimatedMicroUsd(restarts + chance * more),
    lateness: estimatedMicroUsd(late),
  };
}

/** What doing the work at a reliable offer costs: the price of the baseline for as long as the work takes. */
export function fallbackCost(
  { pricePerHour, billing }: Pick<Baseline, 'pricePerHour' | 'billing'>,
  job: JobFacts,
): MicroUsd {
  const leaseMs = billedMs(job.spec.durationEstimateMs, billing);
  return estimatedMicroUsd((machinesOf(job) * pricePerHour * leaseMs) / MS_PER_HOUR);
}

/** What is left to pay where part of the lease is paid for already: run, interruption and start-up shrink in one proportion. */
export function withCoverage(
  terms: CostTerms,
  coverage: Coverage | null,
  course: Course,
  machines: number,
  nowMs: number,
): CostTerms {
  if (coverage === null) return terms;
  const lease = terms.run + terms.interruption + terms['start-up'];
  const expectedMs = course.billedMs + course.changeoverMs;
  const left = 1 - coveredShare(coverage, expectedMs, lease / machines, nowMs);
  const reduced = (amount: MicroUsd): MicroUsd => estimatedMicroUsd(amount * left);
  return {
    ...terms,
    run: reduced(terms.run),
    interruption: reduced(terms.interruption),
    'start-up': reduced(terms['start-up']),
    'token-risk': reduced(terms['token-risk']),
    verification: reduced(terms.verification),
  };
}

/** Chance of a failure that is neither a start nor an interruption. */
function failureChanceOf({ providerKind }: Offer, { lieChance }: Delivery): number {
  return Math.min(MAX_FAILURE_CHANCE, lieChance ?? assumedFailureChance[providerKind]);
}

/** Failures before one success are geometric. */
function failedTries(chance: number): number {
  const bounded = Math.min(MAX_FAILURE_CHANCE, Math.max(0, chance));
  return bounded / (1 - bounded);
}

/**
 * By what share a price in a token counts as dearer: h = exp(z sigma sqrt(dt)) - 1 where the token's volatility is measured, the
 * policy's flat margin where it is not. Offers do not say when they settle; they are taken to do so as the work goes on.
 */
function tokenShareOf(
  { settlementToken }: Offer,
  { wallMs }: Course,
  { tokenRiskBps }: Preferences,
  { fx }: CostFacts,
): number {
  if (settlementToken === null) return 0;
  const sigma = fx[settlementToken.toUpperCase()]?.sigmaDaily ?? null;
  if (sigma === null) return tokenRiskBps / 10_000;
  return tokenHaircut(sigma, { z: HAIRCUT.z, untilSettledMs: EXPOSED_SHARE * wallMs });
}

/**
 * What billing increments and the minimum add to the leases that losses cut short: half an increment each, or what the minimum
 * charges beyond an up-time, E[max(0, m - X)] for exponential X.
 */
function roundingMs({ meanUpMs, expectedLosses }: Course, billing: Offer['billing']): number {
  if (expectedLosses === 0) return 0;
  const { incrementMs, minimumMs } = billing;
  const belowMinimumMs = minimumMs + meanUpMs * Math.expm1(-minimumMs / meanUpMs);
  return expectedLosses * Math.max(incrementMs / 2, belowMinimumMs);
}

export function totalOf(terms: CostTerms): MicroUsd {
  return sumUsd(Object.values(terms));
}

/** What a lease is billed in which nothing goes wrong. */
export function cleanBill(terms: CostTerms): MicroUsd {
  return microUsd(terms.run + terms['start-up']);
}

/** Whether the budget that is left buys the expected cost, and at least one minimum charge unless a commitment pays for it. */
export function fitsBudget(
  offer: Offer,
  left: MicroUsd,
  expected: MicroUsd,
  coverage: Coverage | null = null,
): boolean {
  if (expected > left) return false;
  return coverage !== null || affordableMs(left, offer.pricePerHour, offer.billing) > 0;
}

function share(amount: number, bps: number): MicroUsd {
  return estimatedMicroUsd(Math.ceil((amount * bps) / 10_000));
}
