import {
  LIFETIME_EDGES_MS,
  asAttemptId,
  asProviderId,
  failureDomainOf,
  knowledgeOf,
  noLifetimes,
  totalsOf,
  type Attempt,
  type Knowledge,
  type Suspension,
} from '#libs/domain';
import { BUILT_AT_MS, aJob, anAttempt, anOffer } from '../../testkit/builders';
import type { Stores } from '../ports';
import type { StoredRun, SupplyCursor, SupplyLesson } from '../health-ports';
import { eachTest, submissionOf, type Open } from './open';

const HOUR_MS = 3_600_000;
const NOW_MS = BUILT_AT_MS;
const acme = asProviderId('acme');

const lesson: Knowledge = knowledgeOf(
  { leaseMs: HOUR_MS, interruptions: 1, starts: 1, startMsTotal: 40_000, startFailures: 0 },
  NOW_MS,
);

/** A released attempt of a job of its own. */
async function released(
  { jobs, attempts }: Stores,
  id: string,
  wanted: Partial<Omit<Attempt, 'id' | 'jobId'>> = {},
): Promise<Attempt> {
  const job = aJob({ id: `job-of-${id}` });
  await jobs.submit(submissionOf(job));
  const attempt = anAttempt({
    phase: 'released',
    outcome: 'succeeded',
    dueAtMs: null,
    ...wanted,
    id,
    jobId: job.id,
  });
  await attempts.plan(job, attempt, []);
  return attempt;
}

