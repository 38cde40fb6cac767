import type { RankedOffer } from './decision';
import type { HealthSnapshot } from './health';
import type { AttemptId, OfferId } from './ids';
import type { JobFacts } from './job';
import type { MicroUsd } from './money';
import type { Offer } from './offer';
import type { Preferences } from './policy';

/** A lease that the job holds or is about to get, as far as a judgement needs it. */
export interface HeldLease {
  readonly attemptId: AttemptId;
  /** As quoted. */
  readonly offer: Offer;
  /** What it is charged at, as far as known: the quote, or the rate that was read back where that is higher. */
  readonly pricePerHour: MicroUsd;
  /** Since it began to be charged; 0 before. What a lifetime that depends on age asks for. */
  readonly ageMs: number;
  /** When the workload began there, or null while it is still being started. */
  readonly startedAtMs: number | null;
  /** Work that is left if the job stays there and nothing goes wrong. */
  readonly leftMs: number;
}

/** An offer that cannot be had now and may come back. */
export interface AwaitedPrice {
  readonly offerId: OfferId;
  readonly pricePerHour: MicroUsd;
}

/** All that a reconsideration may know; plain data, so that it can be kept and judged again. */
export interface ReconsiderationView {
  /** The spec as submitted, and the deadline even where nothing can keep it any more. */
  readonly job: JobFacts;
  /** Work that is left after a move: what no confirmed checkpoint covers. Equal to the whole for a job that starts over. */
  readonly leftMs: number;
  /** Empty for a job that waits. */
  readonly held: readonly HeldLease[];
  /**
   * The fresh decision for `leftMs`: offers that are neither suspended nor spoken for, by expected cost. For a job that waits
   * those that refused it in this round come last.
   */
  readonly ranked: readonly RankedOffer[];
  /** Offers refused only for reasons that pass. */
  readonly awaited: readonly OfferId[];
  /** Those of them whose price is known, cheapest first. */
  readonly awaitedPrices: readonly AwaitedPrice[];
  /** When a job that waits gives up; null for one that holds a lease. */
  readonly giveUpAtMs: number | null;
  readonly health: HealthSnapshot;
  readonly preferences: Preferences;
  /** When the job was last moved, or null. */
  readonly lastMoveAtMs: number | null;
  /** Where the move was to go that has just freed the job; null otherwise, and once that offer has refused. */
  readonly aim: OfferId | null;
  readonly nowMs: number;
}
