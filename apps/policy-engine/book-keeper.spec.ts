import { asProviderId, usd, type Offer, type OfferId } from '#libs/domain';
import { syntheticBook } from '../../test/benchmarks/offer-books';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { BookKeeper } from './book-keeper';
import { digestOfBook } from './digest';

const HOUR_MS = 3_600_000;
const providerId = asProviderId('memory');

/** A store that sells what it is told, and a keeper that looks at it. */
function kept() {
  const { offers } = memoryStores(new MemoryTables());
  const asked: number[] = [];
  const keeper = new BookKeeper({
    version: () => offers.version(),
    patch: (versions, after: OfferId | null, limit) => {
      asked.push(versions.since);
      return offers.patch(versions, after, limit);
    },
  });
  return { keeper, asked, sell: (all: readonly Offer[]) => offers.replace(providerId, all, 0) };
}

/** Asks until the version is there, and lets everything else have its turn in between. */
async function until(keeper: BookKeeper, version: number): Promise<number> {
  for (let looks = 0; looks < 100_000; looks += 1) {
    if ((await keeper.current(0)).value.version === version) return looks;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`version ${version} did not come`);
}

const ids = (offers: readonly Offer[]): readonly string[] => offers.map(({ id }) => id).sort();

describe('the book in memory', () => {
  it('is read once for each version, and only what has changed', async () => {
    const { keeper, asked, sell } = kept();
    const all = syntheticBook(40).map((offer) => ({ ...offer, providerId }));
    await sell(all);
    const first = await keeper.current(0);
    expect(await keeper.current(0)).toBe(first);
    const [one, ...others] = all;
    if (one === undefined) throw new Error('there is no offer');
    await sell([{ ...one, pricePerHour: usd(7) }, ...others.slice(1)]);
    const next = await keeper.current(0);
    expect(asked).toEqual([0, 1]);
    expect(next.index.catalogue).toBe(first.index.catalogue);
    expect(ids(next.value.offers)).toEqual(ids([one, ...others.slice(1)]));
    expect(next.value.offers.find(({ id }) => id === one.id)?.pricePerHour).toBe(usd(7));
  });

  it('has the digest of the same book read at once', async () => {
    const { keeper, sell } = kept();
    const all = syntheticBook(60).map((offer) => ({ ...offer, providerId }));
    for (const book of [all.slice(0, 30), all.slice(10), all, [], all.slice(5, 9)]) {
      await sell(book);
      const { digest, value } = await keeper.current(0);
      expect(digest).toBe(digestOfBook(book));
      expect(digestOfBook([...value.offers].reverse())).toBe(digest);
    }
    expect(digestOfBook(all)).not.toBe(digestOfBook(all.slice(1)));
  });

  it('is given out as it was while the next one of a large book is made ready', async () => {
    const { keeper, sell } = kept();
    const all = syntheticBook(3_000).map((offer) => ({ ...offer, providerId }));
    await sell(all);
    await keeper.current(0);
    await sell(all.slice(1));
    expect((await keeper.current(0)).value).toMatchObject({
      version: 1,
      offers: { length: 3_000 },
    });
    expect(await until(keeper, 2)).toBeGreaterThan(1);
    expect((await keeper.current(0)).value.offers).toHaveLength(2_999);
  });

  it('begins anew when nobody has looked for so long that changes may be forgotten', async () => {
    const { keeper, asked, sell } = kept();
    const all = syntheticBook(20).map((offer) => ({ ...offer, providerId }));
    await sell(all);
    await keeper.current(HOUR_MS);
    await keeper.current(2 * HOUR_MS);
    await sell(all.slice(2));
    await keeper.current(3 * HOUR_MS);
    await sell(all.slice(4));
    const late = await keeper.current(5 * HOUR_MS);
    expect(asked).toEqual([0, 1, 0]);
    expect(late.digest).toBe(digestOfBook(all.slice(4)));
  });

  it('lets whoever asks next hear of a refresh that failed behind the back of the one before', async () => {
    const all = syntheticBook(3_000);
    const versions = { now: 1, isDown: false };
    const keeper = new BookKeeper({
      version: () => Promise.resolve(versions.now),
      patch: () =>
        versions.isDown
          ? Promise.reject(new Error('the database is down'))
          : Promise.resolve({ gone: [], come: versions.now === 1 ? all : [], next: null }),
    });
    await keeper.current(0);
    versions.now = 2;
    versions.isDown = true;
    expect((await keeper.current(0)).value.version).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(keeper.current(0)).rejects.toThrow('the database is down');
    versions.isDown = false;
    expect((await keeper.current(0)).value.version).toBe(2);
  });
});
