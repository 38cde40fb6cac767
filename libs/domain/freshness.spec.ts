import fc from 'fast-check';
import { decide } from './decide';
import { renderRejection, summarise } from './explain';
import {
  DATED_LIST_STALE_AFTER_MS,
  freshnessOf,
  indexStaleness,
  listingSource,
  sourceOf,
  staleFeeds,
  type FeedFreshness,
} from './freshness';
import { asProviderId } from './ids';
import { jobOf, offerOf } from './testing/job';

const NOW_MS = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
const feeds: FeedFreshness = {
  'listing/acme': { readAtMs: NOW_MS - 60_000, staleAfterMs: HOUR_MS },
  'acme/fresh': { readAtMs: NOW_MS - HOUR_MS, staleAfterMs: HOUR_MS },
  'acme/old': { readAtMs: NOW_MS - HOUR_MS - 1, staleAfterMs: HOUR_MS },
};
const acme = asProviderId('acme');

describe('what an offer rests on', () => {
  it.each<
    [reason: string, offer: { source?: string; providerId: typeof acme }, stale: string | null]
  >([
    ['a fresh listing', { providerId: acme }, null],
    ['a feed that is just as old as it may be', { providerId: acme, source: 'acme/fresh' }, null],
    ['a feed that is older', { providerId: acme, source: 'acme/old' }, 'acme/old'],
    ['a source of which nothing is known', { providerId: acme, source: 'sheet/q4' }, null],
    ['a provider of which nothing is known', { providerId: asProviderId('new') }, null],
    [
      'a list of long ago',
      { providerId: acme, source: 'acme/list@2026-07-20' },
      'acme/list@2026-07-20',
    ],
    ['a list of this month', { providerId: acme, source: 'acme/list@2026-11-01' }, null],
  ])('may be %s', (_reason, offer, stale) => {
    expect(indexStaleness(feeds, NOW_MS).find(offer)?.source ?? null).toBe(stale);
  });

  it('is its listing as well: what is left of a provider that is silent may not even be for sale', () => {
    const later = NOW_MS + 2 * HOUR_MS;
    const silent = { ...feeds, 'acme/fresh': { readAtMs: later, staleAfterMs: HOUR_MS } };
    const offer = { providerId: acme, source: 'acme/fresh' };
    expect(indexStaleness(silent, later).find(offer)?.source).toBe(listingSource('acme'));
  });

  it('says its date where it is a dated list', () => {
    expect(freshnessOf('x@2026-07-20', {})).toEqual({
      readAtMs: Date.UTC(2026, 6, 20),
      staleAfterMs: DATED_LIST_STALE_AFTER_MS,
    });
    expect(freshnessOf('x@2026-99-99', {})).toBeNull();
    expect(sourceOf({ providerId: acme })).toBe('listing/acme');
  });
});

describe('a decision', () => {
  const old = offerOf({ providerId: acme, source: 'acme/old' });
  const policy = { version: 'none@0', rules: [], preferences: {} };
  const decided = (known: FeedFreshness) =>
    decide({
      job: jobOf({}),
      policy,
      offers: [old],
      health: {},
      suspensions: [],
      nowMs: NOW_MS,
      feeds: known,
    });

  it('refuses stale prices, says so, and waits for fresh ones', () => {
    const decision = decided(feeds);
    const reason = decision.rejected[0]?.reasons[0];
    expect(reason).toEqual({ code: 'price-stale', source: 'acme/old', ...feeds['acme/old'] });
    if (reason === undefined) throw new Error('there is a reason');
    expect(renderRejection(reason)).toBe(
      'the price is too old: acme/old was last read 2026-11-20T22:59:59.999Z and holds for 1 h',
    );
    expect(summarise(decision).awaited).toEqual([old.id]);
    expect(decided({}).ranked.map(({ offer: { id } }) => id)).toEqual([old.id]);
  });

  it('comes to the same from what is stale alone, which is what is kept of it', () => {
    const moment = fc.integer({ min: NOW_MS - 3 * HOUR_MS, max: NOW_MS });
    const known = fc.dictionary(
      fc.constantFrom('acme/old', 'acme/fresh', 'listing/acme'),
      fc.record({ readAtMs: moment, staleAfterMs: fc.integer({ min: 1, max: 2 * HOUR_MS }) }),
    );
    fc.assert(
      fc.property(known, (all) => {
        expect(decided(staleFeeds(all, NOW_MS))).toEqual(decided(all));
      }),
    );
  });
});
