import type { HealthSnapshot } from './health';
import type { OfferId } from './ids';
import type { Baseline, ComplianceRegime, JobFacts } from './job';
import type { MicroUsd } from './money';
import type { Offer } from './offer';
import type { CompiledPolicy } from './policy';
import type { SuspensionScope } from './failover';
import type { Suspension } from './suspension';

/** Raised whenever the same inputs may give other bytes. */
export const ENGINE_VERSION = 'decide/1';

export interface DecisionInput {
  readonly job: JobFacts;
  readonly policy: CompiledPolicy;
  readonly offers: readonly Offer[];
  readonly health: HealthSnapshot;
  readonly suspensions: readonly Suspension[];
  readonly nowMs: number;
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
  | { readonly code: 'policy-requires'; readonly ruleId: string; readonly because: string };

export type RejectionCode = Rejection['code'];

/** Rejections that pass by themselves; an offer with only these is worth waiting for. */
export const temporaryRejections: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'unavailable',
  'suspended',
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

/** What is kept of a decision: the ranked head, every rejection code with its count, and the nearest misses. */
export interface DecisionSummary {
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
