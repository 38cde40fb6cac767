import {
  asOfferId,
  asProviderId,
  microUsd,
  pageRead,
  priceDays,
  PRICE_DAY_MS,
  readFailed,
  usd,
  type FeedTerms,
  type OfferId,
  type PriceSheet,
} from '#libs/domain';
import { anOffer, BUILT_AT_MS } from '../../testkit/builders';
import type { Stores } from '../ports';
import { eachTest, type Open } from './open';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const LIMIT = 100;

export function describePrices(open: Open<Stores>): void {
  const stores = eachTest(open);
  describe('feeds', () => describeFeeds(stores));
  describe('prices', () => describeKnownPrices(stores));
  describe('price series', () => describeSeries(stores));
  describe('rates', () => describeRates(stores));
  describe('price sheets', () => describeSheets(stores));
}

function describeFeeds(stores: () => Stores): void {
  const terms: FeedTerms = {
    id: 'acme/prices',
    kind: 'prices',
    everyMs: HOUR_MS,
    staleAfterMs: 6 * HOUR_MS,
  };
  const claim = (nowMs: number, wanted: Partial<FeedTerms> = {}) =>
    stores().feeds.claim({ ...terms, ...wanted }, nowMs, nowMs + MINUTE_MS);

  it('are due at first, belong to one at a time, and come free when the claim ends', async () => {
    const claims = await Promise.all([1, 2, 3].map(() => claim(BUILT_AT_MS)));
    expect(claims.filter((state) => state !== null)).toHaveLength(1);
    expect(await claim(BUILT_AT_MS + MINUTE_MS - 1)).toBeNull();
    expect(await claim(BUILT_AT_MS + MINUTE_MS)).toMatchObject({ ...terms, failures: 0 });
  });

  it('go on from the page that was saved, and are fresh once a pass has come to its end', async () => {
    const first = await claim(BUILT_AT_MS);
    if (first === null) throw new Error('it is due');
    await stores().feeds.save(
      pageRead(first, { cursor: 'p2', done: false, items: 5 }, BUILT_AT_MS),
    );
    expect(await stores().feeds.freshness()).toEqual({});
    const second = await claim(BUILT_AT_MS + MINUTE_MS);
    if (second === null) throw new Error('it is due');
    expect(second).toMatchObject({ cursor: 'p2', passStartedAtMs: BUILT_AT_MS, items: 5 });
    const page = { cursor: null, done: true, items: 2 };
    await stores().feeds.save(pageRead(second, page, BUILT_AT_MS + MINUTE_MS));
    expect(await stores().feeds.freshness()).toEqual({
      'acme/prices': { readAtMs: BUILT_AT_MS, staleAfterMs: 6 * HOUR_MS },
    });
    expect(await claim(BUILT_AT_MS + HOUR_MS)).toBeNull();
    expect(await claim(BUILT_AT_MS + MINUTE_MS + HOUR_MS)).not.toBeNull();
  });

  it('keep what they failed with, and the freshness of before', async () => {
    const state = await claim(BUILT_AT_MS);
    if (state === null) throw new Error('it is due');
    const error = { kind: 'rate-limited', text: 'slow down', retryAfterMs: null } as const;
    await stores().feeds.save(readFailed(state, error, BUILT_AT_MS));
    expect(await stores().feeds.list()).toMatchObject([
      { failures: 1, readAtMs: null, error: { kind: 'rate-limited', text: 'slow down' } },
    ]);
  });

  it('can be opened by whoever reads them on a schedule of their own, due or not', async () => {
    const { feeds } = stores();
    expect(await feeds.open(terms, BUILT_AT_MS)).toMatchObject({ ...terms, readAtMs: null });
    await claim(BUILT_AT_MS);
    const state = await feeds.open(terms, BUILT_AT_MS);
    await feeds.save(pageRead(state, { cursor: null, done: true, items: 3 }, BUILT_AT_MS));
    expect(await feeds.open(terms, BUILT_AT_MS)).toMatchObject({ readAtMs: BUILT_AT_MS, items: 3 });
  });

  it('take new terms, and can be hurried', async () => {
    const state = await claim(BUILT_AT_MS);
    if (state === null) throw new Error('it is due');
    await stores().feeds.save(pageRead(state, { cursor: null, done: true, items: 0 }, BUILT_AT_MS));
    expect(await claim(BUILT_AT_MS, { everyMs: 1, staleAfterMs: 9 })).toBeNull();
    expect(await stores().feeds.hurry('acme/prices', BUILT_AT_MS)).toBe(true);
    expect(await stores().feeds.hurry('nobody', BUILT_AT_MS)).toBe(false);
    expect(await claim(BUILT_AT_MS, { everyMs: 1, staleAfterMs: 9 })).toMatchObject({ everyMs: 1 });
    expect(await stores().feeds.freshness()).toMatchObject({ 'acme/prices': { staleAfterMs: 9 } });
  });
}

