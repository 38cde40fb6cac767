import { ZERO_USD, asOfferId, microUsd, usd, type MicroUsd, type Offer } from '#libs/domain';
import type { ConsoleProvider, GpuPrice } from './client';
import type { AkashConfig } from './config';
import { descriptor } from './descriptor';
import {
  CPU_SHAPES,
  GPU_COUNTS,
  gibOf,
  gpuShape,
  instanceTypeOf,
  isConsumerGpu,
  offerGpuOf,
  socketOf,
  type AkashGpu,
  type Shape,
} from './shapes';

/**
 * What providers ask for CPU, memory and disk unless they changed the default pricing script, in micro-dollars per month.
 * The GPU price table is made from orders that ask for almost none of these, so they are added to it.
 */
const PER_MONTH = { cpu: 4_500_000, memoryGib: 1_250_000, diskGb: 80_000 } as const;
const MONTH_DAYS_TIMES_1000 = 30_437;

/** From the order to a running container: bids, manifest, image. */
const STARTUP_MS = 90_000;

/** What the CPUs, memory and disk of a shape add to its price, rounded up. */
export function upliftPerHour({ cpus, memoryGib, diskGb }: Shape): MicroUsd {
  const perMonth =
    cpus * PER_MONTH.cpu + memoryGib * PER_MONTH.memoryGib + diskGb * PER_MONTH.diskGb;
  return microUsd(Math.ceil((perMonth * 1_000) / (MONTH_DAYS_TIMES_1000 * 24)));
}

type OfferRules = Pick<AkashConfig, 'countries' | 'gpuModels'>;

/** What can be asked for: every shape in every country that has an audited provider, unavailable ones marked. */
export function offersFrom(
  providers: readonly ConsoleProvider[],
  prices: readonly GpuPrice[],
  rules: OfferRules,
): readonly Offer[] {
  const audited = providers.filter((provider) => provider.isAudited === true);
  return [...byCountry(audited)]
    .filter(([country]) => rules.countries === null || rules.countries.includes(country))
    .flatMap(([country, local]) => [
      ...cpuOffers(country, local),
      ...prices
        .filter(({ model }) => rules.gpuModels === null || rules.gpuModels.includes(model))
        .flatMap((price) => gpuOffers(country, local, price)),
    ]);
}

/** Providers without a country are left out: an order could not be kept to them. */
function byCountry(providers: readonly ConsoleProvider[]): ReadonlyMap<string, ConsoleProvider[]> {
  const groups = new Map<string, ConsoleProvider[]>();
  for (const provider of providers) {
    const country = provider.ipCountryCode?.toUpperCase() ?? '';
    if (!/^[A-Z]{2}$/.test(country)) continue;
    groups.set(country, [...(groups.get(country) ?? []), provider]);
  }
  return groups;
}

function cpuOffers(country: string, local: readonly ConsoleProvider[]): readonly Offer[] {
  const available = local.some((provider) => provider.isOnline === true && hasFreeCpu(provider));
  return CPU_SHAPES.map((shape) => offerOf(country, shape, upliftPerHour(shape), available));
}

function gpuOffers(
  country: string,
  local: readonly ConsoleProvider[],
  row: GpuPrice,
): readonly Offer[] {
  const memoryGib = gibOf(row.ram);
  // Without a price there is nothing to rank, and Akash shows none until somebody has bid.
  if (!row.price || row.price.currency !== 'USD' || memoryGib === null) return [];
  const gpu: AkashGpu = { model: row.model, memoryGib, socket: socketOf(row.interface) };
  const owners = local.filter((provider) => hasGpu(provider, gpu));
  const eachPerHour = usd(row.price.med);
  return GPU_COUNTS.filter((count) => owners.some((owner) => gpuTotal(owner) >= count)).map(
    (count) => {
      const shape = gpuShape(gpu, count);
      const pricePerHour = microUsd(eachPerHour * count + upliftPerHour(shape));
      const free = owners.some((owner) => owner.isOnline === true && gpuFree(owner) >= count);
      const available = free && row.availability.available >= count;
      return offerOf(country, shape, pricePerHour, available);
    },
  );
}

function hasGpu(provider: ConsoleProvider, gpu: AkashGpu): boolean {
  return (provider.gpuModels ?? []).some(
    (own) =>
      own.vendor === 'nvidia' &&
      own.model === gpu.model &&
      gibOf(own.ram) === gpu.memoryGib &&
      socketOf(own.interface) === gpu.socket,
  );
}

/** A provider that does not tell its capacity is taken to have the one GPU that it names. */
function gpuTotal({ stats }: ConsoleProvider): number {
  return stats?.gpu ? stats.gpu.active + stats.gpu.available + stats.gpu.pending : 1;
}

/** The unit of the CPU figures is not documented, so only whether any is left is read from them. */
const hasFreeCpu = ({ stats }: ConsoleProvider): boolean => (stats?.cpu?.available ?? 1) > 0;

const gpuFree = ({ stats }: ConsoleProvider): number => stats?.gpu?.available ?? 1;

function offerOf(country: string, shape: Shape, pricePerHour: MicroUsd, available: boolean): Offer {
  const region = country.toLowerCase();
  const instanceType = instanceTypeOf(shape);
  return {
    id: asOfferId(`${descriptor.id}/${region}/${instanceType}/marketplace`),
    providerId: descriptor.id,
    providerKind: descriptor.kind,
    region,
    country,
    instanceType,
    market: 'marketplace',
    gpu: offerGpuOf(shape),
    cpus: shape.cpus,
    memoryGib: shape.memoryGib,
    diskGb: shape.diskGb,
    interruptible: true,
    pricePerHour,
    // Paid in ACT, which is pegged to the dollar.
    settlementToken: null,
    billing: descriptor.billing,
    // Traffic is not metered.
    egressPerGb: ZERO_USD,
    startupMs: STARTUP_MS,
    available,
    certifications: [],
    slaBps: null,
    confidential: false,
    consumerHardware: shape.gpu !== null && isConsumerGpu(shape.gpu.model),
    features: [],
    hostedBy: null,
    hostId: null,
    quantity: null,
  };
}
