import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asOfferId, dailySigma, usd, type OfferId } from '#libs/domain';
import { guardFeed, type AnyFeedPage, type GuardedFeed } from '#libs/provider-kit';
import { ManualClock } from '#libs/testkit';
import { aws } from './index';
import { cheapestSeries } from './spot-history';
import { startEmulator, type AwsEmulator } from './testing/emulator';

const START_MS = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** More pages than any pass here takes. */
const MAX_PAGES = 500;

let root: string;
let clock: ManualClock;
let emulator: AwsEmulator;
let feeds: ReadonlyMap<string, GuardedFeed>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-aws-'));
  clock = new ManualClock(START_MS);
  emulator = await startEmulator({ rootDir: root, clock, delayFactor: 0, seed: 3 });
  feeds = guardedFeeds();
});

afterEach(async () => {
  await emulator.close();
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
});

/** The rate limit of a feed would take real time here: a token is there as soon as it is asked for. */
function guardedFeeds(): ReadonlyMap<string, GuardedFeed> {
  const timers = { nowMs: () => clock.nowMs(), setTimer: waiting };
  const guarded = aws
    .feedsFrom(emulator.config)
    .map((feed) => ({ ...feed, rateLimit: { perSecond: 1_000, burst: 1_000, concurrency: 1 } }))
    .map((feed) => guardFeed(feed, { timers, metrics: { observeCall: () => undefined } }));
  return new Map(guarded.map((feed) => [feed.terms.id, feed]));
}

function waiting(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
}

function feedOf(id: string): GuardedFeed {
  const feed = feeds.get(id);
  if (feed === undefined) throw new Error(`there is no feed ${id}`);
  return feed;
}

interface Pass {
  readonly pages: readonly AnyFeedPage[];
  readonly cursor: string | null;
}

async function readToEnd(id: string, from: string | null = null): Promise<Pass> {
  const pages: AnyFeedPage[] = [];
  let cursor = from;
  for (let i = 0; i < MAX_PAGES; i += 1) {
    const page = await feedOf(id).readPage(cursor, clock.nowMs());
    pages.push(page);
    cursor = page.cursor;
    if (page.done) return { pages, cursor };
  }
  throw new Error(`${id} does not end`);
}

function pricesIn({ pages }: Pass): ReadonlyMap<OfferId, number | null> {
  return new Map(
    pages.flatMap((page) =>
      page.kind === 'fx'
        ? []
        : page.items.map((item) => [item.offerId, item.pricePerHour] as const),
    ),
  );
}

const id = (region: string, type: string, market: string): OfferId =>
  asOfferId(`aws/${region}/${type}/${market}`);

describe('the price list', () => {
  const PRICES = 'aws/price-list';

  it('gives the on-demand price of each type in each configured region, over several pages, and nothing else', async () => {
    const pass = await readToEnd(PRICES);
    expect(pass.pages.length).toBeGreaterThan(4);
    const prices = pricesIn(pass);
    expect(prices.get(id('us-east-1', 'p5.48xlarge', 'on-demand'))).toBe(usd(55.04));
    expect(prices.get(id('eu-central-1', 'p4d.24xlarge', 'on-demand'))).toBe(usd(27.43298));
    expect([...prices.keys()].filter((offer) => offer.includes('m5.large'))).toEqual([]);
    expect(prices.get(id('eu-west-1', 'g5.xlarge', 'on-demand'))).toBeUndefined();
  });

  it('sees what AWS has changed since, and offers a type where the dated list knows no price', async () => {
    emulator.pricing.setPrice('us-east-1', 'g5.xlarge', 0.9);
    emulator.pricing.setPrice('eu-west-1', 'g5.xlarge', 1.123);
    const prices = pricesIn(await readToEnd(PRICES));
    const known = (offerId: OfferId) => {
      const pricePerHour = prices.get(offerId);
      return pricePerHour == null
        ? undefined
        : { pricePerHour: usd(pricePerHour / 1e6), source: PRICES };
    };
    const adapter = aws.adapterFrom(emulator.config);
    const ctx = { signal: new AbortController().signal, nowMs: clock.nowMs() };
    const before = new Map((await adapter.listOffers(ctx)).map((offer) => [offer.id, offer]));
    const after = new Map(
      (await adapter.listOffers({ ...ctx, prices: known })).map((offer) => [offer.id, offer]),
    );
    const us = id('us-east-1', 'g5.xlarge', 'on-demand');
    const ireland = id('eu-west-1', 'g5.xlarge', 'on-demand');
    expect(before.get(us)).toMatchObject({
      pricePerHour: usd(1.006),
      source: 'aws/list@2026-07-20',
    });
    expect(after.get(us)).toMatchObject({ pricePerHour: usd(0.9), source: PRICES });
    expect(before.get(ireland)).toBeUndefined();
    expect(after.get(ireland)).toMatchObject({ pricePerHour: usd(1.123), source: PRICES });
    expect(after.get(id('us-east-1', 'g5.xlarge', 'spot'))?.source).toBeUndefined();
  });

  it('goes on from the page where it was, whoever reads it', async () => {
    const first = await feedOf(PRICES).readPage(null, clock.nowMs());
    feeds = guardedFeeds();
    const rest = await readToEnd(PRICES, first.cursor);
    const all = pricesIn(await readToEnd(PRICES));
    expect(pricesIn({ pages: [first, ...rest.pages], cursor: null })).toEqual(all);
    expect(rest.pages.length).toBeLessThan((await readToEnd(PRICES)).pages.length);
  });

  it('reads a region again from its start when the token has run out', async () => {
    const all = pricesIn(await readToEnd(PRICES));
    emulator.pricing.failNext('ExpiredNextTokenException');
    expect(pricesIn(await readToEnd(PRICES))).toEqual(all);
  });

  it('gives up when tokens always run out', async () => {
    emulator.pricing.failNext(
      ...Array.from({ length: 9 }, () => 'ExpiredNextTokenException' as const),
    );
    await expect(readToEnd(PRICES)).rejects.toMatchObject({
      providerCode: 'ExpiredNextTokenException',
    });
  });

  it.each([
    ['ThrottlingException', 'rate-limited'],
    ['AccessDeniedException', 'credentials-rejected'],
    ['InternalErrorException', 'unavailable'],
    ['truncated-page', 'unmapped'],
  ] as const)(
    'ends in one request with %s as %s, and the same page can be read after it',
    async (fault, kind) => {
      const first = await feedOf(PRICES).readPage(null, clock.nowMs());
      const before = emulator.pricing.requests();
      emulator.pricing.failNext(fault);
      await expect(feedOf(PRICES).readPage(first.cursor, clock.nowMs())).rejects.toMatchObject({
        kind,
      });
      expect(emulator.pricing.requests()).toBe(before + 1);
      expect(
        (await feedOf(PRICES).readPage(first.cursor, clock.nowMs())).items.length,
      ).toBeGreaterThan(0);
    },
  );
});

