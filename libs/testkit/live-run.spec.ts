import { usd } from '#libs/domain';
import { conformanceChecks, liveRun, tryCheck } from '#libs/provider-kit/testing';
import type { CheckOutcome, LiveRun } from '#libs/provider-kit/testing';
import type { ProviderAdapter } from '#libs/provider-kit';
import { FakeCloud } from './fake-cloud';
import { fakeDescriptor } from './fake-cloud-core';

const realClock = { nowMs: () => Date.now() };
const descriptor = { ...fakeDescriptor, quietMs: 0 };
const quick = { pollMs: 5, cleanUpBoundMs: 50 };

/** A cloud that stands in for a real one: the suite holds no emulator, only the adapter. */
function setUp({
  maxUsd = 10,
  break: broken = {},
}: { maxUsd?: number; break?: Partial<ProviderAdapter> } = {}) {
  const cloud = new FakeCloud(realClock, { descriptor, startDelayMs: 0 });
  const adapter: ProviderAdapter = {
    descriptor,
    listOffers: (ctx) => cloud.listOffers(ctx),
    acquire: (request, ctx) => cloud.acquire(request, ctx),
    observe: (ref, ctx) => cloud.observe(ref, ctx),
    release: (ref, ctx) => cloud.release(ref, ctx),
    listLeases: (ctx) => cloud.listLeases(ctx),
    ...broken,
  };
  return { cloud, run: liveRun({ adapter, env: {}, maxSpend: usd(maxUsd), ...quick }) };
}

async function checkAll({ makeHarness }: LiveRun): Promise<readonly CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  for (const check of conformanceChecks) {
    outcomes.push(await tryCheck(check, descriptor, makeHarness));
  }
  return outcomes;
}

const named = (outcomes: readonly CheckOutcome[], status: CheckOutcome['status']) =>
  outcomes.filter((outcome) => outcome.status === status);

describe('a live run', () => {
  it('asks everything that needs no emulator, skips the rest with a reason, and leaves nothing', async () => {
    const { cloud, run } = setUp();
    const outcomes = await checkAll(run);
    const withoutEmulator = conformanceChecks.filter(({ needs }) => needs === 'any').length;
    expect(named(outcomes, 'failed')).toEqual([]);
    expect(named(outcomes, 'passed').length).toBe(withoutEmulator - 1);
    expect(named(outcomes, 'skipped').every(({ reason }) => reason !== null)).toBe(true);
    expect(cloud.leases().length).toBeGreaterThan(5);
    expect(await run.leaveNothing()).toMatchObject({ status: 'passed' });
    expect(cloud.leases().filter(({ running }) => running)).toEqual([]);
  });

  it('acquires nothing that could take it over its spending cap', async () => {
    const { cloud, run } = setUp({ maxUsd: 0 });
    const outcomes = await checkAll(run);
    expect(cloud.leases()).toEqual([]);
    expect(named(outcomes, 'failed')).toEqual([]);
    expect(named(outcomes, 'skipped').some(({ reason }) => reason?.includes('cap'))).toBe(true);
  });

  it('stays under the cap over all of its leases together', async () => {
    // A lease of the cheapest offer may cost up to twice 0.08 dollars for a quarter of an hour.
    const { cloud, run } = setUp({ maxUsd: 0.09 });
    await checkAll(run);
    expect(cloud.leases().length).toBeLessThanOrEqual(2);
    expect(cloud.leases().length).toBeGreaterThan(0);
  });

  it('says so when something is left running', async () => {
    const { cloud, run } = setUp({
      break: {
        release: (ref) => cloud.observe(ref, { signal: AbortSignal.timeout(1_000), nowMs: 0 }),
      },
    });
    const [check] = conformanceChecks.filter(({ group }) => group === 'acquire');
    if (check === undefined) throw new Error('there are acquire checks');
    await tryCheck(check, descriptor, run.makeHarness);
    expect(cloud.leases().filter(({ running }) => running)).toHaveLength(1);
    expect(await run.leaveNothing()).toMatchObject({ status: 'failed' });
  });

  it('acquires nothing once it is over', async () => {
    const { cloud, run } = setUp();
    await run.leaveNothing();
    await checkAll(run);
    expect(cloud.leases()).toEqual([]);
  });
});
