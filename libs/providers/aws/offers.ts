import type { SpotPrice } from '@aws-sdk/client-ec2';
import { asOfferId, usd } from '#libs/domain';
import type { PriceLookup } from '#libs/provider-kit';
import type { Market, MicroUsd, Offer } from '#libs/domain';
import { LIST_DATE } from './catalogue';
import type { CatalogueType } from './catalogue';
import { descriptor } from './descriptor';
import { factsOf } from './regions';
import type { Region } from './regions';

/** EC2's instance-level agreement. Spot is outside every agreement. */
const ON_DEMAND_SLA_BPS = 9_950;
/** Our own estimates of acquire to running workload, to be corrected by what health-monitor measures. */
const CPU_STARTUP_MS = 60_000;
const GPU_STARTUP_MS = 180_000;

/** The feed of on-demand prices, see `price-list.ts`. */
export const PRICE_LIST_SOURCE = `${descriptor.id}/price-list`;
/** The prices in the catalogue, for as long as the feed has said nothing: shown, and by their date too old to decide by. */
export const DATED_LIST_SOURCE = `${descriptor.id}/list@${LIST_DATE}`;

/** What the region says of itself now. */
export interface RegionMarket {
  readonly region: Region;
  readonly offeredTypes: ReadonlySet<string>;
  readonly spotPrices: readonly SpotPrice[];
  /** What the price feeds know. */
  readonly prices?: PriceLookup | undefined;
}

type AwsMarket = Extract<Market, 'on-demand' | 'spot'>;

/** Both offers of each type whose on-demand price in the region is known; what is not there now is marked unavailable. */
export function offersIn(
  { region, offeredTypes, spotPrices, prices }: RegionMarket,
  types: readonly CatalogueType[],
  rootVolumeGb: number,
): readonly Offer[] {
  const cheapest = cheapestByType(spotPrices);
  return types.flatMap((type) => {
    const listed = listPrice(type, region, prices);
    if (listed === null) return [];
    const { pricePerHour: onDemand, source } = listed;
    const spot = cheapest.get(type.type);
    const isOffered = offeredTypes.has(type.type);
    const terms = { region, type, rootVolumeGb };
    return [
      offer({
        ...terms,
        market: 'on-demand',
        pricePerHour: onDemand,
        source,
        available: isOffered,
      }),
      // Without a current spot price the on-demand price stands in; no launch of ours pays more than that.
      offer({
        ...terms,
        market: 'spot',
        pricePerHour: spot ?? onDemand,
        source: undefined,
        // Above the on-demand price a spot launch would be refused, see the ceiling that we send.
        available: isOffered && spot !== undefined && spot <= onDemand,
      }),
    ];
  });
}

/** What a type costs on demand by the feed, else by the dated list; null where neither knows it. */
export function listPrice(
  type: CatalogueType,
  region: Region,
  prices: PriceLookup | undefined,
): { readonly pricePerHour: MicroUsd; readonly source: string } | null {
  const known = prices?.(asOfferId(offerIdOf(region, type.type, 'on-demand')));
  if (known !== undefined) return known;
  const dated = onDemandPrice(type, region);
  return dated === null ? null : { pricePerHour: dated, source: DATED_LIST_SOURCE };
}

/** The id of an offer: provider, region, type and market. */
export function offerIdOf(region: Region, type: string, market: AwsMarket): string {
  return `${descriptor.id}/${region}/${type}/${market}`;
}

/** What a type costs on demand in a region by the dated list, or null when the catalogue has no figure. */
export function onDemandPrice({ onDemandUsd }: CatalogueType, region: Region): MicroUsd | null {
  const dollars = onDemandUsd[region];
  return dollars === undefined ? null : usd(dollars);
}

interface OfferTerms {
  readonly region: Region;
  readonly type: CatalogueType;
  readonly market: AwsMarket;
  readonly pricePerHour: MicroUsd;
  /** Undefined for what the region itself said just now. */
  readonly source: string | undefined;
  readonly available: boolean;
  readonly rootVolumeGb: number;
}

function offer({ region, type, market, pricePerHour, source, ...rest }: OfferTerms): Offer {
  const { gpu, cpus, memoryGib } = type;
  const { available, rootVolumeGb } = rest;
  return {
    id: asOfferId(offerIdOf(region, type.type, market)),
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
    ...(source === undefined ? {} : { source }),
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
