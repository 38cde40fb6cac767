import { asOfferId, asProviderId, microUsd } from '#libs/domain';
import type { Offer, OfferGpu } from '#libs/domain';

/** The offer's id, put together the way every provider does it. */
export function fakeOffer(
  wanted: Partial<Omit<Offer, 'id'>> & { readonly instanceType: string },
): Offer {
  const base: Omit<Offer, 'id'> = {
    providerId: asProviderId('memory'),
    providerKind: 'neocloud',
    region: 'north',
    country: 'FI',
    market: 'on-demand',
    gpu: null,
    cpus: 4,
    memoryGib: 16,
    diskGb: 100,
    interruptible: false,
    pricePerHour: microUsd(200_000),
    settlementToken: null,
    billing: { incrementMs: 1_000, minimumMs: 60_000 },
    egressPerGb: microUsd(0),
    startupMs: 30_000,
    available: true,
    certifications: [],
    slaBps: null,
    confidential: false,
    consumerHardware: false,
    features: [],
    hostedBy: null,
    hostId: null,
    quantity: null,
    ...wanted,
  };
  const { providerId, region, instanceType, market } = base;
  return { ...base, id: asOfferId(`${providerId}/${region}/${instanceType}/${market}`) };
}

const h100: OfferGpu = { model: 'H100', count: 1, memoryGib: 80, interconnect: 'any' };

/** A small catalogue: with and without a GPU, firm and interruptible, in two regions. */
export const fakeOffers: readonly Offer[] = [
  fakeOffer({ instanceType: 'cpu-4' }),
  fakeOffer({
    instanceType: 'cpu-4',
    market: 'spot',
    interruptible: true,
    pricePerHour: microUsd(80_000),
  }),
  fakeOffer({ instanceType: 'h100', gpu: h100, pricePerHour: microUsd(2_500_000) }),
  fakeOffer({
    instanceType: 'h100',
    region: 'west',
    country: null,
    gpu: h100,
    market: 'spot',
    interruptible: true,
    pricePerHour: microUsd(1_100_000),
  }),
];
