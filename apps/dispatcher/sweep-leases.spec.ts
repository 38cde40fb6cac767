import { asAttemptId, asProviderId, usd, type AttemptId } from '#libs/domain';
import { AdapterRegistry, guardedCall } from '#libs/provider-kit';
import { fakeOffers, type FakeCloud } from '#libs/testkit';
import { SweepLeases } from './sweep-leases';
import { Stage } from './testing/stage';

const MEMORY = asProviderId('memory');
const HOUR_MS = 3_600_000;

/** A lease that the router has no row of, as a database that was lost would leave it. */
async function orphan(cloud: FakeCloud, name: string): Promise<AttemptId> {
  const leaseKey = asAttemptId(name);
  const [offer] = fakeOffers;
  if (offer === undefined) throw new Error('an offer is needed');
  await cloud.acquire(
    {
      leaseKey,
      offer,
      workload: { image: 'none', script: '', env: {} },
      labels: {},
      limits: { maxDurationMs: HOUR_MS, maxPricePerHour: usd(100) },
    },
    guardedCall(0),
  );
  return leaseKey;
}

const sweepOf = ({ stores, clock, cloud }: Stage): SweepLeases =>
  new SweepLeases(stores.attempts, new AdapterRegistry([cloud]), clock);

const runningKeys = (cloud: FakeCloud) =>
  cloud.leases().flatMap(({ running, leaseKey }) => (running ? [leaseKey] : []));

describe('the sweep of leases', () => {
  it('releases what no attempt owns, and touches nothing else', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(({ phase }) => phase === 'starting');
    const lost = await orphan(stage.cloud, 'att-lost');
    expect(await sweepOf(stage).run(MEMORY)).toEqual([lost]);
    expect(runningKeys(stage.cloud)).toEqual([id]);
    expect(await sweepOf(stage).run(MEMORY)).toEqual([]);
  });

  it('releases a lease that shows up after its attempt was released', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    await stage.released();
    await orphan(stage.cloud, id);
    expect(await sweepOf(stage).run(MEMORY)).toEqual([id]);
    expect(runningKeys(stage.cloud)).toEqual([]);
  });

  it('is not held up by one that cannot be released, and finds it again', async () => {
    const stage = new Stage();
    const stuck = await orphan(stage.cloud, 'att-stuck');
    const other = await orphan(stage.cloud, 'att-other');
    stage.cloud.inject({ verb: 'release', as: 'unavailable', when: 'before' });
    expect(await sweepOf(stage).run(MEMORY)).toEqual([stuck, other]);
    expect(runningKeys(stage.cloud)).toEqual([stuck]);
    expect(await sweepOf(stage).run(MEMORY)).toEqual([stuck]);
    expect(runningKeys(stage.cloud)).toEqual([]);
  });

  it('fails as a whole when the list cannot be had, for its schedule to repeat', async () => {
    const stage = new Stage();
    await orphan(stage.cloud, 'att-lost');
    stage.cloud.inject({ verb: 'listLeases', as: 'unavailable', when: 'before' });
    await expect(sweepOf(stage).run(MEMORY)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(runningKeys(stage.cloud)).toHaveLength(1);
  });
});
