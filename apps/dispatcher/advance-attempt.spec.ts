import { attemptCost, usd, type Attempt } from '#libs/domain';
import type { CallContext, LeaseRef, LeaseRequest, ProviderAdapter } from '#libs/provider-kit';
import { FakeCloud, fakeDescriptor, fakeOffers } from '#libs/testkit';
import { Stage } from './testing/stage';

const BOOT = 'boot-1';
const [firm, spot] = fakeOffers;

/** Stands for a worker that dies: nothing after the call happens, neither recording nor answering. */
class WorkerDied extends Error {}

/** The cloud, and which verbs were called on it. */
function counting(cloud: FakeCloud, calls: string[]): ProviderAdapter {
  const noted = <Args extends readonly unknown[], T>(verb: string, call: (...args: Args) => T) => {
    return (...args: Args): T => {
      calls.push(verb);
      return call(...args);
    };
  };
  return {
    descriptor: cloud.descriptor,
    listOffers: noted('listOffers', (ctx: CallContext) => cloud.listOffers(ctx)),
    acquire: noted('acquire', (request: LeaseRequest, ctx: CallContext) =>
      cloud.acquire(request, ctx),
    ),
    observe: noted('observe', (ref: LeaseRef, ctx: CallContext) => cloud.observe(ref, ctx)),
    release: noted('release', (ref: LeaseRef, ctx: CallContext) => cloud.release(ref, ctx)),
    listLeases: noted('listLeases', (ctx: CallContext) => cloud.listLeases(ctx)),
  };
}

const isIn =
  (phase: Attempt['phase']) =>
  (attempt: Attempt): boolean =>
    attempt.phase === phase;

