import type { SpotPrice } from '@aws-sdk/client-ec2';
import { asOfferId, usd } from '#libs/domain';
import type { Market, MicroUsd, Offer } from '#libs/domain';
import type { CatalogueType } from './catalogue';
import { descriptor } from './descriptor';
import { factsOf } from './regions';
import type { Region } from './regions';

/** EC2's instance-level agreement. Spot is outside every agreement. */
const ON_DEMAND_SLA_BPS = 9_950;
/** Our own estimates of acquire to running workload, to be corrected by what health-monitor measures. */
const CPU_STARTUP_MS = 60_000;
const GPU_STARTUP_MS = 180_000;

/** What the region says of itself now. */
export interface RegionMarket {
  readonly region: Region;
  readonly offeredTypes: ReadonlySet<string>;
  readonly spotPrices: readonly SpotPrice[];
}

type AwsMarket = Extract<Market, 'on-demand' | 'spot'>;

/** Both offers of each type whose on-demand price in the region is known; what is not there now is marked unavailable. */
export function offersIn(
  { region, offeredTypes, spotPrices }: RegionMarket,
  types: readonly CatalogueType[],
  rootVolumeGb: number,
): readonly Offer[] {
  const cheapest = cheapestByType(spotPrices);
  return types.flatMap((type) => {
    const onDemand = onDemandPrice(type, region);
    if (onDemand === null) return [];
    const spot = cheapest.get(type.type);
    const isOffered = offeredTypes.has(type.type);
    const terms = { region, type, rootVolumeGb };
    return [
      offer({ ...terms, market: 'on-demand', pricePerHour: onDemand, available: isOffered }),
      // Without a current spot price the on-demand price stands in; no launch of ours pays more than that.
      offer({
        ...terms,
        market: 'spot',
        pricePerHour: spot ?? onDemand,
        // Above the on-demand price a spot launch would be refused, see the ceiling that we send.
        available: isOffered && spot !== undefined && spot <= onDemand,
      }),
    ];
  });
}

/** What a type costs on demand in a region, or null when the catalogue has no figure. */
export function onDemandPrice({ onDemandUsd }: CatalogueType, region: Region): MicroUsd | null {
  const dollars = onDemandUsd[region];
  return dollars === undefined ? null : usd(dollars);
}

interface OfferTerms {
  readonly region: Region;
  readonly type: CatalogueType;
  readonly market: AwsMarket;
  readonly pricePerHour: MicroUsd;
  readonly available: boolean;
  readonly rootVolumeGb: number;
}

function offer({ region, type, market, pricePerHour, available, rootVolumeGb }: OfferTerms): Offer {
  const { gpu, cpus, memoryGib } = type;
  return {
    id: asOfferId(`${descriptor.id}/${region}/${type.type}/${market}`),
    providerId: descriptor.id,
    providerKind: descriptor.kind,
    region,
    ...factsOf(region),
    instanceType: type.type,
    market,
    gpu,
    cpus,
    memoryGib,
    diskGb: rootVolumeGb,
    interruptible: market === 'spot',
    pricePerHour,
    settlementToken: null,
    billing: descriptor.billing,
    startupMs: gpu === null ? CPU_STARTUP_MS : GPU_STARTUP_MS,
    available,
    slaBps: market === 'spot' ? null : ON_DEMAND_SLA_BPS,
    confidential: false,
    consumerHardware: false,
    features: [],
    hostedBy: null,
    hostId: null,
    quantity: null,
  };
}

function cheapestByType(prices: readonly SpotPrice[]): ReadonlyMap<string, MicroUsd> {
  const cheapest = new Map<string, MicroUsd>();
  for (const [type, price] of latestOfEachZone(prices)) {
    const known = cheapest.get(type);
    if (known === undefined || price < known) cheapest.set(type, price);
  }
  return cheapest;
}

/** EC2 may answer with several prices of a zone; the youngest is in force. */
function latestOfEachZone(prices: readonly SpotPrice[]): readonly (readonly [string, MicroUsd])[] {
  const latest = new Map<string, SpotPrice>();
  for (const price of prices) {
    const zone = `${price.InstanceType}/${price.AvailabilityZone}`;
    const known = latest.get(zone);
    if (known === undefined || changedAtMs(price) > changedAtMs(known)) latest.set(zone, price);
  }
  return [...latest.values()].flatMap(({ InstanceType, SpotPrice: dollars }) =>
    InstanceType === undefined || !(Number(dollars) > 0)
      ? []
      : [[InstanceType, usd(Number(dollars))] as const],
  );
}

function changedAtMs({ Timestamp }: SpotPrice): number {
  return Timestamp?.getTime() ?? 0;
}
