import { asDecisionId, asOfferId, asProviderId, usd, type Offer } from '#libs/domain';
import {
  AdapterRegistry,
  ProviderError,
  type AnyFeedPage,
  type GuardedFeed,
} from '#libs/provider-kit';
import { aJob, FakeCloud, fakeOffers, ManualClock, BUILT_AT_MS } from '#libs/testkit';
import { SilentDoorbell } from '../../libs/queue/testing/silent-doorbell';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { AgreeRates } from './agree-rates';
import { CompactPrices } from './compact-prices';
import { KeepPriceSheets } from './keep-price-sheets';
import { ReadFeed } from './read-feed';
import { LISTING_STALE_AFTER_MS, RefreshOffers } from './refresh-offers';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const PROVIDER = asProviderId('memory');

type Answer = Omit<AnyFeedPage, 'kind'> | ProviderError;

/** A source that answers from a script, by cursor, and remembers what it was asked. */
class Source {
  readonly asked: (string | null)[] = [];
  readonly feed: GuardedFeed;
  answers: Readonly<Record<string, Answer>> = {};

  constructor(id: string, kind: AnyFeedPage['kind']) {
    this.feed = {
      terms: { id, kind, everyMs: HOUR_MS, staleAfterMs: 6 * HOUR_MS },
      owner: PROVIDER,
      readPage: async (cursor) => {
        this.asked.push(cursor);
        const answer = this.answers[cursor ?? 'start'];
        if (answer === undefined) throw new Error(`no answer to ${cursor}`);
        if (answer instanceof ProviderError) throw answer;
        return { kind, ...answer } as AnyFeedPage;
      },
    };
  }
}

class Oracle {
  readonly clock = new ManualClock(BUILT_AT_MS);
  readonly tables = new MemoryTables();
  readonly stores = memoryStores(this.tables);
  readonly doorbell = new SilentDoorbell();
  readonly cloud = new FakeCloud(this.clock);
  readonly prices = new Source('memory/prices', 'prices');
  readonly rates = ['a', 'b', 'c'].map((name) => new Source(`fx/${name}`, 'fx'));
  private readonly adapters = new AdapterRegistry([this.cloud]);
  private readonly refresh = new RefreshOffers(
    this.stores,
    this.adapters,
    this.doorbell,
    this.clock,
  );
  readonly sheets = new KeepPriceSheets(this.stores, this.adapters, this.doorbell, this.clock);

  /** A reader of its own each time, as after a crash. */
  async read(id = 'memory/prices'): Promise<void> {
    const feeds = [this.prices, ...this.rates].map(({ feed }) => [feed.terms.id, feed] as const);
    const agree = new AgreeRates(this.stores, this.clock);
    await new ReadFeed(this.stores, new Map(feeds), agree, this.doorbell, this.clock).run(id);
  }

  async refreshed(): Promise<readonly Offer[]> {
    await this.refresh.run(PROVIDER);
    return (await this.stores.offers.book()).offers;
  }

  async known(): Promise<readonly (readonly [string, number])[]> {
    const prices = await this.stores.prices.known(PROVIDER);
    return prices.map(({ offerId, pricePerHour }) => [offerId, pricePerHour] as const);
  }

  async state(id = 'memory/prices') {
    return (await this.stores.feeds.list()).find((feed) => feed.id === id);
  }
}

const a = asOfferId('memory/north/a/on-demand');
const b = asOfferId('memory/north/b/on-demand');
const price = (offerId: typeof a, dollars: number) => ({ offerId, pricePerHour: usd(dollars) });
const page = (items: readonly unknown[], cursor: string | null): Answer =>
  ({ items, cursor, done: cursor === null }) as Answer;
const down = new ProviderError('unavailable', 'nobody is at home');

