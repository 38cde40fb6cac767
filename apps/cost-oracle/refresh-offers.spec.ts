import { asDecisionId, usd, type Job, type OfferId } from '#libs/domain';
import { AdapterRegistry } from '#libs/provider-kit';
import { aJob, BUILT_AT_MS, FakeCloud, fakeOffers, ManualClock } from '#libs/testkit';
import { SilentDoorbell } from '../../libs/queue/testing/silent-doorbell';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { RefreshOffers } from './refresh-offers';

const [firm, spot] = fakeOffers;
if (firm === undefined || spot === undefined) throw new Error('two offers are needed');

class Feed {
  readonly clock = new ManualClock(BUILT_AT_MS);
  readonly cloud = new FakeCloud(this.clock);
  readonly tables = new MemoryTables();
  readonly stores = memoryStores(this.tables);
  readonly doorbell = new SilentDoorbell();

  refreshed(): Promise<number> {
    const adapters = new AdapterRegistry([this.cloud]);
    const refresh = new RefreshOffers(this.stores, adapters, this.doorbell, this.clock);
    return refresh.run(this.cloud.descriptor.id);
  }

  /** A job that waits in line and is not due for an hour. */
  waiting(
    id: string,
    awaited: readonly OfferId[] = [],
    wanted: Partial<Omit<Job, 'id'>> = {},
  ): void {
    const dueAtMs = this.clock.nowMs() + 3_600_000;
    const job = aJob({ decisionId: asDecisionId('dec-1'), dueAtMs, ...wanted, id });
    this.tables.jobs.set(job.id, job);
    if (awaited.length > 0)
      this.tables.line.set(job.id, { offers: new Set(awaited), sinceMs: this.clock.nowMs() });
  }
}

describe('refreshing what a provider sells', () => {
  it('makes a new book where something changed, and only there', async () => {
    const feed = new Feed();
    expect(await feed.refreshed()).toBe(1);
    expect(await feed.stores.offers.book()).toMatchObject({
      offers: { length: fakeOffers.length },
    });
    feed.clock.advance(60_000);
    expect(await feed.refreshed()).toBe(1);
    const refreshed = await feed.stores.offers.refreshedAtMs();
    expect(refreshed.get(feed.cloud.descriptor.id)).toBe(feed.clock.nowMs());
    const [offer] = fakeOffers;
    if (offer !== undefined) feed.cloud.core.setPrice(offer.id, usd(7));
    expect(await feed.refreshed()).toBe(2);
  });

  it('has those in line for what has changed decided anew, first in line first', async () => {
    const feed = new Feed();
    await feed.refreshed();
    feed.waiting('job-late', [firm.id, spot.id], { lineKey: 2 });
    feed.waiting('job-early', [firm.id], { lineKey: 1 });
    feed.waiting('job-other', [spot.id]);
    feed.waiting('job-hopeless', []);
    feed.waiting('job-placed', [], { dueAtMs: null });
    feed.waiting('job-over', [], { outcome: 'completed' });
    await feed.refreshed();
    expect(feed.doorbell.rings).toEqual([]);
    feed.cloud.core.setPrice(firm.id, usd(7));
    await feed.refreshed();
    expect(feed.doorbell.rings).toMatchObject([
      { queue: 'decide', id: 'job-early', atMs: feed.clock.nowMs(), tag: 'book-2' },
      { queue: 'decide', id: 'job-late' },
    ]);
    const due = [...feed.tables.jobs.values()].map(({ id, dueAtMs }) => [id, dueAtMs]);
    expect(Object.fromEntries(due)).toMatchObject({
      'job-early': feed.clock.nowMs(),
      'job-late': feed.clock.nowMs(),
      'job-other': feed.clock.nowMs() + 3_600_000,
      'job-placed': null,
    });
  });

  it('has everybody who waits decided anew when there is something new', async () => {
    const feed = new Feed();
    feed.waiting('job-hopeless', [], { lineKey: 1 });
    feed.waiting('job-in-line', [spot.id], { lineKey: 2 });
    feed.waiting('job-placed', [], { dueAtMs: null });
    await feed.refreshed();
    expect(feed.doorbell.rings.map(({ id }) => id)).toEqual(['job-hopeless', 'job-in-line']);
  });

  it('leaves the last offers as they are when the provider does not answer', async () => {
    const feed = new Feed();
    await feed.refreshed();
    const book = await feed.stores.offers.book();
    feed.waiting('job-1');
    feed.cloud.core.setDown(true);
    await expect(feed.refreshed()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await feed.stores.offers.book()).toEqual(book);
    expect(feed.doorbell.rings).toEqual([]);
  });
});
