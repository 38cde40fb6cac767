import { agreedRate } from '#libs/domain';
import { guardFeed, type GuardedFeed } from '#libs/provider-kit';
import { fxFeeds, fxSources, fxSourcesFromEnv, startFxEmulator, type FxEmulator } from './index';

const NOW_MS = Date.UTC(2026, 10, 21);

let emulator: FxEmulator;
let feeds: ReadonlyMap<string, GuardedFeed>;

beforeEach(async () => {
  emulator = await startFxEmulator();
  const timers = { nowMs: () => NOW_MS, setTimer: timerOf };
  feeds = new Map(
    fxFeeds(fxSources, emulator.baseUrl).map((feed) => [
      feed.id.slice('fx/'.length),
      guardFeed(
        {
          ...feed,
          requestTimeoutMs: 150,
          rateLimit: { perSecond: 1_000, burst: 9, concurrency: 1 },
        },
        { timers, metrics: { observeCall: () => undefined } },
      ),
    ]),
  );
});

afterEach(() => emulator.close());

function timerOf(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
}

async function read(source: string): Promise<Readonly<Record<string, number>>> {
  const page = await feeds.get(source)?.readPage(null, NOW_MS);
  if (page === undefined || page.kind !== 'fx') throw new Error(`${source} is no source of rates`);
  expect([page.done, page.cursor]).toEqual([true, null]);
  return Object.fromEntries(page.items.map(({ token, usd }) => [token, usd]));
}

describe('a source of rates', () => {
  it.each([
    ['coinbase', { AKT: 1.1, USDC: 1, EUR: 1.16 }],
    ['kraken', { AKT: 1.1, USDC: 1, EUR: 1.16 }],
    ['coingecko', { AKT: 1.1, USDC: 1 }],
    ['ecb', { EUR: 1.16 }],
  ])('%s says what a unit is worth in dollars', async (source, expected) => {
    const rates = await read(source);
    expect(Object.keys(rates).sort()).toEqual(Object.keys(expected).sort());
    for (const [token, usd] of Object.entries(expected)) expect(rates[token]).toBeCloseTo(usd, 6);
  });

  it.each(fxSources.map(({ name }) => name))(
    '%s ends in an error of a kind, whatever goes wrong',
    async (name) => {
      emulator.failNext(
        name,
        { kind: 'status', status: 429, retryAfterSeconds: 7 },
        { kind: 'status', status: 503 },
        { kind: 'status', status: 403 },
        { kind: 'truncated' },
        { kind: 'silent' },
      );
      await expect(read(name)).rejects.toMatchObject({ kind: 'rate-limited', retryAfterMs: 7_000 });
      await expect(read(name)).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(read(name)).rejects.toMatchObject({ kind: 'credentials-rejected' });
      await expect(read(name)).rejects.toMatchObject({ kind: 'unmapped' });
      await expect(read(name)).rejects.toMatchObject({ kind: 'unavailable' });
      expect(Object.keys(await read(name)).length).toBeGreaterThan(0);
    },
  );

  it('is cut off when it is not reachable', async () => {
    await emulator.close();
    await expect(read('kraken')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('that lies is outvoted by the others', async () => {
    emulator.setRate('AKT', 11, 'kraken');
    const quotes = await Promise.all(
      ['coinbase', 'kraken', 'coingecko'].map(async (source) => ({
        source,
        usd: (await read(source))['AKT'] ?? Number.NaN,
      })),
    );
    expect(agreedRate(quotes)).toEqual({
      ok: true,
      usd: expect.closeTo(1.1, 6),
      sources: ['coinbase', 'coingecko'],
      rejected: ['kraken'],
    });
  });
});

describe('the sources to ask', () => {
  it('are all of them unless said', () => {
    expect(fxSourcesFromEnv({})).toEqual(fxSources);
    expect(fxSourcesFromEnv({ FAIRLEAD_FX_SOURCES: 'none' })).toEqual([]);
    const some = fxSourcesFromEnv({ FAIRLEAD_FX_SOURCES: 'ecb, kraken' });
    expect(some.map(({ name }) => name)).toEqual(['ecb', 'kraken']);
    expect(() => fxSourcesFromEnv({ FAIRLEAD_FX_SOURCES: 'tarot' })).toThrow('no source tarot');
  });
});