describe('reading a feed of prices', () => {
  it('takes page after page, has the offers made anew at the end, and rests until the next pass is due', async () => {
    const oracle = new Oracle();
    oracle.prices.answers = { start: page([price(a, 1)], 'p2'), p2: page([price(b, 2)], null) };
    await oracle.read();
    await oracle.read();
    expect(oracle.prices.asked).toEqual([null, 'p2']);
    expect(await oracle.known()).toEqual([
      [a, usd(1)],
      [b, usd(2)],
    ]);
    expect(oracle.doorbell.rings).toMatchObject([{ queue: 'refresh-offers', id: PROVIDER }]);
    expect(await oracle.state()).toMatchObject({ readAtMs: BUILT_AT_MS, items: 2, error: null });
    oracle.clock.advance(HOUR_MS);
    await oracle.read();
    expect(oracle.prices.asked).toHaveLength(4);
  });

  it('goes on from the failed page after a rest that doubles, and is fresh as of the start of the pass', async () => {
    const oracle = new Oracle();
    oracle.prices.answers = { start: page([price(a, 1)], 'p2'), p2: down };
    await oracle.read();
    expect(await oracle.state()).toMatchObject({
      cursor: 'p2',
      readAtMs: null,
      failures: 1,
      error: { kind: 'unavailable', text: 'nobody is at home' },
      nextTryAtMs: BUILT_AT_MS + 15_000,
    });
    oracle.clock.advance(15_000);
    await oracle.read();
    expect(await oracle.state()).toMatchObject({ failures: 2 });
    oracle.clock.advance(29_999);
    await oracle.read();
    expect(oracle.prices.asked).toEqual([null, 'p2', 'p2']);
    oracle.prices.answers = { p2: page([price(b, 2)], null) };
    oracle.clock.advance(1);
    await oracle.read();
    expect(await oracle.state()).toMatchObject({ readAtMs: BUILT_AT_MS, failures: 0, error: null });
    expect(await oracle.known()).toHaveLength(2);
  });

  it('waits as long as the source asks for', async () => {
    const oracle = new Oracle();
    const retryAfterMs = 10 * MINUTE_MS;
    oracle.prices.answers = { start: new ProviderError('rate-limited', 'slow', { retryAfterMs }) };
    await oracle.read();
    expect(await oracle.state()).toMatchObject({ nextTryAtMs: BUILT_AT_MS + retryAfterMs });
  });

  it('forgets what a whole pass no longer finds, and nothing while a pass is not over', async () => {
    const oracle = new Oracle();
    oracle.prices.answers = { start: page([price(a, 1), price(b, 2)], null) };
    await oracle.read();
    oracle.clock.advance(HOUR_MS);
    oracle.prices.answers = { start: page([price(a, 3)], 'p2'), p2: down };
    await oracle.read();
    expect(await oracle.known()).toHaveLength(2);
    oracle.clock.advance(MINUTE_MS);
    oracle.prices.answers = { p2: page([], null) };
    await oracle.read();
    expect(await oracle.known()).toEqual([[a, usd(3)]]);
  });

  it('leaves a claim behind when the reader dies, and the page is read again once it has run out', async () => {
    const oracle = new Oracle();
    await expect(oracle.read()).rejects.toThrow('no answer');
    oracle.prices.answers = { start: page([price(a, 1)], null) };
    await oracle.read();
    expect(await oracle.known()).toEqual([]);
    oracle.clock.advance(5 * MINUTE_MS);
    await oracle.read();
    expect(await oracle.known()).toHaveLength(1);
  });

  it('has everybody who waits look again when stale prices are fresh again', async () => {
    const oracle = new Oracle();
    oracle.prices.answers = { start: page([price(a, 1)], null) };
    await oracle.read();
    const job = aJob({
      id: 'job-1',
      decisionId: asDecisionId('dec-1'),
      dueAtMs: BUILT_AT_MS + DAY_MS,
    });
    oracle.tables.jobs.set(job.id, job);
    oracle.clock.advance(2 * HOUR_MS);
    await oracle.read();
    expect(oracle.doorbell.rung('decide')).toEqual([]);
    oracle.clock.advance(7 * HOUR_MS);
    await oracle.read();
    expect(oracle.doorbell.rung('decide')).toMatchObject([{ id: 'job-1' }]);
  });
});

describe('refreshing offers', () => {
  it('keeps how it went with the listing, and a change of nothing makes no version of the book', async () => {
    const oracle = new Oracle();
    await oracle.refreshed();
    const { version } = await oracle.stores.offers.book();
    oracle.clock.advance(HOUR_MS);
    await oracle.refreshed();
    expect((await oracle.stores.offers.book()).version).toBe(version);
    expect(await oracle.state('listing/memory')).toMatchObject({
      kind: 'listing',
      readAtMs: BUILT_AT_MS + HOUR_MS,
      staleAfterMs: LISTING_STALE_AFTER_MS,
    });
    oracle.cloud.core.setDown(true);
    await expect(oracle.refreshed()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await oracle.state('listing/memory')).toMatchObject({
      failures: 1,
      error: { kind: 'unavailable' },
      readAtMs: BUILT_AT_MS + HOUR_MS,
    });
  });

  it('lays sheets in force over the listing, and takes them off again', async () => {
    const oracle = new Oracle();
    const [listed] = fakeOffers;
    if (listed === undefined) throw new Error('the cloud sells something');
    const { region, instanceType, market } = listed;
    const row = {
      provider: PROVIDER,
      region,
      instanceType,
      market,
      microPerHour: 123_456,
      currency: 'USD',
      quantity: null,
      shape: null,
    };
    const sheet = { name: 'q4', validFromMs: 0, validUntilMs: BUILT_AT_MS + HOUR_MS, rows: [row] };
    expect(
      await oracle.sheets.put({ ...sheet, rows: [{ ...row, provider: 'else' }] }, 'me'),
    ).toMatchObject({
      kind: 'refused',
      problems: [{ pointer: '/rows/0/provider', code: 'unknown-provider' }],
    });
    expect(await oracle.sheets.put(sheet, 'me')).toMatchObject({ kind: 'stored' });
    expect(oracle.doorbell.rung('refresh-offers')).toMatchObject([{ id: PROVIDER }]);
    const priceOf = async () =>
      (await oracle.refreshed()).find(({ id }) => id === listed.id)?.pricePerHour;
    expect(await priceOf()).toBe(123_456);
    oracle.clock.advance(HOUR_MS);
    expect(await priceOf()).toBe(listed.pricePerHour);
    expect([await oracle.sheets.remove('q4'), await oracle.sheets.remove('q4')]).toEqual([
      true,
      false,
    ]);
  });
});

