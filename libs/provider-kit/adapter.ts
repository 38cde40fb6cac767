import type { AttemptId, MicroUsd, Offer, OfferId } from '#libs/domain';
import type { ProviderDescriptor } from './descriptor';

/** Bounds of one provider call; the guard sets them, adapters only pass them on. */
export interface CallContext {
  /** Aborted when the call's time is up; every network call must take it. */
  readonly signal: AbortSignal;
  readonly nowMs: number;
  /**
   * Epoch ms after which nothing of the call may be under way any more, the wait for its turn included; null or absent where
   * only the call's own time-out matters. A call whose turn comes later is refused unsent.
   */
  readonly notAfterMs?: number | null;
  /** For `listOffers`: what the price feeds know of an offer. Absent where nobody has asked them. */
  readonly prices?: PriceLookup;
}

/** What a price feed says that an offer costs, or undefined where none knows it. */
export type PriceLookup = (
  offerId: OfferId,
) => { readonly pricePerHour: MicroUsd; readonly source: string } | undefined;

/** For callers of guarded adapters: the guard puts the call's own time-out in place of this signal. */
export function guardedCall(nowMs: number, notAfterMs: number | null = null): CallContext {
  return { signal: new AbortController().signal, nowMs, notAfterMs };
}

/** What to run on the lease; the supervisor has already been put in front of the job's own command. */
export interface LeaseWorkload {
  readonly image: string;
  /**
   * For a provider that `runs: 'vm'`: complete user data, run once as root at first boot, which powers the machine off at the end.
   * For one that `runs: 'container'`: the text for `sh -c` inside `image`. At most 12 KiB; the same bytes for the same lease key.
   */
  readonly script: string;
  /** Further environment of the container; empty for VMs. Never a secret of the router's own. */
  readonly env: Readonly<Record<string, string>>;
}

export interface LeaseRequest {
  /** The attempt's id: sent as client token, name or tag, so that a repeat finds the first. */
  readonly leaseKey: AttemptId;
  readonly offer: Offer;
  readonly workload: LeaseWorkload;
  /** For people who look at the provider's console: `project`, `job`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: {
    /** The provider's own dead-man switch where it has one, rounded up to its unit. */
    readonly maxDurationMs: number;
    /** Refuse with `price-moved` rather than pay more than this. */
    readonly maxPricePerHour: MicroUsd;
  };
}

/** Enough to find a lease again; an adapter must manage with `leaseKey` alone. */
export interface LeaseRef {
  readonly leaseKey: AttemptId;
  /** What the provider called it in an earlier observation; a hint that saves a search. */
  readonly externalId: string | null;
  /** Where it was asked for; a hint. */
  readonly region: string | null;
}

/**
 * `starting`: exists, the workload cannot run yet. `active`: up. `interrupting`: the provider has given notice.
 * `ended`: it no longer runs anything but something is left to release (and maybe to pay).
 * `gone`: nothing exists and nothing is charged, as far as the provider's read can tell.
 */
export type LeaseState = 'starting' | 'active' | 'interrupting' | 'ended' | 'gone';

/**
 * Why a lease is `interrupting`, `ended` or `gone`, in the router's words; null where the provider does not say.
 * `no-capacity`: the order was accepted but nobody took it, so nothing ever ran (a market where bids follow the order).
 */
export type LeaseEndCause =
  | 'released'
  | 'workload-ended'
  | 'interrupted'
  | 'provider-failed'
  | 'funds-exhausted'
  | 'no-capacity';

export interface LeaseObservation {
  readonly leaseKey: AttemptId;
  readonly state: LeaseState;
  readonly externalId: string | null;
  readonly cause: LeaseEndCause | null;
  /** When the provider began to charge, epoch ms, where it says so. */
  readonly billedFromMs: number | null;
  /** When it stopped charging, where it says so. */
  readonly billedToMs: number | null;
  /** The rate that the provider shows for this lease, where it does. */
  readonly pricePerHour: MicroUsd | null;
}

/** What the cloud knows of a key that it has never seen, or no longer knows. */
export function unknownLease(leaseKey: AttemptId): LeaseObservation {
  return {
    leaseKey,
    state: 'gone',
    externalId: null,
    cause: null,
    billedFromMs: null,
    billedToMs: null,
    pricePerHour: null,
  };
}

/**
 * A cloud or network in five repeatable verbs. An adapter never retries, sleeps, caches, logs, reads the environment or
 * knows a tenant. Failures are thrown as `ProviderError`; nothing else may leave it.
 */
export interface ProviderAdapter {
  readonly descriptor: ProviderDescriptor;
  /** What can be bought now, unavailable offers included and marked. */
  listOffers(ctx: CallContext): Promise<readonly Offer[]>;
  /** Repeating with the same `leaseKey` yields the same lease; returns as soon as the provider accepted. */
  acquire(request: LeaseRequest, ctx: CallContext): Promise<LeaseObservation>;
  /** Never throws for absence: unknown is `gone`. */
  observe(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation>;
  /** Repeatable; the caller repeats until `gone` is believed. Releasing an unknown key answers `gone`. */
  release(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation>;
  /** Everything that carries our mark and is not `gone`; feeds the orphan sweep. */
  listLeases(ctx: CallContext): Promise<readonly LeaseObservation[]>;
  /** The workload's console or log tail as the provider keeps it, at most 64 KiB; present only where declared. */
  readLogs?(ref: LeaseRef, ctx: CallContext): Promise<string>;
}
