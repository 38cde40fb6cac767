import { ZERO_USD, type AttemptId, type Offer } from '#libs/domain';
import {
  ProviderError,
  type LeaseEndCause,
  type LeaseObservation,
  type LeaseRequest,
  type LeaseState,
} from '#libs/provider-kit';
import type { ConsoleBid, ConsoleDeployment, ConsoleLease, ConsoleProvider } from './client';
import type { AkashConfig } from './config';
import { parseMark, type Mark } from './mark';
import type { Order } from './sdl';
import { gpuOfInstanceType, type Shape } from './shapes';
import { microUsdPerHour, parseChainDecimal, uactPerBlockWithin } from './units';

type Timing = Pick<AkashConfig, 'blockMs' | 'gatherMs' | 'bidWindowMs' | 'manifestWindowMs'>;

/** A deployment of ours, with what its name says. */
export interface MarkedDeployment {
  readonly mark: Mark;
  readonly deployment: ConsoleDeployment;
}

/** The deployment with its mark, or null when it is not ours or shows no name. */
export function withMark(deployment: ConsoleDeployment): MarkedDeployment | null {
  const mark = parseMark(deployment.name ?? '');
  return mark === null ? null : { mark, deployment };
}

/**
 * A deployment that the server shows without a name, known to be ours by its number. Its mark permits nothing: no bid is within
 * its ceiling and every window is over, so an order ends as one that nobody took, and a lease counts as up until it is over.
 */
export function asNameless(deployment: ConsoleDeployment, leaseKey: AttemptId): MarkedDeployment {
  return { mark: { leaseKey, maxPricePerHour: ZERO_USD, country: '', askedAtMs: 0 }, deployment };
}

/** A server without names cannot be worked with: nothing that is placed there could be found again. */
export function namesAreNotKept(): ProviderError {
  return new ProviderError('unsupported', 'This Akash Console does not keep deployment names');
}

/** What to order for a request, or a refusal when the ceiling rules it out from the start. */
export function orderFor({ offer, limits }: LeaseRequest, config: AkashConfig): Order {
  const maxUactPerBlock = uactPerBlockWithin(limits.maxPricePerHour, config.blockMs);
  if (offer.pricePerHour > limits.maxPricePerHour || maxUactPerBlock === 0)
    throw new ProviderError('price-moved', 'The market asks for more than the ceiling allows');
  return { shape: shapeOf(offer), maxUactPerBlock, auditors: config.auditors };
}

function shapeOf({ instanceType, cpus, memoryGib, diskGb }: Offer): Shape {
  const gpu = gpuOfInstanceType(instanceType);
  if (gpu === undefined)
    throw new ProviderError('request-rejected', `Akash has no shape named ${instanceType}`);
  return { gpu, cpus, memoryGib, diskGb };
}

const MS_PER_HOUR = 3_600_000;
const RUNTIME_LIMIT_MAX_HOURS = 48;

/** The Console's dead-man switch in whole hours, or null beyond what it can be set to. */
export function runtimeLimitHours(maxDurationMs: number): number | null {
  const hours = Math.max(1, Math.ceil(maxDurationMs / MS_PER_HOUR));
  return hours > RUNTIME_LIMIT_MAX_HOURS ? null : hours;
}

const causeOfReason: Readonly<Record<string, LeaseEndCause>> = {
  lease_closed_owner: 'released',
  // The provider gave up on a container that never became healthy: ours to answer for, not the provider's.
  lease_closed_reason_unstable: 'workload-ended',
  lease_closed_reason_decommission: 'interrupted',
  lease_closed_reason_unspecified: 'interrupted',
  lease_closed_reason_manifest_timeout: 'provider-failed',
  lease_closed_reason_insufficient_funds: 'funds-exhausted',
};

type Stage = readonly [LeaseState, LeaseEndCause | null];

/** What a deployment amounts to. A `status` of null is no evidence of anything. */
export function observationOf(
  { mark, deployment }: MarkedDeployment,
  nowMs: number,
  timing: Timing,
): LeaseObservation {
  const lease = currentLease(deployment);
  const [state, cause] = stageOf(deployment, lease, mark, nowMs, timing);
  return {
    leaseKey: mark.leaseKey,
    state,
    externalId: deployment.deployment.id.dseq,
    cause,
    // The chain tells block heights, which do not convert to times reliably.
    billedFromMs: null,
    billedToMs: null,
    pricePerHour: lease === null ? null : microUsdPerHour(lease.price.amount, timing.blockMs),
  };
}

