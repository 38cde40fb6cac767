import type { FeedFreshness } from './freshness';
import type { Prediction } from './calibration';
import type { Coverage } from './commitment';
import type { PricingInput } from './pricing';
import type { HealthSnapshot } from './health';
import type { OfferId } from './ids';
import type { Baseline, ComplianceRegime, JobFacts } from './job';
import type { MicroUsd } from './money';
import type { Offer } from './offer';
import type { CompiledPolicy, LimitUsages } from './policy';
import type { SuspensionScope } from './failover';
import type { Suspension } from './suspension';

/** Raised whenever the same inputs may give other bytes. */
export const ENGINE_VERSION = 'decide/2';

export interface DecisionInput {
  readonly job: JobFacts;
  readonly policy: CompiledPolicy;
  readonly offers: readonly Offer[];
  readonly health: HealthSnapshot;
  readonly suspensions: readonly Suspension[];
  readonly nowMs: number;
  /** When the sources of prices were last read; stale ones are refused. Absent: nothing is known to be stale. */
  readonly feeds?: FeedFreshness;
  /** What the job's project has leased of what each limit covers, by the id of the limit. Absent: nothing. */
  readonly usage?: LimitUsages;
  /** Token rates, egress rates, calibration and commitments. Absent: none of it is known. */
  readonly pricing?: PricingInput;
}

/** Why an offer cannot serve: a code with its numbers, from a closed list. `renderRejection` makes prose of it. */
export type Rejection =
  | { readonly code: 'unavailable' }
  | {
      readonly code: 'suspended';
      readonly scope: SuspensionScope;
      readonly untilMs: number;
      readonly reason: string;
    }
  /** The price, or whether the offer can be had, is older than its source says it may be. */
  | {
      readonly code: 'price-stale';
      readonly source: string;
      readonly readAtMs: number;
      readonly staleAfterMs: number;
    }
  | { readonly code: 'infra-excluded' }
  | { readonly code: 'gpu-mismatch'; readonly want: string; readonly have: string }
  | { readonly code: 'interconnect-too-slow'; readonly want: string; readonly have: string }
  | {
      readonly code: 'cpus-out-of-range';
      readonly min: number;
      readonly max: number | null;
      readonly have: number;
    }
  | {
      readonly code: 'memory-out-of-range';
      readonly minGib: number;
      readonly maxGib: number | null;
      readonly haveGib: number;
    }
  | { readonly code: 'disk-too-small'; readonly wantGb: number; readonly haveGb: number }
  | { readonly code: 'interruption-not-tolerated' }
  | { readonly code: 'certification-missing'; readonly regimes: readonly ComplianceRegime[] }
  | {
      readonly code: 'residency-violated';
      readonly allowed: readonly string[];
      readonly have: string | null;
    }
  | { readonly code: 'confidential-computing-missing' }
  | { readonly code: 'sla-too-weak'; readonly wantBps: number; readonly haveBps: number | null }
  | {
      readonly code: 'price-too-high';
      readonly maxPerHour: MicroUsd;
      readonly havePerHour: MicroUsd;
    }
  | { readonly code: 'cost-over-budget'; readonly left: MicroUsd; readonly expected: MicroUsd }
  | { readonly code: 'deadline-at-risk'; readonly chanceBps: number; readonly toleratedBps: number }
  | { readonly code: 'work-would-be-lost'; readonly expectedLosses: number }
  | { readonly code: 'policy-forbids'; readonly ruleId: string; readonly because: string }
  | { readonly code: 'policy-requires'; readonly ruleId: string; readonly because: string }
  /** The offer alone is above a limit of a policy. Money in micro-dollars, shares in basis points. */
  | {
      readonly code: 'limit-exceeded';
      readonly ruleId: string;
      readonly because: string;
      readonly measure: LimitMeasure;
      readonly max: number;
      readonly have: number;
    }
  /** The offer would be above a limit together with what the project holds now; `have` counts both. */
  | {
      readonly code: 'limit-reached';
      readonly ruleId: string;
      readonly because: string;
      readonly measure: LimitMeasure;
      readonly max: number;
      readonly have: number;
    };

/** What a limit of a policy is about. */
export type LimitMeasure =
  'price-per-hour' | 'gpus' | 'jobs' | 'token-spend-per-hour' | 'token-share';

