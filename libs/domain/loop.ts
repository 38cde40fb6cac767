import type { AttemptPhase } from './attempt';
import type { ProviderErrorKind } from './failover';
import type { MicroUsd } from './money';

/** What a look at the lease showed; the provider seam's observation without its transport. */
export interface Sighting {
  readonly state: 'starting' | 'active' | 'interrupting' | 'ended' | 'gone';
  readonly externalId: string | null;
  readonly cause:
    | 'released'
    | 'workload-ended'
    | 'interrupted'
    | 'provider-failed'
    | 'funds-exhausted'
    | 'no-capacity'
    | null;
  readonly billedFromMs: number | null;
  readonly billedToMs: number | null;
  readonly pricePerHour: MicroUsd | null;
}

export interface CallFailure {
  readonly kind: ProviderErrorKind;
  readonly text: string;
  readonly retryAfterMs: number | null;
}

export type Outcome = { readonly saw: Sighting } | { readonly failed: CallFailure };

export type Move = 'start' | 'acquire' | 'observe' | 'release' | 'rest';

/** What the dispatcher does for an attempt in each phase. */
export const moveIn: { readonly [P in AttemptPhase]: Move } = {
  planned: 'start',
  acquiring: 'acquire',
  confirming: 'observe',
  starting: 'observe',
  running: 'observe',
  releasing: 'release',
  released: 'rest',
};

/** The provider's manners that the loop must respect; taken from its descriptor. */
export interface LoopTerms {
  /** A repeated acquire finds the first by itself. Otherwise it may be repeated only after a quiet read. */
  readonly repeatable: boolean;
  /** Read-after-write lag plus the longest time that an acquire call may still be under way. */
  readonly quietMs: number;
  readonly observeEveryMs: number;
  readonly startLimitMs: number;
  /** A running workload that has not been heard for this long is given up. */
  readonly silenceLimitMs: number;
}