function stageOf(
  deployment: ConsoleDeployment,
  lease: ConsoleLease | null,
  mark: Mark,
  nowMs: number,
  timing: Timing,
): Stage {
  if (deployment.deployment.state !== 'active') return ['gone', causeOf(lease)];
  if (lease === null)
    return nowMs - mark.askedAtMs >= timing.bidWindowMs
      ? ['ended', 'no-capacity']
      : ['starting', null];
  switch (lease.state) {
    case 'active':
      return [isUp(lease, nowMs - mark.askedAtMs, timing) ? 'active' : 'starting', null];
    case 'reclaiming':
      return ['interrupting', 'interrupted'];
    case 'insufficient_funds':
      return ['ended', 'funds-exhausted'];
    default:
      return ['ended', causeOf(lease)];
  }
}

function causeOf(lease: ConsoleLease | null): LeaseEndCause | null {
  if (lease === null) return null;
  if (lease.state === 'insufficient_funds') return 'funds-exhausted';
  return causeOfReason[lease.reason ?? ''] ?? null;
}

/**
 * Whether the lease counts as up: its container is available, or it has outlived the manifest window. After that a manifest has
 * arrived, for the provider would have closed the lease otherwise, and silence or a container between two starts is no news.
 */
function isUp({ status }: ConsoleLease, ageMs: number, timing: Timing): boolean {
  const services = Object.values(status?.services ?? {});
  return ageMs >= timing.manifestWindowMs || services.some((service) => service.available >= 1);
}

/** The lease that counts: the one that is not over, else the last. */
export function currentLease({ leases }: ConsoleDeployment): ConsoleLease | null {
  return leases.find((lease) => lease.state !== 'closed') ?? leases.at(-1) ?? null;
}

/** Whether a bid may be taken now: the order is open, bids have had time to gather, and the window is not over. */
export function mayLease(
  { mark, deployment }: MarkedDeployment,
  nowMs: number,
  timing: Timing,
): boolean {
  const ageMs = nowMs - mark.askedAtMs;
  return (
    deployment.deployment.state === 'active' &&
    deployment.leases.length === 0 &&
    ageMs >= timing.gatherMs &&
    ageMs < timing.bidWindowMs
  );
}

/** The lease whose manifest may not have arrived yet, so that it should be sent once more; null when there is none. */
export function awaitsManifest(
  { mark, deployment }: MarkedDeployment,
  nowMs: number,
  timing: Timing,
): ConsoleLease | null {
  const lease = currentLease(deployment);
  const expected =
    deployment.deployment.state === 'active' && lease?.state === 'active' && lease.status === null;
  return expected && nowMs - mark.askedAtMs < timing.manifestWindowMs ? lease : null;
}

/** Open bids within the ceiling, cheapest first; equal prices in the order of the providers' addresses. */
export function affordableBids(
  bids: readonly ConsoleBid[],
  mark: Mark,
  blockMs: number,
): readonly ConsoleBid[] {
  return bids
    .filter((bid) => bid.state === 'open' && bid.price.denom === 'uact')
    .filter((bid) => {
      const perHour = microUsdPerHour(bid.price.amount, blockMs);
      return perHour !== null && perHour <= mark.maxPricePerHour;
    })
    .sort((a, b) => compareAmounts(a, b) || (a.id.provider < b.id.provider ? -1 : 1));
}

function compareAmounts(a: ConsoleBid, b: ConsoleBid): number {
  const difference =
    (parseChainDecimal(a.price.amount) ?? 0n) - (parseChainDecimal(b.price.amount) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whether a provider may run the order: audited, online, and where GeoIP puts it in the country that was asked for. */
export function mayServe(provider: ConsoleProvider | undefined, mark: Mark): boolean {
  return (
    provider?.isAudited === true &&
    provider.isOnline === true &&
    provider.ipCountryCode?.toLowerCase() === mark.country
  );
}