describe('rates', () => {
  async function say(oracle: Oracle, ...values: readonly number[]): Promise<void> {
    for (const [index, source] of oracle.rates.entries()) {
      source.answers = { start: page([{ token: 'AKT', usd: values[index] }], null) };
      await oracle.read(source.feed.terms.id);
    }
  }
  const rate = async (oracle: Oracle) => (await oracle.stores.fxRates.snapshot())['AKT'];

  it('are what enough sources agree on; a liar is left out', async () => {
    const oracle = new Oracle();
    await say(oracle, 1.1, 1.102, 110);
    expect(await rate(oracle)).toEqual({
      usdMicro: usd(1.101),
      readAtMs: BUILT_AT_MS,
      sigmaDaily: null,
      sources: ['fx/a', 'fx/b'],
    });
  });

  it('stay as they were, with their age, while too few agree or too few are fresh', async () => {
    const oracle = new Oracle();
    await say(oracle, 1.1, 1.1, 1.1);
    oracle.clock.advance(7 * HOUR_MS);
    await say(oracle, 1, 2, 3);
    expect(await rate(oracle)).toMatchObject({ usdMicro: usd(1.1), readAtMs: BUILT_AT_MS });
    oracle.clock.advance(7 * HOUR_MS);
    const [first] = oracle.rates;
    if (first === undefined) throw new Error('there are sources');
    first.answers = { start: page([{ token: 'AKT', usd: 2 }], null) };
    await oracle.read('fx/a');
    expect(await rate(oracle)).toMatchObject({ readAtMs: BUILT_AT_MS });
  });

  it('have a volatility once there are enough days', async () => {
    const oracle = new Oracle();
    for (let day = 0; day < 8; day += 1) {
      const value = day % 2 === 0 ? 1 : 1.1;
      await say(oracle, value, value, value);
      oracle.clock.advance(DAY_MS);
    }
    expect((await rate(oracle))?.sigmaDaily).toBeCloseTo(Math.log(1.1), 6);
  });
});

describe('compacting prices', () => {
  it('keeps days of what is old and the price at the end of it, however often it runs', async () => {
    const oracle = new Oracle();
    const points = Array.from({ length: 40 * 4 }, (_, index) => ({
      offerId: a,
      atMs: BUILT_AT_MS - 40 * DAY_MS + index * 6 * HOUR_MS,
      pricePerHour: usd(1 + (index % 4)),
    }));
    await oracle.stores.prices.addPoints(points);
    const kept = { keepPricePointsDays: 14, keepPriceDaysDays: 30 };
    const compact = () => new CompactPrices(oracle.stores, kept, oracle.clock, 2).run();
    await compact();
    const days = await oracle.stores.prices.days(a, 0, BUILT_AT_MS, 99);
    expect(days.length).toBe(16);
    expect(oracle.tables.priceTables.seriesOf(a).length).toBeLessThanOrEqual(15 * 4 + 1);
    const at = (ms: number) => oracle.stores.prices.points(a, ms, ms + 1, 9);
    expect(await at(BUILT_AT_MS - 13 * DAY_MS)).not.toEqual([]);
    await compact();
    expect(await oracle.stores.prices.days(a, 0, BUILT_AT_MS, 99)).toEqual(days);
    oracle.clock.advance(DAY_MS);
    await compact();
    const later = await oracle.stores.prices.days(a, 0, BUILT_AT_MS, 99);
    expect(later).toHaveLength(16);
    expect(later.slice(0, -1)).toEqual(days.slice(1));
    expect(later.at(-1)).toMatchObject({ changes: 4 });
  });
});
