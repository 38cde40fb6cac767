import type { JobFacts } from './job';
import { estimatedMicroUsd, microUsd, usd, ZERO_USD, type MicroUsd } from './money';
import type { Offer } from './offer';

/** Where bytes lie, as far as it is known. At least one part is set. */
export interface DataPlace {
  readonly providerId: string | null;
  readonly region: string | null;
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null;
}

/** Micro-dollars for each GB that leaves a provider for elsewhere, by provider id. */
export type EgressRates = Readonly<Record<string, MicroUsd>>;

/**
 * What leaving a place costs when nobody says: the first tier of internet egress at the large American clouds. From secondary
 * sources; most decentralised networks charge nothing, which their own offers say.
 */
export const INTERNET_EGRESS_PER_GB = usd(0.09);

type Area =
  'north-america' | 'south-america' | 'europe' | 'asia-pacific' | 'middle-east' | 'africa';

/**
 * Per GB from a region to another of the same provider, by the part of the world that it leaves. "Data transfer out from EC2 to
 * other regions" of the AWS price list: 0.02 USD from all of North America and Europe, 0.08 to 0.147 elsewhere, of which the
 * usual figure is taken; other large clouds are within a cent of it. Never more than leaving the provider costs.
 */
const interRegionPerGb: { readonly [A in Area]: MicroUsd } = {
  'north-america': usd(0.02),
  europe: usd(0.02),
  'asia-pacific': usd(0.09),
  'middle-east': usd(0.11),
  'south-america': usd(0.138),
  africa: usd(0.147),
};

const areaCountries: { readonly [A in Area]: readonly string[] } = {
  'north-america': ['US', 'CA', 'MX'],
  'south-america': ['AR', 'BR', 'CL', 'CO', 'PE', 'UY'],
  europe:
    'AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LT LU LV MT NL NO PL PT RO RS SE SI SK UA'.split(
      ' ',
    ),
  'asia-pacific': 'AU CN HK ID IN JP KR MO MY NZ PH SG TH TW VN'.split(' '),
  'middle-east': ['AE', 'BH', 'IL', 'JO', 'KW', 'OM', 'QA', 'SA', 'TR'],
  africa: ['DZ', 'EG', 'KE', 'MA', 'NG', 'RW', 'TN', 'ZA'],
};

const areaOfCountry: ReadonlyMap<string, Area> = new Map(
  (Object.keys(areaCountries) as Area[]).flatMap((area) =>
    areaCountries[area].map((country) => [country, area] as const),
  ),
);

/** How the names of regions begin where no country is known. */
const areaPrefixes: readonly (readonly [RegExp, Area])[] = [
  [/^(us|ca|mx|northamerica)/, 'north-america'],
  [/^(sa|southamerica|brazil)/, 'south-america'],
  [/^(eu|europe|uk|north-?europe|west-?europe)/, 'europe'],
  [/^(ap|asia|australia|japan|india)/, 'asia-pacific'],
  [/^(me|il)-/, 'middle-east'],
  [/^(af|africa)/, 'africa'],
];

/** A location as jobs write it: `provider/region`, a country in capitals, or the name of a region. */
export function placeFrom(location: string): DataPlace {
  const slash = location.indexOf('/');
  if (slash > 0)
    return {
      providerId: location.slice(0, slash),
      region: location.slice(slash + 1),
      country: null,
    };
  return /^[A-Z]{2}$/.test(location)
    ? { providerId: null, region: null, country: location }
    : { providerId: null, region: location, country: null };
}

/** The location of whatever an offer's machine has written. */
export function locationOf({ providerId, region }: Pick<Offer, 'providerId' | 'region'>): string {
  return `${providerId}/${region}`;
}

/** Equal in the finest part that both are known in. Two providers in one country are two places. */
export function isSamePlace(a: DataPlace, b: DataPlace): boolean {
  if (a.providerId !== null && b.providerId !== null && a.providerId !== b.providerId) return false;
  if (a.region !== null && b.region !== null) return a.region === b.region;
  return a.country !== null && a.country === b.country;
}