function describeKnownPrices(stores: () => Stores): void {
  const acme = asProviderId('acme');
  const a = asOfferId('acme/north/a/on-demand');
  const b = asOfferId('acme/north/b/on-demand');

  it('are the youngest of what feeds say, by provider', async () => {
    const { prices } = stores();
    const other = asOfferId('acme-two/north/a/on-demand');
    await prices.learn('acme/old', [{ offerId: a, pricePerHour: usd(1) }], 10);
    await prices.learn('acme/new', [{ offerId: a, pricePerHour: usd(2) }], 20);
    await prices.learn('acme/old', [{ offerId: b, pricePerHour: usd(3) }], 20);
    await prices.learn('acme-two/x', [{ offerId: other, pricePerHour: usd(4) }], 20);
    expect(await prices.known(acme)).toEqual([
      { offerId: a, pricePerHour: usd(2), source: 'acme/new', readAtMs: 20 },
      { offerId: b, pricePerHour: usd(3), source: 'acme/old', readAtMs: 20 },
    ]);
  });

  it('are replaced when they are read again, and go when a pass no longer finds them', async () => {
    const { prices } = stores();
    const both = [a, b].map((offerId) => ({ offerId, pricePerHour: usd(1) }));
    await prices.learn('acme/list', both, 10);
    const again = { offerId: a, pricePerHour: usd(5) };
    await prices.learn('acme/list', [{ ...again, pricePerHour: usd(4) }, again], 20);
    expect(await prices.forget('acme/list', 20)).toBe(1);
    expect(await prices.known(acme)).toMatchObject([{ offerId: a, pricePerHour: usd(5) }]);
  });
}

function describeSeries(stores: () => Stores): void {
  const offer = anOffer();
  const sold = (price: number, wanted: Partial<typeof offer> = {}) => [
    { ...offer, ...wanted, pricePerHour: usd(price) },
  ];
  const points = (fromMs: number, toMs: number, limit = LIMIT) =>
    stores().prices.points(offer.id, fromMs, toMs, limit);
  const pricesOf = async (fromMs = 0, toMs = Number.MAX_SAFE_INTEGER) =>
    (await points(fromMs, toMs)).map(({ atMs, pricePerHour }) => [atMs, pricePerHour]);

  it('have a point for each price of the book, not for other changes, and one for its end', async () => {
    const { offers } = stores();
    await offers.replace(offer.providerId, sold(1), 10);
    await offers.replace(offer.providerId, sold(1, { available: false }), 20);
    await offers.replace(offer.providerId, sold(2), 30);
    await offers.replace(offer.providerId, [], 40);
    await offers.replace(offer.providerId, sold(2), 50);
    expect(await pricesOf()).toEqual([
      [10, usd(1)],
      [30, usd(2)],
      [40, null],
      [50, usd(2)],
    ]);
  });

  it('tell the price at the start of an interval by the point before it', async () => {
    const { offers } = stores();
    for (const [price, atMs] of [
      [1, 10],
      [2, 20],
      [3, 30],
    ] as const)
      await offers.replace(offer.providerId, sold(price), atMs);
    expect(await pricesOf(25, 30)).toEqual([[20, usd(2)]]);
    expect(await pricesOf(20, 30)).toEqual([
      [10, usd(1)],
      [20, usd(2)],
    ]);
    expect((await points(0, 99, 2)).map(({ atMs }) => atMs)).toEqual([20, 30]);
  });

  it('take past prices from elsewhere, and keep what they have', async () => {
    const { offers, prices } = stores();
    await offers.replace(offer.providerId, sold(2), 50);
    const past = [30, 50].map((atMs) => ({ offerId: offer.id, atMs, pricePerHour: usd(1) }));
    await prices.addPoints(past);
    await prices.addPoints(past);
    expect(await pricesOf()).toEqual([
      [30, usd(1)],
      [50, usd(2)],
    ]);
  });

  it('give old points up for days, all but the last, and stay bounded', async () => {
    const { prices } = stores();
    const at = (day: number, hour: number) => day * PRICE_DAY_MS + hour * HOUR_MS;
    const changes = [0, 1, 2, 3].flatMap((day) => [
      { offerId: offer.id, atMs: at(day, 0), pricePerHour: usd(1 + day) },
      { offerId: offer.id, atMs: at(day, 18), pricePerHour: usd(9) },
    ]);
    await prices.addPoints(changes);
    const beforeMs = at(3, 0);
    expect(await prices.withOldPoints(beforeMs, LIMIT)).toEqual([offer.id]);
    const old = await points(0, beforeMs);
    await prices.compact(offer.id, priceDays(old, beforeMs), beforeMs);
    expect(await prices.withOldPoints(beforeMs, LIMIT)).toEqual([]);
    expect((await points(0, at(9, 0))).map(({ atMs }) => atMs)).toEqual([
      at(2, 18),
      at(3, 0),
      at(3, 18),
    ]);
    expect(await prices.days(offer.id, at(1, 0), at(3, 0), LIMIT)).toMatchObject([
      { dayMs: at(1, 0), min: usd(2), median: usd(2), max: usd(9), close: usd(9), changes: 2 },
      { dayMs: at(2, 0), min: usd(3), median: usd(3), max: usd(9), close: usd(9), changes: 2 },
    ]);
    expect(await prices.days(offer.id, 0, at(9, 0), 1)).toMatchObject([{ dayMs: at(2, 0) }]);
    expect(await prices.prune(at(2, 0), 1)).toBe(1);
    expect(await prices.prune(at(2, 0), LIMIT)).toBe(1);
    expect(await prices.days(offer.id, 0, at(9, 0), LIMIT)).toHaveLength(1);
  });

  it('forget offers that were given up long ago, and never the price of one that is sold', async () => {
    const { prices } = stores();
    const gone: OfferId = asOfferId('memory/north/gone/spot');
    await prices.addPoints([
      { offerId: offer.id, atMs: 10, pricePerHour: usd(1) },
      { offerId: gone, atMs: 10, pricePerHour: usd(1) },
      { offerId: gone, atMs: 20, pricePerHour: null },
    ]);
    await prices.compact(gone, [], 30);
    expect(await prices.prune(30, LIMIT)).toBe(1);
    expect(await prices.points(gone, 0, 99, LIMIT)).toEqual([]);
    expect(await points(0, 99)).toHaveLength(1);
  });

  it('go with the book as it was at a moment', async () => {
    const { offers } = stores();
    await offers.replace(offer.providerId, sold(1), 10);
    await offers.replace(offer.providerId, sold(2), 20);
    const bookAt = async (atMs: number) => {
      const book = await offers.bookAtTime(atMs);
      return [book.version, ...book.offers.map(({ pricePerHour }) => pricePerHour)];
    };
    expect(await bookAt(9)).toEqual([0]);
    expect(await bookAt(10)).toEqual([1, usd(1)]);
    expect(await bookAt(19)).toEqual([1, usd(1)]);
    expect(await bookAt(99)).toEqual([2, usd(2)]);
  });
}

