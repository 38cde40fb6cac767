import { costOf, microUsd, ZERO_USD } from '#libs/domain';
import type { AttemptId, MicroUsd, Offer } from '#libs/domain';
import type { LeaseEndCause, LeaseObservation, LeaseState } from '#libs/provider-kit';

/** A lease as its timeline: what it is at any moment follows from these dates, so no timer is needed. */
export interface FakeLease {
  readonly leaseKey: AttemptId;
  readonly externalId: string;
  readonly offer: Offer;
  /** The price when it was granted; it stays. */
  readonly pricePerHour: MicroUsd;
  readonly createdAtMs: number;
  readonly activeAtMs: number;
  readonly noticeAtMs: number | null;
  readonly endsAtMs: number;
  readonly endCause: LeaseEndCause;
  /** From here on nothing is left of it. */
  readonly goneAtMs: number;
}

/** One line of the provider's books. */
export interface FakeCharge {
  readonly leaseKey: AttemptId;
  readonly externalId: string;
  readonly billedFromMs: number;
  /** Null while it is still being charged. */
  readonly billedToMs: number | null;
  readonly chargedMicroUsd: MicroUsd;
}

export function stateAt(lease: FakeLease, atMs: number): LeaseState {
  if (atMs >= lease.goneAtMs) return 'gone';
  if (atMs >= lease.endsAtMs) return 'ended';
  if (lease.noticeAtMs !== null && atMs >= lease.noticeAtMs) return 'interrupting';
  return atMs >= lease.activeAtMs ? 'active' : 'starting';
}

/** Whether it occupies capacity: it exists and has not ended. */
export function isLiveAt(lease: FakeLease, atMs: number): boolean {
  return atMs >= lease.createdAtMs && atMs < lease.endsAtMs;
}

/** What a read that sees the world as of `atMs` says of the lease. */
export function observationAt(lease: FakeLease, atMs: number): LeaseObservation {
  const state = stateAt(lease, atMs);
  const charge = chargeAt(lease, atMs);
  return {
    leaseKey: lease.leaseKey,
    state,
    externalId: lease.externalId,
    cause: causeIn(state, lease),
    billedFromMs: charge?.billedFromMs ?? null,
    billedToMs: charge?.billedToMs ?? null,
    pricePerHour: lease.pricePerHour,
  };
}

/** What has been charged for the lease up to `atMs`, or null when charging has not begun. */
export function chargeAt(lease: FakeLease, atMs: number): FakeCharge | null {
  const { activeAtMs, endsAtMs } = lease;
  if (atMs < activeAtMs || endsAtMs <= activeAtMs) return null;
  const billedToMs = endsAtMs <= atMs ? endsAtMs : null;
  return {
    leaseKey: lease.leaseKey,
    externalId: lease.externalId,
    billedFromMs: activeAtMs,
    billedToMs,
    chargedMicroUsd: costOf(
      lease.pricePerHour,
      billableMs((billedToMs ?? atMs) - activeAtMs, lease.offer.billing),
    ),
  };
}

/** The lease with an earlier end, or unchanged when it ends sooner anyway. */
export function endedAt(
  lease: FakeLease,
  end: { readonly atMs: number; readonly cause: LeaseEndCause; readonly lingerMs: number },
): FakeLease {
  if (end.atMs >= lease.endsAtMs) return lease;
  return {
    ...lease,
    endsAtMs: end.atMs,
    endCause: end.cause,
    goneAtMs: end.atMs + end.lingerMs,
  };
}

/** The lease after a release: what ran stops now, and nothing is left. */
export function releasedAt(lease: FakeLease, nowMs: number): FakeLease {
  if (nowMs >= lease.goneAtMs) return lease;
  const ended = endedAt(lease, { atMs: nowMs, cause: 'released', lingerMs: 0 });
  return { ...ended, goneAtMs: nowMs };
}

export function totalCharged(charges: readonly FakeCharge[]): MicroUsd {
  return charges.reduce(
    (total, { chargedMicroUsd }) => microUsd(total + chargedMicroUsd),
    ZERO_USD,
  );
}

function billableMs(usedMs: number, billing: Offer['billing']): number {
  const increments = Math.ceil(usedMs / billing.incrementMs) * billing.incrementMs;
  return Math.max(billing.minimumMs, increments);
}

function causeIn(state: LeaseState, lease: FakeLease): LeaseEndCause | null {
  if (state === 'interrupting') return 'interrupted';
  return state === 'ended' || state === 'gone' ? lease.endCause : null;
}