export type RejectionCode = Rejection['code'];

/** Rejections that pass by themselves; an offer with only these is worth waiting for. */
export const temporaryRejections: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'unavailable',
  'suspended',
  'price-stale',
  'limit-reached',
]);

export const costTermNames = [
  'run',
  'interruption',
  'start-up',
  'waiting',
  'egress',
  'token-risk',
  'verification',
  'provider-failure',
  'lateness',
  'preference',
] as const;
export type CostTermName = (typeof costTermNames)[number];

/** Named integer terms that add up to `expectedCost`. */
export type CostTerms = { readonly [Name in CostTermName]: MicroUsd };

export interface RankedOffer {
  readonly offer: Offer;
  readonly terms: CostTerms;
  readonly expectedCost: MicroUsd;
  /** Chance of missing the deadline in basis points; 0 when there is none. */
  readonly latenessBps: number;
  /** For interruptible placements of jobs with a deadline: from then on only a reliable offer can make it. */
  readonly noReturnAtMs: number | null;
  /** Only in what is kept of a decision, see `withEffectiveCosts`. */
  readonly effective?: EffectiveCost;
}

/** What follows from an offer's terms, for people and for later comparison. */
export interface EffectiveCost {
  /** Cost of an hour of work that is done and in time; null when it cannot be in time. Waiting and wishes are not in it. */
  readonly perJobHour: MicroUsd | null;
  /** The checkpoint interval at which writing and losing cost least; null for work without checkpoints. */
  readonly checkpointEveryMs: number | null;
  /** What a commitment pays of each lease there, or null. */
  readonly coverage: Coverage | null;
  readonly prediction: Prediction;
}

export interface RejectedOffer {
  readonly offer: Offer;
  readonly reasons: readonly Rejection[];
}

/** Every offer exactly once: ranked by expected cost, or refused with all its reasons. */
export interface Decision {
  readonly engine: string;
  readonly ranked: readonly RankedOffer[];
  readonly rejected: readonly RejectedOffer[];
  readonly baseline: Baseline | null;
}

export interface NearestMiss {
  readonly offerId: OfferId;
  readonly pricePerHour: MicroUsd;
  readonly reasons: readonly Rejection[];
}

/** A reason that keeps out offers by itself: without it they would serve, at once or when they are free again. */
export interface Relaxation {
  /** As it was given for the cheapest of these offers, with its numbers. */
  readonly reason: Rejection;
  /** How many offers have no other lasting reason. */
  readonly offers: number;
  /** How many of them are free now. */
  readonly offersNow: number;
  /** The cheapest of them per hour; free ones first. */
  readonly cheapest: OfferId;
  readonly cheapestPerHour: MicroUsd;
}

/** What removes offers for as long as nobody changes anything: a rule of a policy, or something that the job asks for. */
export interface Removal {
  readonly code: RejectionCode;
  /** `policy/rule` where it is one. */
  readonly ruleId: string | null;
  readonly offers: number;
}

/** How much of a decision about what cannot serve is kept beside the counts. */
export interface Blockers {
  /** Refused offers whose reasons all pass by themselves. */
  readonly passingCount: number;
  /** Lasting reasons, those that remove most first; at most `MAX_REMOVALS`. An offer may be removed by several. */
  readonly removals: readonly Removal[];
  /** The reasons that keep out most by themselves first; at most `MAX_RELAXATIONS`. */
  readonly relaxations: readonly Relaxation[];
}

/** What is kept of a decision: the ranked head, every rejection code with its count, and the nearest misses. */
export interface DecisionSummary extends Partial<Blockers> {
  readonly engine: string;
  readonly ranked: readonly RankedOffer[];
  readonly rankedCount: number;
  readonly rejectedCount: number;
  readonly rejectionCounts: Readonly<Partial<Record<RejectionCode, number>>>;
  /** For policy rejections, by rule. */
  readonly ruleCounts: Readonly<Record<string, number>>;
  readonly nearestMisses: readonly NearestMiss[];
  /** Offers refused only for reasons that pass; what a waiting job waits for. */
  readonly awaited: readonly OfferId[];
  /** When the first of those reasons ends, where known. */
  readonly awaitedUntilMs: number | null;
  readonly baseline: Baseline | null;
}