describe('the spot history', () => {
  const HISTORY = 'aws/spot-history';
  const spot = id('us-east-1', 'p4d.24xlarge', 'spot');

  it('reads back two weeks of the cheapest zone, enough to measure how much it moves', async () => {
    const { pages } = await readToEnd(HISTORY);
    const points = pages.flatMap((page) => (page.kind === 'spot-history' ? page.items : []));
    const series = points.filter(({ offerId }) => offerId === spot);
    expect(Math.min(...series.map(({ atMs }) => atMs))).toBe(START_MS - 14 * DAY_MS);
    expect(series.length).toBeGreaterThan(28);
    const rates = series.flatMap(({ atMs, pricePerHour }) =>
      pricePerHour === null ? [] : [{ atMs, usdMicro: pricePerHour }],
    );
    const sigma = dailySigma(rates) ?? 0;
    expect(sigma).toBeGreaterThan(0.005);
    expect(sigma).toBeLessThan(0.1);
  });

  it('reads only what is new the next time', async () => {
    const pointsOf = (pass: Pass): readonly unknown[] =>
      pass.pages.flatMap((page): readonly unknown[] => page.items);
    // The emulated market opens with a price at this very moment, which would be news to the next window.
    clock.advance(1);
    const { cursor, pages } = await readToEnd(HISTORY);
    clock.advance(HOUR_MS - 1);
    emulator.ec2.setSpotPrice('us-east-1', 'p4d.24xlarge', 7.5);
    clock.advance(HOUR_MS);
    const next = await readToEnd(HISTORY, cursor);
    expect(next.pages.length).toBeLessThan(pages.length);
    expect(pointsOf(next)).toEqual([
      { offerId: spot, atMs: START_MS + HOUR_MS, pricePerHour: usd(7.5) },
    ]);
    clock.advance(1);
    expect(pointsOf(await readToEnd(HISTORY, next.cursor))).toEqual([]);
  });
});

describe('the cheapest zone', () => {
  const window = { region: 'us-east-1', fromMs: 100, toMs: 200, isFirst: false } as const;
  const row = (zone: string, atMs: number, dollars: number) => ({
    InstanceType: 'g5.xlarge' as const,
    AvailabilityZone: `us-east-1${zone}`,
    Timestamp: new Date(atMs),
    SpotPrice: dollars.toFixed(6),
  });
  const series = (rows: readonly ReturnType<typeof row>[], wanted = {}) =>
    cheapestSeries(rows, { ...window, ...wanted }).map(({ atMs, pricePerHour }) => [
      atMs,
      pricePerHour,
    ]);

  it('is another one when the cheapest grows dear, and says nothing when only a dear one moves', () => {
    const rows = [
      row('a', 50, 1),
      row('b', 60, 2),
      row('a', 120, 3),
      row('b', 150, 2.5),
      row('c', 160, 9),
    ];
    expect(series(rows)).toEqual([
      [120, usd(2)],
      [150, usd(2.5)],
    ]);
  });

  it('counts zones that move together as one change, and leaves the end of the window to the next', () => {
    const rows = [
      row('a', 50, 1),
      row('b', 60, 2),
      row('a', 120, 4),
      row('b', 120, 5),
      row('a', 200, 1),
    ];
    expect(series(rows)).toEqual([[120, usd(4)]]);
  });

  it('begins with what was in force when nothing is known of before', () => {
    expect(series([row('a', 50, 1), row('b', 130, 0.5)], { isFirst: true })).toEqual([
      [100, usd(1)],
      [130, usd(0.5)],
    ]);
    expect(series([row('a', 50, 1), row('b', 100, 0.5)], { isFirst: true })).toEqual([
      [100, usd(0.5)],
    ]);
  });
});
