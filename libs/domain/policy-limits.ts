import type { LimitMeasure, Rejection } from './decision';
import type { Reliability } from './health';
import type { JobId } from './ids';
import type { JobFacts } from './job';
import { estimatedMicroUsd, microUsd, MS_PER_HOUR, ZERO_USD, type MicroUsd } from './money';
import type { Offer } from './offer';
import {
  NO_PROFILE,
  NO_USAGE,
  type Circumstances,
  type CompiledCharge,
  type CompiledLimit,
  type LimitUsage,
  type LimitUsages,
  type Preferences,
  type ProfileInForce,
} from './policy';

const BPS = 10_000;
/** Availability that an offer counts as having when nothing is promised by contract, in basis points. */
export const UNPROMISED_AVAILABILITY_BPS = 9_500;

/** What the limits and profiles of one decision share. */
export interface LimitInput {
  readonly job: JobFacts;
  readonly around: Circumstances;
  readonly limits: readonly CompiledLimit[];
  readonly usage: LimitUsages;
  readonly profile: ProfileInForce;
}

const NO_REFUSALS: readonly Rejection[] = [];

/** Everything in which limits and profiles refuse an offer: limits in the order of their ids, then the profile. */
export function limitRefusals(offer: Offer, input: LimitInput): readonly Rejection[] {
  const { limits, profile } = input;
  if (limits.length === 0 && profile === NO_PROFILE) return NO_REFUSALS;
  const reasons: Rejection[] = [];
  for (const limit of limits) reasons.push(...refusalsOfLimit(limit, offer, input));
  return [...reasons, ...profileRefusals(offer, input)];
}

/**
 * What `refusalsOfLimit` looks at in an offer besides what the limit's `covers` reads and its price. Of two prices it says the
 * same, or of the higher one more: what is exceeded stays exceeded.
 */
export const limitReads = ['gpu', 'settlementToken'] as const satisfies readonly (keyof Offer)[];

/** In what one limit refuses an offer. */
export function refusalsOfLimit(
  limit: CompiledLimit,
  offer: Offer,
  { job, around, usage }: LimitInput,
): readonly Rejection[] {
  if (!limit.covers(job, offer, around)) return NO_REFUSALS;
  const held = usage[limit.id] ?? NO_USAGE;
  const reasons: Rejection[] = [];
  for (const measure of measures) {
    const reason = measure(limit, { offer, machines: job.spec.nodes }, held);
    if (reason !== null) reasons.push(reason);
  }
  return reasons;
}

interface Wanted {
  readonly offer: Pick<Offer, 'pricePerHour' | (typeof limitReads)[number]>;
  /** How many of it the job takes at once. */
  readonly machines: number;
}

type Measure = (limit: CompiledLimit, wanted: Wanted, held: LimitUsage) => Rejection | null;

/** What an offer alone exceeds is refused for good; what it exceeds together with what is held passes with the leases. */
const measures: readonly Measure[] = [
  (limit, { offer }) =>
    judged(limit, 'price-per-hour', limit.maxima.maxPricePerHour, offer.pricePerHour, 0),
  (limit, { offer, machines }, held) =>
    judged(limit, 'gpus', limit.maxima.maxGpus, (offer.gpu?.count ?? 0) * machines, held.gpus),
  (limit, _wanted, held) => judged(limit, 'jobs', limit.maxima.maxJobs, 1, held.jobs),
  (limit, { offer, machines }, held) => {
    if (offer.settlementToken === null) return null;
    const max = limit.maxima.maxTokenSpendPerHour;
    const wanted = offer.pricePerHour * machines;
    return judged(limit, 'token-spend-per-hour', max, wanted, held.tokenSpendPerHour);
  },
  tokenShare,
];

function judged(
  { id: ruleId, because }: CompiledLimit,
  measure: LimitMeasure,
  max: number | undefined,
  wanted: number,
  held: number,
): Rejection | null {
  if (max === undefined || wanted === 0 || wanted + held <= max) return null;
  const code = wanted > max ? 'limit-exceeded' : 'limit-reached';
  return { code, ruleId, because, measure, max, have: wanted + held };
}

/** The share that tokens would have in the project's hourly spend if the offer were taken. */
function tokenShare(
  { id: ruleId, because, maxima }: CompiledLimit,
  { offer: { settlementToken, pricePerHour }, machines }: Wanted,
  held: LimitUsage,
): Rejection | null {
  const { maxTokenShareBps: max, tokenAllowancePerHour = ZERO_USD } = maxima;
  if (max === undefined || settlementToken === null) return null;
  const added = pricePerHour * machines;
  const inTokens = held.tokenSpendPerHour + added;
  if (inTokens <= tokenAllowancePerHour) return null;
  const have = Math.ceil((inTokens / Math.max(1, held.spendPerHour + added)) * BPS);
  return have <= max
    ? null
    : { code: 'limit-reached', ruleId, because, measure: 'token-share', max, have };
}

