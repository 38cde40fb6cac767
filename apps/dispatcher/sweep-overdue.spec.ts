import { SweepOverdue } from './sweep-overdue';
import { Stage } from './testing/stage';

const GRACE_MS = 2_000;
const UNBOOKED_MS = 180_000;

const swept = async (stage: Stage) => {
  stage.doorbell.rings.length = 0;
  await new SweepOverdue(stage.stores, stage.doorbell, stage.clock).run();
  return stage.doorbell.rings.map(({ queue, id, providerId }) => ({ queue, id, providerId }));
};

describe('the sweep of what is overdue', () => {
  it('rings again for a job whose wake-up was lost, once it has had its time', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted({}, null);
    stage.clock.advance(GRACE_MS - 1);
    expect(await swept(stage)).toEqual([]);
    stage.clock.advance(1);
    expect(await swept(stage)).toEqual([{ queue: 'place', id, providerId: null }]);
  });

  it('rings for an attempt in the queue of its provider', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    stage.clock.advance(GRACE_MS);
    expect(await swept(stage)).toEqual([{ queue: 'advance', id, providerId: 'memory' }]);
  });

  it('tells its rings from those of the sweep before, which may have been lost as well', async () => {
    const stage = new Stage();
    await stage.submitted({}, null);
    stage.clock.advance(GRACE_MS);
    await swept(stage);
    const [first] = stage.doorbell.rings;
    stage.clock.advance(5_000);
    await swept(stage);
    const [second] = stage.doorbell.rings;
    expect(second?.tag).not.toBe(first?.tag);
  });

  it('has charges booked that nobody has booked for minutes, and the final ones at once', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(({ phase }) => phase === 'starting');
    const booking = { queue: 'book-costs', id, providerId: null };
    expect(await swept(stage)).not.toContainEqual(booking);
    stage.clock.advance(UNBOOKED_MS);
    expect(await swept(stage)).toContainEqual(booking);
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    await stage.released();
    expect(await swept(stage)).toContainEqual(booking);
  });

  it('has nothing to ring for once everything is done', async () => {
    const stage = new Stage();
    await stage.submitted();
    await stage.placed();
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    await stage.released();
    await stage.place.run(stage.job().id);
    stage.clock.advance(3_600_000);
    expect(stage.attempt().billedFromMs).toBeNull();
    expect(await swept(stage)).toEqual([]);
  });
});