export function describeHealth(open: Open<Stores>): void {
  const stores = eachTest(open);

  describe('health', () => {
    const learn = (id: string, stage: 'lease' | 'all', keys: readonly string[]) =>
      stores().health.learn(
        [{ attemptId: asAttemptId(id), stage, lessons: keys.map((key) => ({ key, lesson })) }],
        [],
        NOW_MS,
      );
    const losses = async () =>
      Object.fromEntries(
        Object.entries(await stores().health.snapshot()).map(([key, { leases }]) => [
          key,
          totalsOf(leases).events,
        ]),
      );

    it('is nothing at first, and the same object until something is added', async () => {
      expect(await stores().health.snapshot()).toEqual({});
      await stores().health.learn([], [{ key: 'acme', lesson }], NOW_MS);
      const known = await stores().health.snapshot();
      expect(known).toEqual({ acme: lesson });
      expect(await stores().health.snapshot()).toBe(known);
    });

    it('adds lessons up by level, each attempt once, whoever comes twice', async () => {
      await released(stores(), 'att-1');
      await released(stores(), 'att-2');
      const ids = ['att-1', 'att-2', 'att-1', 'att-2'];
      const counts = await Promise.all(ids.map((id) => learn(id, 'all', ['acme', 'acme/spot'])));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
      expect(await losses()).toEqual({ acme: 2, 'acme/spot': 2 });
    });

    it('learns an attempt in two stages, never back', async () => {
      await released(stores(), 'att-1');
      expect(await learn('att-1', 'lease', ['acme'])).toBe(1);
      expect(await learn('att-1', 'lease', ['acme'])).toBe(0);
      expect((await stores().health.toLearn(asAttemptId('att-1')))?.stage).toBe('lease');
      expect(await learn('att-1', 'all', ['domain:acme/north'])).toBe(1);
      expect(await learn('att-1', 'all', ['acme'])).toBe(0);
      expect(await stores().health.toLearn(asAttemptId('att-1'))).toBeNull();
      expect(await losses()).toEqual({ acme: 1, 'domain:acme/north': 1 });
    });

    it('tells what is left to learn, oldest first, so that a lost wake-up costs nothing', async () => {
      await released(stores(), 'att-2', { phaseSinceMs: NOW_MS + 2 });
      await released(stores(), 'att-1', { phaseSinceMs: NOW_MS + 1 });
      await released(stores(), 'att-3', { phaseSinceMs: NOW_MS + 3 });
      await released(stores(), 'att-4', { phase: 'running', outcome: null });
      await learn('att-3', 'lease', []);
      const left = async (settledBeforeMs: number, limit = 9) =>
        (await stores().health.unlearned(settledBeforeMs, limit)).map(
          ({ attempt, stage }) => `${attempt.id} ${stage}`,
        );
      expect(await left(NOW_MS + 3)).toEqual(['att-1 nothing', 'att-2 nothing']);
      expect(await left(NOW_MS + 4)).toEqual(['att-1 nothing', 'att-2 nothing', 'att-3 lease']);
      expect(await left(NOW_MS + 4, 1)).toEqual(['att-1 nothing']);
      await learn('att-1', 'all', []);
      expect(await left(NOW_MS + 3)).toEqual(['att-2 nothing']);
    });

    it('finds the leases beside another in its failure domain, as far as they were there', async () => {
      const here = anOffer({ providerId: 'reseller', hostedBy: 'acme' });
      const times = (from: number, to: number | null) => ({ billedFromMs: from, billedToMs: to });
      await released(stores(), 'att-1', { ...times(10, 50) });
      await released(stores(), 'att-2', { ...times(20, null), offer: here, phase: 'running' });
      await released(stores(), 'att-3', { ...times(60, null) });
      await released(stores(), 'att-4', { ...times(10, 30) });
      await released(stores(), 'att-5', { ...times(10, 50), offer: anOffer({ region: 'south' }) });
      const found = await stores().health.companions(failureDomainOf(here), 40, 55);
      expect(found.map(({ id }) => id)).toEqual(['att-2', 'att-1']);
    });

    it('takes tallies of calls once', async () => {
      const tally = { providerId: acme, calls: 10, unanswered: 2, atMs: NOW_MS };
      await stores().health.tally([tally, { ...tally, calls: 5 }]);
      await stores().health.tally([]);
      const taken: number[] = [];
      const take = () =>
        stores().health.takeTallies(10, NOW_MS, (tallies) => {
          taken.push(...tallies.map(({ calls }) => calls));
          return tallies.map(({ providerId }) => ({ key: providerId, lesson }));
        });
      expect(await take()).toBe(2);
      expect(await take()).toBe(0);
      expect(taken.sort((a, b) => a - b)).toEqual([5, 10]);
      expect(await losses()).toEqual({ acme: 2 });
    });

    it('forgets what is too old to weigh', async () => {
      const old = { ...lesson, asOfMs: NOW_MS - 1_000 };
      const both = [
        { key: 'old', lesson: old },
        { key: 'new', lesson },
      ];
      await stores().health.learn([], both, NOW_MS);
      expect(await stores().health.prune(NOW_MS, NOW_MS, 100, NOW_MS)).toBe(1);
      expect(await losses()).toEqual({ new: 1 });
    });
  });

  describe('supply', () => {
    const runOf = (offer: string, available: boolean, sinceMs: number): StoredRun => ({
      offerId: anOffer({ instanceType: offer }).id,
      providerId: acme,
      key: 'acme/on-demand/north/cpu',
      available,
      sinceMs,
      aged: true,
    });
    const key = runOf('a', true, 0).key;
    const at = (bookVersion: number, atMs = NOW_MS): SupplyCursor => ({ bookVersion, atMs });
    const step = (
      from: SupplyCursor | null,
      to: SupplyCursor,
      wanted: Partial<SupplyLesson> = {},
    ): SupplyLesson => ({
      from,
      to,
      runs: [],
      ended: {},
      forgetAwayBeforeMs: 0,
      halfLifeMs: Infinity,
      ...wanted,
    });

    it('tells each change of availability, and no other change', async () => {
      const [a, b] = [anOffer({ instanceType: 'a' }), anOffer({ instanceType: 'b' })];
      const { offers, supply } = stores();
      await offers.replace(acme, [a, b], 10);
      await offers.replace(acme, [{ ...a, cpus: 99 }, b], 20);
      await offers.replace(acme, [{ ...a, available: false }, b], 30);
      await offers.replace(acme, [{ ...a, available: false }], 40);
      const told = (await supply.changes(0, 4)).map(
        ({ offerId, available, atMs }) => `${offerId === a.id ? 'a' : 'b'} ${available} ${atMs}`,
      );
      expect(told).toEqual(['a true 10', 'b true 10', 'a false 30', 'b false 40']);
      expect((await supply.changes(0, 4))[0]).toMatchObject({ providerId: acme, key });
      expect(await supply.changes(1, 2)).toEqual([]);
      expect(await supply.changes(3, 4)).toHaveLength(1);
    });

    it('is written by who has seen the book last, and by nobody twice', async () => {
      const { supply } = stores();
      expect(await supply.cursor()).toBeNull();
      const first = [1, 2, 3].map(() => supply.record(step(null, at(1))));
      expect((await Promise.all(first)).filter((done) => done)).toHaveLength(1);
      expect(await supply.record(step(null, at(2)))).toBe(false);
      expect(await supply.record(step(at(1), at(2)))).toBe(true);
      expect(await supply.record(step(at(1), at(3)))).toBe(false);
      expect(await supply.cursor()).toEqual(at(2));
    });

    it('adds up runs that ended, faded, and runs that go on, as far as they have come', async () => {
      const { supply } = stores();
      const up = { ...noLifetimes(), unagedExposureMs: HOUR_MS, unagedEvents: 2 };
      const ended = { [key]: { up, down: noLifetimes() } };
      const runs = [runOf('a', true, NOW_MS - 70_000), runOf('b', false, NOW_MS - 10_000)];
      await supply.record(step(null, at(1), { ended, runs, halfLifeMs: HOUR_MS }));
      const later = await supply.times(NOW_MS + HOUR_MS, HOUR_MS);
      expect(Object.keys(later)).toEqual([key]);
      expect(later[key]?.up.unagedEvents).toBeCloseTo(1, 9);
      expect(totalsOf(later[key]?.up ?? noLifetimes()).exposureMs).toBeCloseTo(
        HOUR_MS / 2 + HOUR_MS + 70_000,
        3,
      );
      expect(totalsOf(later[key]?.down ?? noLifetimes()).exposureMs).toBe(HOUR_MS + 10_000);
      const now = await supply.times(NOW_MS, HOUR_MS);
      expect(now[key]?.down.exposureMs[0]).toBe(10_000);
      expect(now[key]?.up.exposureMs[2]).toBe((LIFETIME_EDGES_MS[3] ?? 0) - 30_000);
    });

    it('keeps one run of each offer', async () => {
      const { supply } = stores();
      const [a, b] = [runOf('a', true, 5), runOf('b', true, 5)];
      await supply.record(step(null, at(1), { runs: [a, b] }));
      const next = { ...a, available: false, sinceMs: 9, aged: false };
      await supply.record(step(at(1), at(2), { runs: [next] }));
      expect(await supply.runs([b.offerId, a.offerId])).toEqual([next, b]);
      expect(await supply.runs([])).toEqual([]);
    });

    it('stops to watch what has been away for long, and keeps what it saw', async () => {
      const { supply } = stores();
      const [away, here] = [
        runOf('a', false, NOW_MS - HOUR_MS),
        runOf('b', true, NOW_MS - HOUR_MS),
      ];
      await supply.record(step(null, at(1), { runs: [away, here] }));
      const forget = { forgetAwayBeforeMs: NOW_MS - 1 };
      await supply.record(step(at(1), at(2), forget));
      expect(await supply.runs([away.offerId, here.offerId])).toEqual([here]);
      const later = await supply.times(NOW_MS + HOUR_MS, Infinity);
      expect(totalsOf(later[key]?.down ?? noLifetimes())).toEqual({
        exposureMs: HOUR_MS,
        events: 0,
      });
    });
  });

  describe('suspensions that are lifted', () => {
    const one: Suspension = {
      scope: 'provider',
      key: 'acme',
      jobId: null,
      fromMs: 10,
      untilMs: 100,
      reason: 'circuit-open',
    };
    const lift = {
      scope: 'provider' as const,
      key: 'acme',
      ofReason: null,
      atMs: 50,
      by: 'key-1',
      because: 'it is well again',
    };
    const reasonsAt = async (nowMs: number) =>
      (await stores().suspensions.inForce(nowMs)).map(({ reason }) => reason);

    it('end then, and were there until then', async () => {
      await stores().suspensions.add([one, { ...one, scope: 'host', key: 'acme/h1' }]);
      expect(await stores().suspensions.lift(lift)).toBe(1);
      expect(await stores().suspensions.lift(lift)).toBe(0);
      expect(await reasonsAt(49)).toHaveLength(2);
      expect((await stores().suspensions.inForce(50)).map(({ scope }) => scope)).toEqual(['host']);
    });

    it('are those for a reason where one is named, and none that came later', async () => {
      await stores().suspensions.add([one, { ...one, reason: 'credentials-rejected' }]);
      expect(await stores().suspensions.lift({ ...lift, ofReason: 'circuit-open' })).toBe(1);
      expect(await reasonsAt(60)).toEqual(['credentials-rejected']);
      await stores().suspensions.add([{ ...one, fromMs: 55 }]);
      expect(await reasonsAt(60)).toEqual(['credentials-rejected', 'circuit-open']);
    });

    it('are listed with who began and when they ended, newest first', async () => {
      await stores().suspensions.add([one]);
      await stores().suspensions.add([{ ...one, reason: 'maintenance', untilMs: 90 }], 'key-2');
      await stores().suspensions.lift({ ...lift, ofReason: 'circuit-open' });
      const all = await stores().suspensions.list(0, 10);
      expect(all).toMatchObject([
        { reason: 'maintenance', by: 'key-2', liftedAtMs: null },
        { reason: 'circuit-open', by: null, liftedAtMs: 50 },
      ]);
      expect(new Set(all.map(({ id }) => id)).size).toBe(2);
      expect(await stores().suspensions.list(95, 10)).toHaveLength(1);
      expect(await stores().suspensions.list(0, 1)).toHaveLength(1);
    });
  });
}
