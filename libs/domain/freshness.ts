import type { Offer } from './offer';

/** When a source of prices was last read to its end, and for how long that holds. */
export interface SourceFreshness {
  /** Epoch ms; every price of the source is at least as young. */
  readonly readAtMs: number;
  readonly staleAfterMs: number;
}

/** By source. Offers of a source that is absent are taken as fresh: nothing says otherwise. */
export type FeedFreshness = Readonly<Record<string, SourceFreshness>>;

/** A source whose prices are too old to decide by. */
export interface StaleSource extends SourceFreshness {
  readonly source: string;
}

const DAY_MS = 86_400_000;

/**
 * How long a printed price list holds. A source named `…@2026-07-20` is such a list: it was true on that day and is never read
 * again, so that its offers can be shown but not chosen once it is this old.
 */
export const DATED_LIST_STALE_AFTER_MS = 30 * DAY_MS;

/** What a provider itself answers when asked for its offers, as a source. */
export const listingSource = (providerId: string): string => `listing/${providerId}`;

/** Where an offer's price comes from: the source it names, else its provider's own listing. */
export function sourceOf(offer: Pick<Offer, 'source' | 'providerId'>): string {
  return offer.source ?? listingSource(offer.providerId);
}

/** The freshness of a source: as recorded, by the date in its name, or null when nothing is known. */
export function freshnessOf(source: string, feeds: FeedFreshness): SourceFreshness | null {
  const recorded = feeds[source];
  if (recorded !== undefined) return recorded;
  const day = /@(\d{4}-\d{2}-\d{2})$/.exec(source)?.[1];
  const readAtMs = day === undefined ? Number.NaN : Date.parse(day);
  return Number.isNaN(readAtMs) ? null : { readAtMs, staleAfterMs: DATED_LIST_STALE_AFTER_MS };
}

/** Whether what was read then is too old by now. At exactly `staleAfterMs` it still holds. */
export function isStale({ readAtMs, staleAfterMs }: SourceFreshness, nowMs: number): boolean {
  return nowMs - readAtMs > staleAfterMs;
}

/** The sources that are stale at `nowMs`: all that a decision needs to keep of the freshness it was made from. */
export function staleFeeds(feeds: FeedFreshness, nowMs: number): FeedFreshness {
  return Object.fromEntries(Object.entries(feeds).filter(([, feed]) => isStale(feed, nowMs)));
}

/** Look-up of stale prices; built once per decision so that each offer costs at most two map reads. */
export interface StalenessIndex {
  /** The stale source that an offer rests on, or null. What an offer says of availability comes from its provider's listing, so that counts too. */
  find(offer: Pick<Offer, 'source' | 'providerId'>): StaleSource | null;
}

/** Index what is stale at `nowMs`; every source is judged once, however many offers rest on it. */
export function indexStaleness(feeds: FeedFreshness, nowMs: number): StalenessIndex {
  const judged = new Map<string, StaleSource | null>();
  const listings = new Map<string, StaleSource | null>();
  const judge = (source: string): StaleSource | null => {
    const freshness = freshnessOf(source, feeds);
    return freshness !== null && isStale(freshness, nowMs) ? { source, ...freshness } : null;
  };
  const known = (
    cache: Map<string, StaleSource | null>,
    key: string,
    sourceName: (key: string) => string,
  ): StaleSource | null => {
    const hit = cache.get(key);
    if (hit !== undefined) return hit;
    const verdict = judge(sourceName(key));
    cache.set(key, verdict);
    return verdict;
  };
  return {
    find: ({ source, providerId }) =>
      (source === undefined ? null : known(judged, source, (name) => name)) ??
      known(listings, providerId, listingSource),
  };
}