/** In what the profile of the job's class refuses an offer: by whether it is interruptible, and by its reliability. */
export function profileRefusals(
  offer: Offer,
  { job, around, profile }: LimitInput,
): readonly Rejection[] {
  const reasons: Rejection[] = [];
  const { interruptible, minReliability } = profile;
  if (offer.interruptible && interruptible !== null && !toleratedBy(interruptible.use, job))
    reasons.push({
      code: 'policy-requires',
      ruleId: interruptible.id,
      because:
        interruptible.use === 'never'
          ? 'work of this class runs where it is not interrupted'
          : 'work of this class runs where it can be interrupted only with checkpoints',
    });
  if (minReliability !== null && calmHourBps(around.reliabilityOf(offer)) < minReliability.bps)
    reasons.push({
      code: 'policy-requires',
      ruleId: minReliability.id,
      because: `work of this class needs a chance of ${minReliability.bps / 100} % for an hour without interruption`,
    });
  return reasons;
}

function toleratedBy(use: 'allowed' | 'with-checkpoint' | 'never', { spec }: JobFacts): boolean {
  return use === 'allowed' || (use === 'with-checkpoint' && spec.checkpoint !== null);
}

/** Chance that an hour passes without an interruption, in basis points. */
export function calmHourBps({ interruptionsPerHour }: Reliability): number {
  return Math.round(Math.exp(-interruptionsPerHour) * BPS);
}

/** What an offer counts as dearer by, beyond what it costs: premiums, withheld discounts, and availability that is not promised. */
export function preferenceCost(
  offer: Offer,
  job: JobFacts,
  { availabilityPointPerHour }: Pick<Preferences, 'availabilityPointPerHour'>,
  charges: readonly CompiledCharge[],
  around: Circumstances,
): MicroUsd {
  const missingPoints = (BPS - (offer.slaBps ?? UNPROMISED_AVAILABILITY_BPS)) / 100;
  const perHour = chargedPerHour(offer, job, charges, around);
  const total = perHour + availabilityPointPerHour * missingPoints;
  return estimatedMicroUsd((total * job.spec.durationEstimateMs) / MS_PER_HOUR);
}

/** Sum of the charges that an offer meets. */
export function chargedPerHour(
  offer: Offer,
  job: JobFacts,
  charges: readonly CompiledCharge[],
  around: Circumstances,
): MicroUsd {
  let perHour = 0;
  for (const charge of charges) if (charge.holds(job, offer, around)) perHour += charge.perHour;
  return microUsd(perHour);
}

/** What a job has leased of one offer. */
export interface LeasedOffer {
  readonly jobId: JobId;
  readonly offer: Offer;
  readonly leases: number;
}

/** Whether a limit asks what the project holds. */
export function countsUsage({ maxima }: CompiledLimit): boolean {
  return (
    maxima.maxGpus !== undefined ||
    maxima.maxJobs !== undefined ||
    maxima.maxTokenSpendPerHour !== undefined ||
    maxima.maxTokenShareBps !== undefined
  );
}

/** What the leases of a job's project amount to for each limit that counts them; the job's own must not be among them. */
export function usageOf(
  limits: readonly CompiledLimit[],
  job: JobFacts,
  held: readonly LeasedOffer[],
  around: Circumstances,
): LimitUsages {
  const spendPerHour = total(held, ({ pricePerHour }) => pricePerHour);
  return Object.fromEntries(
    limits.filter(countsUsage).map((limit) => {
      const covered = held.filter(({ offer }) => limit.covers(job, offer, around));
      const usage: LimitUsage = {
        jobs: new Set(covered.map(({ jobId }) => jobId)).size,
        gpus: total(covered, ({ gpu }) => gpu?.count ?? 0),
        spendPerHour: microUsd(spendPerHour),
        tokenSpendPerHour: microUsd(
          total(covered, ({ settlementToken, pricePerHour }) =>
            settlementToken === null ? 0 : pricePerHour,
          ),
        ),
      };
      return [limit.id, usage];
    }),
  );
}

function total(held: readonly LeasedOffer[], of: (offer: Offer) => number): number {
  return held.reduce((sum, { offer, leases }) => sum + leases * of(offer), 0);
}
