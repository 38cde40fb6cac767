import type { OfferView } from '#libs/contracts';
import type { Offer } from '#libs/domain';

/** An offer as the API shows it. */
export function offerView(offer: Offer): OfferView {
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
