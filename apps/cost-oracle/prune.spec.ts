import { BUILT_AT_MS, ManualClock } from '#libs/testkit';
import { prunedKinds, Retention, type PrunedCounts, type RetentionCutoffs } from '#libs/storage';
import { Prune } from './prune';

const DAY_MS = 86_400_000;
const days = {
  keepEventsDays: 90,
  keepDecisionsDays: 80,
  keepOffersDays: 70,
  keepSuspensionsDays: 30,
  keepIdempotencyKeysDays: 7,
  keepOutputsDays: 20,
};

/** So many old events, and nothing else. */
class OldEvents extends Retention {
  readonly asked: { readonly cutoffs: RetentionCutoffs; readonly limit: number }[] = [];

  constructor(private left: number) {
    super();
  }

  async prune(cutoffs: RetentionCutoffs, limit: number): Promise<PrunedCounts> {
    this.asked.push({ cutoffs, limit });
    const events = Math.min(this.left, limit);
    this.left -= events;
    const nothing = Object.fromEntries(prunedKinds.map((kind) => [kind, 0])) as PrunedCounts;
    return { ...nothing, events };
  }
}

const clock = new ManualClock(BUILT_AT_MS);

describe('deleting what has been kept long enough', () => {
  it('takes each kind at its own age', async () => {
    const retention = new OldEvents(0);
    await new Prune(retention, days, clock).run();
    expect(retention.asked.map(({ cutoffs }) => cutoffs)).toEqual([
      {
        eventsBeforeMs: BUILT_AT_MS - 90 * DAY_MS,
        decisionsBeforeMs: BUILT_AT_MS - 80 * DAY_MS,
        offersBeforeMs: BUILT_AT_MS - 70 * DAY_MS,
        suspensionsBeforeMs: BUILT_AT_MS - 30 * DAY_MS,
        idempotencyKeysBeforeMs: BUILT_AT_MS - 7 * DAY_MS,
        outputsBeforeMs: BUILT_AT_MS - 20 * DAY_MS,
      },
    ]);
  });

  it('goes on in batches until nothing is left', async () => {
    const retention = new OldEvents(25);
    await new Prune(retention, days, clock, 10).run();
    expect(retention.asked.map(({ limit }) => limit)).toEqual([10, 10, 10, 10]);
  });

  it('stops after its share, however much there is', async () => {
    const retention = new OldEvents(Infinity);
    await new Prune(retention, days, clock, 10).run();
    expect(retention.asked).toHaveLength(200);
  });
});
