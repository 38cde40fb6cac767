import type { ProviderId } from './ids';
import { MS_PER_HOUR, ZERO_USD, costOf, microUsd, type MicroUsd } from './money';
import type { Offer } from './offer';

/**
 * What is paid for already: so many machines at a time (`capacity`), machine hours (`hours`, in ms), or list cost (`amount`, in
 * micro-dollars).
 */
export type CommittedQuantity =
  | { readonly kind: 'capacity'; readonly machines: number }
  | { readonly kind: 'hours'; readonly leaseMs: number }
  | { readonly kind: 'amount'; readonly listCost: MicroUsd };

/** A reservation or a prepaid contract with a provider. Null parts match everything; spot is never covered. */
export interface Commitment {
  /** Names it for good; letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  readonly providerId: ProviderId;
  readonly region: string | null;
  readonly instanceType: string | null;
  readonly gpuModel: string | null;
  readonly quantity: CommittedQuantity;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A commitment and what is gone of it. */
export interface CommitmentState extends Commitment {
  /** Of what has been booked. */
  readonly usedMs: number;
  readonly usedListCost: MicroUsd;
  /** Attempts that hold, or ask for, a lease on it now. */
  readonly drawing: number;
  /** What those may still draw beyond what is booked for them. */
  readonly grantedMs: number;
  readonly grantedListCost: MicroUsd;
}

/** What of one lease is paid for by a commitment. Fixed when the lease is planned, so that its charges follow from the attempt alone. */
export interface Coverage {
  readonly commitment: string;
  /** What is used later is charged. */
  readonly untilMs: number;
  /** At most this long, or null without such a bound. */
  readonly leaseMs: number | null;
  /** At most this list cost, or null without such a bound. */
  readonly listCost: MicroUsd | null;
}

/** Whether a commitment is about an offer, at any time. */
export function covers(commitment: Commitment, offer: Offer): boolean {
  const { providerId, region, instanceType, gpuModel } = commitment;
  return (
    offer.providerId === providerId &&
    offer.market !== 'spot' &&
    (region === null || offer.region === region) &&
    (instanceType === null || offer.instanceType === instanceType) &&
    (gpuModel === null || offer.gpu?.model === gpuModel)
  );
}

/** What a commitment still pays for each of `machines` more leases, or null when it is not in force or used up. */
export function leftOf(state: CommitmentState, machines: number, nowMs: number): Coverage | null {
  const { name: commitment, quantity, untilMs, fromMs } = state;
  if (nowMs < fromMs || nowMs >= untilMs) return null;
  switch (quantity.kind) {
    case 'capacity':
      return state.drawing + machines <= quantity.machines
        ? { commitment, untilMs, leaseMs: null, listCost: null }
        : null;
    case 'hours': {
      const leftMs = quantity.leaseMs - state.usedMs - state.grantedMs;
      const leaseMs = Math.floor(leftMs / machines);
      return leaseMs > 0 ? { commitment, untilMs, leaseMs, listCost: null } : null;
    }
    case 'amount': {
      const left = quantity.listCost - state.usedListCost - state.grantedListCost;
      const listCost = microUsd(Math.max(0, Math.floor(left / machines)));
      return listCost > 0 ? { commitment, untilMs, leaseMs: null, listCost } : null;
    }
  }
}

/** Look-up of what is paid for already; made once per decision, so that offers of other providers cost one map read. */
export interface CommitmentIndex {
  /** The fields that `find` depends on; none where nothing is left of any. */
  readonly reads: readonly (keyof Offer)[];
  /** Of each machine. Of several that cover an offer the one that ends first is used first, and never two for one lease. */
  find(offer: Offer): Coverage | null;
}

export const NO_COMMITMENTS: CommitmentIndex = { reads: [], find: () => null };

/** Index the commitments that are in force and not used up. */
export function indexCommitments(
  states: readonly CommitmentState[],
  machines: number,
  nowMs: number,
): CommitmentIndex {
  const byProvider = new Map<string, { state: CommitmentState; coverage: Coverage }[]>();
  for (const state of [...states].sort(byEndThenName)) {
    const coverage = leftOf(state, machines, nowMs);
    if (coverage === null) continue;
    const known = byProvider.get(state.providerId) ?? [];
    byProvider.set(state.providerId, [...known, { state, coverage }]);
  }
  if (byProvider.size === 0) return NO_COMMITMENTS;
  return {
    reads: ['providerId', 'market', 'region', 'instanceType', 'gpu'],
    find: (offer) =>
      byProvider.get(offer.providerId)?.find(({ state }) => covers(state, offer))?.coverage ?? null,
  };
}

function byEndThenName(a: Commitment, b: Commitment): number {
  return a.untilMs - b.untilMs || (a.name < b.name ? -1 : 1);
}

/** The share, 0 to 1, of a lease that is expected to last `leaseMs` and to cost `listCost` that is paid for already. */
export function coveredShare(
  coverage: Coverage,
  leaseMs: number,
  listCost: number,
  nowMs: number,
): number {
  const inForceMs = Math.min(coverage.untilMs - nowMs, coverage.leaseMs ?? Infinity);
  const byTime = leaseMs <= 0 ? 1 : Math.min(1, Math.max(0, inForceMs) / leaseMs);
  if (coverage.listCost === null || listCost <= 0) return byTime;
  return Math.min(byTime, coverage.listCost / listCost);
}

/** So much more than it is expected to need is granted to a lease, for one that runs longer. */
const GRANT_MARGIN = 2;

/** What one lease may draw of what is left: never all of it for a lease that needs little, so that others find the rest. */
export function grantOf(coverage: Coverage, leaseMs: number, listCost: MicroUsd): Coverage {
  return {
    ...coverage,
    leaseMs:
      coverage.leaseMs === null
        ? null
        : Math.min(coverage.leaseMs, Math.ceil(GRANT_MARGIN * leaseMs)),
    listCost:
      coverage.listCost === null
        ? null
        : microUsd(Math.min(coverage.listCost, Math.ceil(GRANT_MARGIN * listCost))),
  };
}

/** A lease's bill at list price, of which part is paid for already. */
export interface LeaseBill {
  /** At the quoted price, as the provider counts it. */
  readonly listCost: MicroUsd;
  /** What is charged beyond the commitment: never negative, never falling while the lease goes on. */
  readonly charged: MicroUsd;
  /** How much of the lease the commitment has paid for. */
  readonly coveredMs: number;
}

/** Splits the bill of a lease of `billedMs` whose whole list cost is known. A lease within its coverage is charged nothing. */
export function splitBill(
  coverage: Coverage | null | undefined,
  lease: {
    readonly fromMs: number;
    readonly untilMs: number;
    readonly pricePerHour: MicroUsd;
    readonly listCost: MicroUsd;
  },
): LeaseBill {
  const { fromMs, untilMs, pricePerHour, listCost } = lease;
  if (coverage === null || coverage === undefined)
    return { listCost, charged: listCost, coveredMs: 0 };
  const lastedMs = untilMs - fromMs;
  const boundMs = Math.min(Math.max(0, coverage.untilMs - fromMs), coverage.leaseMs ?? Infinity);
  const byTime = lastedMs <= boundMs ? listCost : costOf(pricePerHour, boundMs);
  const paid = Math.min(listCost, byTime, coverage.listCost ?? Infinity);
  const coveredMs =
    coverage.listCost !== null && paid < byTime && pricePerHour > 0
      ? Math.min(boundMs, Math.floor((paid * MS_PER_HOUR) / pricePerHour))
      : Math.min(lastedMs, boundMs);
  return { listCost, charged: microUsd(listCost - paid), coveredMs };
}

/** How much longer than its budget buys a lease may last because part of it is paid for already. */
export function coveredLeaseMs(
  coverage: Coverage | null | undefined,
  pricePerHour: MicroUsd,
  nowMs: number,
  { incrementMs }: Pick<Offer['billing'], 'incrementMs'>,
): number {
  if (coverage === null || coverage === undefined) return 0;
  const byTime = Math.min(coverage.untilMs - nowMs, coverage.leaseMs ?? Number.MAX_SAFE_INTEGER);
  const byCost =
    coverage.listCost === null || pricePerHour <= 0
      ? Number.MAX_SAFE_INTEGER
      : Math.floor((coverage.listCost * MS_PER_HOUR) / pricePerHour);
  const leaseMs = Math.max(0, Math.min(byTime, byCost));
  return Math.floor(leaseMs / incrementMs) * incrementMs;
}

/** Nothing used yet. */
export function unused(commitment: Commitment): CommitmentState {
  return {
    ...commitment,
    usedMs: 0,
    usedListCost: ZERO_USD,
    drawing: 0,
    grantedMs: 0,
    grantedListCost: ZERO_USD,
  };
}