function describeRates(stores: () => Stores): void {
  const rate = { token: 'AKT', usdMicro: microUsd(1_230_000), sigmaDaily: 0.05, sources: ['a'] };

  it('are what each source said last', async () => {
    const { fxRates } = stores();
    const quote = { source: 'a', token: 'AKT', usd: 1.2, readAtMs: 10 };
    await fxRates.quote([quote, { ...quote, source: 'b' }, { ...quote, token: 'EUR' }]);
    await fxRates.quote([{ ...quote, usd: 1.3, readAtMs: 20 }]);
    expect(await fxRates.quotes('AKT', 0)).toEqual([
      { ...quote, usd: 1.3, readAtMs: 20 },
      { ...quote, source: 'b' },
    ]);
    expect(await fxRates.quotes('AKT', 11)).toHaveLength(1);
  });

  it('keep one rate an hour, the last one, and show the last of all', async () => {
    const { fxRates } = stores();
    await fxRates.quote([{ source: 'a', token: 'AKT', usd: 1.2, readAtMs: 10 }]);
    for (const atMs of [0, 5 * MINUTE_MS, 2 * MINUTE_MS, HOUR_MS])
      await fxRates.record({ ...rate, atMs });
    const history = await fxRates.history('AKT', 0);
    expect(history.map(({ atMs }) => atMs)).toEqual([5 * MINUTE_MS, HOUR_MS]);
    const { token: _token, ...rest } = rate;
    expect(await fxRates.snapshot()).toEqual({ AKT: { ...rest, readAtMs: HOUR_MS } });
  });

  it('lose what is old, never the last of a token', async () => {
    const { fxRates } = stores();
    for (const hour of [0, 1, 2]) await fxRates.record({ ...rate, atMs: hour * HOUR_MS });
    expect(await fxRates.prune(9 * HOUR_MS, 1)).toBe(1);
    expect(await fxRates.prune(9 * HOUR_MS, LIMIT)).toBe(1);
    expect(await fxRates.history('AKT', 0)).toHaveLength(1);
  });
}

function describeSheets(stores: () => Stores): void {
  const sheet: PriceSheet = { name: 'b', validFromMs: 0, validUntilMs: null, rows: [] };
  const stored = (name: string, uploadedAtMs: number) => ({
    sheet: { ...sheet, name },
    uploadedAtMs,
    uploadedBy: 'key-1',
  });

  it('are put, replaced, listed by name and removed', async () => {
    const { priceSheets } = stores();
    for (const each of [stored('b', 1), stored('a', 2), stored('b', 3)])
      await priceSheets.put(each);
    expect(await priceSheets.list()).toEqual([stored('a', 2), stored('b', 3)]);
    expect(await priceSheets.get('b')).toEqual(stored('b', 3));
    expect([await priceSheets.remove('b'), await priceSheets.remove('b')]).toEqual([true, false]);
    expect(await priceSheets.get('b')).toBeNull();
  });
}