function areaOf({ country, region }: DataPlace): Area | null {
  const known = country === null ? undefined : areaOfCountry.get(country);
  if (known !== undefined) return known;
  return areaPrefixes.find(([prefix]) => prefix.test(region ?? ''))?.[1] ?? null;
}

/** Per GB between two places, `leavingPerGb` being what the first charges for what goes elsewhere. The same place is free. */
export function transferPerGb(from: DataPlace, to: DataPlace, leavingPerGb: MicroUsd): MicroUsd {
  if (isSamePlace(from, to)) return ZERO_USD;
  if (from.providerId === null || from.providerId !== to.providerId) return leavingPerGb;
  const area = areaOf(from) ?? areaOf(to);
  const betweenPerGb = area === null ? leavingPerGb : interRegionPerGb[area];
  return microUsd(Math.min(leavingPerGb, betweenPerGb));
}

/** What leaving each provider costs: the dearest of its offers, since data does not say which one it will leave by. */
export function egressRatesOf(
  offers: readonly Pick<Offer, 'providerId' | 'egressPerGb'>[],
): EgressRates {
  const rates: Record<string, MicroUsd> = {};
  for (const { providerId, egressPerGb } of offers)
    if (egressPerGb > (rates[providerId] ?? -1)) rates[providerId] = egressPerGb;
  return rates;
}

interface Load {
  readonly at: DataPlace;
  readonly gb: number;
}

/** What moving a job's data to and from an offer costs, with everything that does not depend on the offer worked out once. */
export interface Gravity {
  /** The fields that `egressAt` depends on. */
  readonly reads: readonly (keyof Offer)[];
  egressAt(offer: Offer): MicroUsd;
}

/**
 * GB_in e(source, offer) + S_checkpoint e(last lease, offer) + GB_out e(offer, destination). Inputs of unknown place come at the
 * cost of whoever holds them; outputs of unknown destination leave the provider. A job that is interrupted and goes on where it
 * was moves nothing; going elsewhere is paid for by the decision that goes there, through its checkpoint's place.
 */
export function gravityOf(
  { spec, checkpointAt }: Pick<JobFacts, 'spec' | 'checkpointAt'>,
  rates: EgressRates,
): Gravity {
  const inward = spec.inputs.flatMap(({ location, sizeGb }) => loadAt(location, sizeGb));
  if (spec.checkpoint !== null) inward.push(...loadAt(checkpointAt, spec.checkpoint.sizeGb));
  const outward = spec.outputs.flatMap(({ location, sizeGb }) => loadAt(location, sizeGb));
  const awayGb = spec.outputs.reduce(
    (total, { location, sizeGb }) => total + (isKnown(location) ? 0 : sizeGb),
    0,
  );
  const isPlain = inward.length === 0 && outward.length === 0;
  return {
    reads: isPlain ? ['egressPerGb'] : ['egressPerGb', 'providerId', 'region', 'country'],
    egressAt: (offer) => {
      const away = offer.egressPerGb * awayGb;
      if (isPlain) return estimatedMicroUsd(away);
      let total = away;
      for (const { at, gb } of inward) total += gb * transferPerGb(at, offer, leaving(at, rates));
      for (const { at, gb } of outward) total += gb * transferPerGb(offer, at, offer.egressPerGb);
      return estimatedMicroUsd(total);
    },
  };
}

function isKnown(location: string | null | undefined): location is string {
  return location !== undefined && location !== null;
}

function loadAt(location: string | null | undefined, gb: number): Load[] {
  return isKnown(location) && gb > 0 ? [{ at: placeFrom(location), gb }] : [];
}

function leaving({ providerId }: DataPlace, rates: EgressRates): MicroUsd {
  return (providerId === null ? undefined : rates[providerId]) ?? INTERNET_EGRESS_PER_GB;
}