describe('an attempt', () => {
  it('acquires, starts, runs, is released, and leaves nothing behind', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(isIn('starting'));
    expect(stage.job().state).toBe('starting');
    expect(await stage.report.start(id, BOOT)).toBe('run');
    await stage.advancedUntil(isIn('running'));
    expect(stage.job().state).toBe('running');
    stage.clock.advance(600_000);
    expect(await stage.report.heartbeat(id, BOOT)).toBe('go');
    await stage.report.exit(id, { bootId: BOOT, code: 0, reason: 'exited' });
    const attempt = await stage.released();
    expect(attempt).toMatchObject({ phase: 'released', outcome: 'succeeded', dueAtMs: null });
    expect(stage.running()).toBe(0);
    expect(stage.events()).toEqual([
      'job.placed',
      'attempt.acquire',
      'attempt.lease-granted',
      'workload.started',
      'attempt.workload-started',
      'workload.exited',
      'attempt.workload-exited',
      'attempt.lease-gone',
    ]);
    await stage.place.run(stage.job().id);
    expect(stage.job()).toMatchObject({ state: 'succeeded', outcome: 'completed', dueAtMs: null });
    expect(stage.tables.settled.get(stage.job().id)).toBe(attemptCost(attempt, 0));
    expect(stage.cloud.charges().map(({ chargedMicroUsd }) => chargedMicroUsd)).toEqual([
      attemptCost(attempt, 0),
    ]);
  });

  it('rings for its next step, for its bookings, and at its end for whoever learns from it', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(isIn('starting'));
    const { dueAtMs, revision } = stage.attempt();
    expect(stage.doorbell.rung('advance').at(-1)).toEqual({
      queue: 'advance',
      id,
      providerId: 'memory',
      atMs: dueAtMs,
      tag: `r${revision}`,
    });
    expect(stage.doorbell.rung('book-costs')).toHaveLength(1);
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    await stage.released();
    for (const queue of ['place', 'learn'] as const)
      expect(stage.doorbell.rung(queue).at(-1)?.atMs).toBe(stage.attempt().phaseSinceMs);
    expect(stage.doorbell.rung('book-costs')).toHaveLength(2);
  });

  it('that is not due, not known or over is left alone', async () => {
    const calls: string[] = [];
    const stage = new Stage({ adapter: (cloud) => counting(cloud, calls) });
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(isIn('starting'));
    const before = stage.attempt();
    expect(before.dueAtMs).toBeGreaterThan(stage.clock.nowMs());
    calls.length = 0;
    expect(await stage.advance.run(id)).toBeNull();
    expect(stage.attempt()).toEqual(before);
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    await stage.released();
    calls.length = 0;
    expect(await stage.advance.run(id)).toBeNull();
    expect(calls).toEqual([]);
  });

  it('gets one lease although the reply to its acquire was lost', async () => {
    for (const idempotency of ['client-token', 'tag-lookup'] as const) {
      const descriptor = { ...fakeDescriptor, idempotency };
      const stage = new Stage({
        cloud: (clock) => new FakeCloud(clock, { descriptor, readLagMs: 5_000 }),
      });
      await stage.submitted();
      const { id } = await stage.placed();
      stage.cloud.inject({ verb: 'acquire', as: 'unavailable', when: 'after' });
      await stage.advancedUntil(isIn('starting'));
      await stage.report.start(id, BOOT);
      await stage.advancedUntil(isIn('running'));
      expect(stage.cloud.leases()).toHaveLength(1);
      await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
      await stage.released();
      expect(stage.running()).toBe(0);
    }
  });

  it('confirms a refusal before the next offer is tried, and finds the lease that came of it after all', async () => {
    const stage = new Stage({ cloud: (clock) => new FakeCloud(clock, { readLagMs: 8_000 }) });
    await stage.submitted();
    await stage.placed();
    stage.cloud.inject({ verb: 'acquire', as: 'quota-exceeded', when: 'after' });
    await stage.advancedUntil(isIn('confirming'));
    await stage.place.run(stage.job().id);
    expect(stage.tables.attempts.size).toBe(1);
    const attempt = await stage.advancedUntil(({ phase }) => phase !== 'confirming');
    expect(attempt).toMatchObject({ phase: 'starting', errorKind: null });
    expect(stage.running()).toBe(1);
  });

  it('is refused for good only when the cloud has been quiet, and the job goes to the next offer', async () => {
    const stage = new Stage();
    await stage.submitted();
    if (firm === undefined || spot === undefined) throw new Error('two offers are needed');
    stage.cloud.core.setCapacity(firm.id, 0);
    await stage.placed();
    await stage.advancedUntil(isIn('acquiring'));
    await stage.advancedUntil(isIn('confirming'));
    const askedAtMs = stage.attempt().unseenSinceMs ?? 0;
    const refused = await stage.released();
    expect(refused).toMatchObject({ outcome: 'refused', errorKind: 'no-capacity' });
    expect(refused.phaseSinceMs - askedAtMs).toBe(
      fakeDescriptor.quietMs + fakeDescriptor.callTimeoutMs,
    );
    expect(attemptCost(refused, stage.clock.nowMs())).toBe(usd(0));
    await stage.place.run(stage.job().id);
    expect(stage.attempt()).toMatchObject({ number: 2, phase: 'planned', offer: { id: spot.id } });
    expect(await stage.stores.suspensions.inForce(stage.clock.nowMs())).toMatchObject([
      { scope: 'offer', key: firm.id, reason: 'no-capacity' },
    ]);
  });

  it('is released when it is cancelled in the middle of an acquire whose reply is lost', async () => {
    const stage = new Stage({ cloud: (clock) => new FakeCloud(clock, { readLagMs: 9_000 }) });
    await stage.submitted();
    await stage.placed();
    stage.cloud.inject({ verb: 'acquire', as: 'unavailable', when: 'after' });
    await stage.advancedUntil(({ failedCalls }) => failedCalls === 1);
    expect(stage.running()).toBe(1);
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    const attempt = await stage.released();
    expect(attempt).toMatchObject({ phase: 'released', outcome: 'cancelled' });
    expect(stage.running()).toBe(0);
    await stage.place.run(stage.job().id);
    expect(stage.job()).toMatchObject({ state: 'cancelled', outcome: 'cancelled' });
  });

  it('drops what it has learned when somebody else moved it meanwhile', async () => {
    let meanwhile = async (): Promise<void> => undefined;
    const stage = new Stage({
      adapter: (cloud) => ({
        ...counting(cloud, []),
        observe: async (ref, ctx) => {
          const seen = await cloud.observe(ref, ctx);
          await meanwhile();
          return seen;
        },
      }),
    });
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(isIn('starting'));
    stage.clock.advance((stage.attempt().dueAtMs ?? 0) - stage.clock.nowMs());
    meanwhile = async () => void (await stage.report.start(id, BOOT));
    const rings = stage.doorbell.rings.length;
    expect(await stage.advance.run(id)).toBeNull();
    expect(stage.attempt()).toMatchObject({ phase: 'starting', report: { bootId: BOOT } });
    expect(stage.doorbell.rings.slice(rings).map(({ queue }) => queue)).toEqual(['advance']);
    meanwhile = async () => undefined;
    await stage.advancedUntil(isIn('running'));
  });

  it('survives a worker that dies between the mark and the reply: it is due again, and buys nothing twice', async () => {
    let dies: 'before' | 'after' | null = null;
    const stage = new Stage({
      adapter: (cloud) => ({
        ...counting(cloud, []),
        acquire: async (request, ctx) => {
          if (dies === 'before') throw new WorkerDied();
          const granted = await cloud.acquire(request, ctx);
          if (dies === 'after') throw new WorkerDied();
          return granted;
        },
      }),
    });
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(isIn('acquiring'));
    for (const moment of ['before', 'after'] as const) {
      dies = moment;
      await expect(stage.advance.run(id)).rejects.toThrow(WorkerDied);
      const { unseenSinceMs, dueAtMs } = stage.attempt();
      expect(unseenSinceMs).toBe(stage.clock.nowMs());
      expect(dueAtMs).toBe(stage.clock.nowMs() + fakeDescriptor.callTimeoutMs);
      expect(await stage.advance.run(id)).toBeNull();
      stage.clock.advance(fakeDescriptor.callTimeoutMs);
    }
    dies = null;
    await stage.advancedUntil(isIn('starting'));
    expect(stage.cloud.leases()).toHaveLength(1);
  });

  it('is not taken for gone while reads lag, although its workload has spoken and ended', async () => {
    const descriptor = { ...fakeDescriptor, idempotency: 'tag-lookup' } as const;
    const stage = new Stage({
      cloud: (clock) => new FakeCloud(clock, { descriptor, startDelayMs: 0, readLagMs: 9_000 }),
    });
    await stage.submitted();
    const { id } = await stage.placed();
    stage.cloud.inject({ verb: 'acquire', as: 'unavailable', when: 'after' });
    await stage.advancedUntil(({ failedCalls }) => failedCalls === 1);
    expect(stage.attempt().externalId).toBeNull();
    await stage.report.start(id, BOOT);
    await stage.report.exit(id, { bootId: BOOT, code: 0, reason: 'exited' });
    expect(await stage.released()).toMatchObject({ outcome: 'succeeded' });
    expect(stage.running()).toBe(0);
  });

  it('is found by the sweep of leases neither before nor after: every lease has its row', async () => {
    const stage = new Stage();
    await stage.submitted();
    await stage.placed();
    await stage.advancedUntil(isIn('starting'));
    const keys = stage.cloud.leases().map(({ leaseKey }) => leaseKey);
    expect(await stage.stores.attempts.holding(keys)).toEqual(new Set(keys));
  });

  it('goes on releasing for as long as the cloud fails to', async () => {
    const stage = new Stage();
    await stage.submitted();
    await stage.placed();
    await stage.advancedUntil(isIn('starting'));
    stage.cloud.inject({ verb: 'release', as: 'unavailable', when: 'before', times: 20 });
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    const failing = await stage.advancedUntil(({ failedCalls }) => failedCalls === 20);
    expect(failing).toMatchObject({ phase: 'releasing', outcome: 'cancelled' });
    expect(stage.running()).toBe(1);
    await stage.released();
    expect(stage.running()).toBe(0);
  });
});
