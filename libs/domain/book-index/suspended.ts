import type { JobId } from '../ids';
import type { Suspension, SuspensionIndex } from '../suspension';
import { countsOf } from './board';
import { whereAxis } from './grouping';
import { positionOf, type OfferIndex } from './offer-index';
import { asOfferId } from '../ids';

/** The offers of a book that suspensions are about. Nobody has two reasons for being suspended. */
export interface Suspended {
  /** 1 for each place all of whose offers are, by number; null when there is none. */
  readonly places: Uint8Array | null;
  /** Offers elsewhere that are, by position. */
  readonly offers: ReadonlySet<number>;
  /** Offers that are suspended for this job alone, wherever they are. */
  readonly forJob: ReadonlySet<number>;
  /** When the suspension of an offer ends, by position. */
  untilMs(position: number): number | null;
}

/** Follows each suspension to what it is about, instead of asking every offer. */
export function suspendedIn(index: OfferIndex, { inForce, find }: SuspensionIndex): Suspended {
  const { where } = index.catalogue;
  const { where: count } = index.numbers;
  const providers = where.projection(['providerId'], count);
  const regions = where.projection(['providerId', 'region'], count);
  const isProvider = new Uint8Array(providers.size);
  const isRegion = new Uint8Array(regions.size);
  const hosts = new Set<number>();
  const single = new Set<number>();
  const forJob = new Set<number>();
  for (const { scope, key } of inForce) {
    if (scope === 'provider') mark(isProvider, providers.valueOf(key));
    else if (scope === 'provider-region')
      for (const at of splits(key)) mark(isRegion, regions.valueOf(...at));
    else if (scope === 'host') for (const id of index.catalogue.supply.ofHost(key)) hosts.add(id);
    else {
      const position = positionOf(index, asOfferId(key));
      if (position !== null) single.add(position);
      if (position !== null && scope === 'offer-for-job') forJob.add(position);
    }
  }
  if (hosts.size > 0)
    for (let at = 0; at < index.supply.length; at += 1)
      if (hosts.has(index.supply[at] ?? 0)) single.add(at);
  const places = new Uint8Array(count);
  let isAnyPlace = false;
  for (let number = 0; number < places.length; number += 1) {
    if (isProvider[providers.of[number] ?? 0] !== 1 && isRegion[regions.of[number] ?? 0] !== 1)
      continue;
    places[number] = 1;
    isAnyPlace = true;
  }
  const isCovered = (at: number): boolean => places[index.where[at] ?? 0] === 1;
  /** Offers of a provider that nothing narrower is about all end with it. */
  const ends = new Map<number, number | null>();
  return {
    places: isAnyPlace ? places : null,
    offers: new Set([...single].filter((at) => !isCovered(at))),
    forJob,
    untilMs: (at) => {
      const offer = index.offers[at];
      if (offer === undefined) return null;
      const place = index.where[at] ?? 0;
      const provider = providers.of[place] ?? 0;
      const isNarrow = single.has(at) || isRegion[regions.of[place] ?? 0] === 1;
      if (isNarrow) return find(offer)?.untilMs ?? null;
      const known = ends.get(provider);
      if (known !== undefined) return known;
      const untilMs = isProvider[provider] === 1 ? (find(offer)?.untilMs ?? null) : null;
      ends.set(provider, untilMs);
      return untilMs;
    },
  };
}

/** The suspensions that can matter to a job: its own and everybody's, as far as the book has what they are about. */
export function concerning(
  index: OfferIndex,
  all: readonly Suspension[],
  jobId: JobId,
): readonly Suspension[] {
  const mine = all.filter((one) => one.scope !== 'offer-for-job' || one.jobId === jobId);
  if (mine.length === 0) return mine;
  const { where, supply } = index.catalogue;
  const providers = where.projection(['providerId'], index.numbers.where);
  const regions = where.projection(['providerId', 'region'], index.numbers.where);
  const ofProvider = countsOf(index, 'where', whereAxis(index, ['providerId']));
  const ofRegion = countsOf(index, 'where', whereAxis(index, ['providerId', 'region']));
  const isThere = ({ scope, key }: Suspension): boolean => {
    switch (scope) {
      case 'provider':
        return (ofProvider[providers.valueOf(key) ?? -1] ?? 0) > 0;
      case 'provider-region':
        return splits(key).some((place) => (ofRegion[regions.valueOf(...place) ?? -1] ?? 0) > 0);
      case 'host':
        return supply.ofHost(key).some((number) => index.supply.includes(number));
      case 'offer':
      case 'offer-for-job':
        return positionOf(index, asOfferId(key)) !== null;
    }
  };
  return mine.filter(isThere);
}

function mark(flags: Uint8Array, value: number | null): void {
  if (value !== null) flags[value] = 1;
}

/** Every way to read a key as a provider and a region; neither is known to be without slashes. */
function splits(key: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1))
    found.push([key.slice(0, at), key.slice(at + 1)]);
  return found;
}
