import type { OfferView } from '#libs/contracts';
import {
  freshnessOf,
  indexStaleness,
  sourceOf,
  type FeedFreshness,
  type Offer,
} from '#libs/domain';
import { timeOrNull } from './times';

/** What is known of the sources of prices, and when that is asked. */
export interface ShownAt {
  readonly feeds: FeedFreshness;
  readonly nowMs: number;
}

/** An offer as the API shows it. In a ranking nothing is stale, and when it was read is not told. */
export function offerView(offer: Offer, at: ShownAt | null = null): OfferView {
  const { providerId, pricePerHour, egressPerGb, billing, certifications, features, gpu } = offer;
  return {
    id: offer.id,
    provider: providerId,
    providerKind: offer.providerKind,
    region: offer.region,
    country: offer.country,
    instanceType: offer.instanceType,
    market: offer.market,
    gpu,
    cpus: offer.cpus,
    memoryGib: offer.memoryGib,
    diskGb: offer.diskGb,
    interruptible: offer.interruptible,
    pricePerHourMicroUsd: pricePerHour,
    ...sourceView(offer, at),
    settlementToken: offer.settlementToken,
    billingIncrementMs: billing.incrementMs,
    billingMinimumMs: billing.minimumMs,
    egressPerGbMicroUsd: egressPerGb,
    startupMs: offer.startupMs,
    available: offer.available,
    certifications: [...certifications],
    slaBps: offer.slaBps,
    confidential: offer.confidential,
    consumerHardware: offer.consumerHardware,
    features: [...features],
    hostedBy: offer.hostedBy,
    hostId: offer.hostId,
    quantity: offer.quantity,
  };
}

function sourceView(
  offer: Offer,
  at: ShownAt | null,
): Pick<OfferView, 'source' | 'readAt' | 'stale'> {
  const source = sourceOf(offer);
  if (at === null) return { source, readAt: null, stale: false };
  const { feeds, nowMs } = at;
  return {
    source,
    readAt: timeOrNull(freshnessOf(source, feeds)?.readAtMs ?? null),
    stale: indexStaleness(feeds, nowMs).find(offer) !== null,
  };
}
