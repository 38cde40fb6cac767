import type { JobFacts, WorkloadClass } from './job';
import type { MicroUsd } from './money';
import { usd } from './money';
import type { Offer } from './offer';

/** Exchange rates and tolerances by which wishes are weighed; all money, never weights. */
export interface Preferences {
  /** What an hour of waiting for the result is worth. */
  readonly waitingCostPerHour: MicroUsd;
  /** What being late costs, on top of the waiting, times the chance of it. */
  readonly latenessCost: MicroUsd;
  /** An offer is refused when the chance of missing the deadline exceeds this, in basis points. */
  readonly latenessToleranceBps: number;
  /** Safety margin on prices settled in a token, in basis points. */
  readonly tokenRiskBps: number;
  /** Cost of checking work done on hardware that cannot be proved, in basis points of the run. */
  readonly verificationBps: number;
}

export const DEFAULT_PREFERENCES: Preferences = {
  waitingCostPerHour: usd(0.05),
  latenessCost: usd(50),
  latenessToleranceBps: 500,
  tokenRiskBps: 1300,
  verificationBps: 0,
};

/** A rule as written: CEL expressions over `job`, `offer` and `provider`. Exactly one of `require` and `forbid` is set. */
export interface PolicyRule {
  readonly id: string;
  /** Which jobs it is about; absent means every job. */
  readonly when?: string | undefined;
  readonly require?: string | undefined;
  readonly forbid?: string | undefined;
  /** Shown to users whose offers it refuses. */
  readonly because: string;
}

/** A policy as written, stored and versioned. */
export interface PolicyDocument {
  readonly kind: 'RoutingPolicy';
  readonly name: string;
  readonly description: string;
  readonly rules: readonly PolicyRule[];
  /** Exchange rates by workload class; money already in micro-dollars. */
  readonly preferences: Readonly<Partial<Record<WorkloadClass, Partial<Preferences>>>>;
}

/** One rule of a policy version, ready to be asked. Both functions are total, pure and bounded in cost. */
export interface CompiledRule {
  /** `policy-name/rule-id`. */
  readonly id: string;
  readonly because: string;
  /** `require`: an offer for which `holds` is false is refused; `forbid`: one for which it is true. */
  readonly effect: 'require' | 'forbid';
  readonly applies: (job: JobFacts) => boolean;
  readonly holds: (job: JobFacts, offer: Offer) => boolean;
}

/** Everything the active policies say, compiled once per version. */
export interface CompiledPolicy {
  /** Names and versions of the policies in force, sorted: `builtin@1,acme@3`. */
  readonly version: string;
  readonly rules: readonly CompiledRule[];
  readonly preferences: Readonly<Partial<Record<WorkloadClass, Partial<Preferences>>>>;
}

export function preferencesFor(policy: CompiledPolicy, workload: WorkloadClass): Preferences {
  return { ...DEFAULT_PREFERENCES, ...policy.preferences[workload] };
}
