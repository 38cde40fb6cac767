import { pageRead } from '#libs/domain';
import { fakeOffer } from '#libs/testkit';
import { Desk } from './testing/desk';

const HOUR_MS = 3_600_000;
const terms = {
  id: 'memory/prices',
  kind: 'prices',
  everyMs: HOUR_MS,
  staleAfterMs: HOUR_MS,
} as const;
const offer = fakeOffer({ instanceType: 'listed', source: terms.id });

async function readNow(desk: Desk): Promise<void> {
  const nowMs = desk.clock.nowMs();
  const state = await desk.stores.feeds.open(terms, nowMs);
  await desk.stores.feeds.save(pageRead(state, { cursor: null, done: true, items: 1 }, nowMs));
}

describe('prices that nobody has read for too long', () => {
  it('are refused for as long as that lasts, in one decision that can be replayed', async () => {
    const desk = new Desk();
    await desk.sells([offer]);
    await readNow(desk);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    expect(desk.rankedIds()).toEqual([offer.id]);
    const before = desk.decision().id;

    desk.clock.advance(HOUR_MS + 1);
    await desk.decide.run(id);
    const stale = desk.decision();
    expect(stale.id).not.toBe(before);
    expect(stale.summary).toMatchObject({
      rejectionCounts: { 'price-stale': 1 },
      awaited: [offer.id],
    });
    desk.clock.advance(HOUR_MS);
    await desk.decide.run(id);
    expect(desk.decision()).toEqual({ ...stale, confirmedAtMs: desk.clock.nowMs() });

    await readNow(desk);
    await desk.decide.run(id);
    expect(desk.rankedIds()).toEqual([offer.id]);
    for (const decision of desk.tables.decisions.values())
      expect(await desk.replay.run(decision.id)).toEqual({ kind: 'replayed', differs: [] });
  });

  it('come alive again without a new version of the book', async () => {
    const desk = new Desk();
    await desk.sells([offer]);
    await readNow(desk);
    const first = await desk.snapshots.current(desk.clock.nowMs());
    desk.clock.advance(2 * HOUR_MS);
    await readNow(desk);
    const second = await desk.snapshots.current(desk.clock.nowMs());
    expect(second.book).toBe(first.book);
    expect(second.feeds).not.toEqual(first.feeds);
  });
});
