import { asAttemptId, asDecisionId, asJobId, asOfferId, usd } from '#libs/domain';
import { BUILT_AT_MS, aJob, aSpec, anAttempt, anOffer } from '../../testkit/builders';
import { StaleRevision, type JobFilter, type Stores } from '../ports';
import { countFulfilled, eachTest, eventOf, submissionOf, submitted, type Open } from './open';

const everything: JobFilter = { project: null, states: [], workload: null, label: null };

export function describeJobs(open: Open<Stores>): void {
  const stores = eachTest(open);

  describe('submitting', () => {
    it('gives back what was stored, to the last field', async () => {
      const job = aJob({
        id: 'job-1',
        spec: aSpec({ labels: { team: 'vision' }, env: { GREETING: 'żółć 🙂 "quoted"' } }),
        lineKey: -7,
        baseline: {
          offerId: asOfferId('aws/eu/m7/on-demand'),
          pricePerHour: usd(3.5),
          billing: { incrementMs: 1_000, minimumMs: 60_000 },
        },
      });
      const result = await stores().jobs.submit(submissionOf(job));
      expect(result).toEqual({ kind: 'created', job });
      expect(await stores().jobs.get(job.id)).toEqual(job);
    });

    it('keeps what the last reconsideration said', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const outlook = {
        do: 'wait',
        to: null,
        because: 'no-capacity',
        latenessBps: 12,
        noReturnAtMs: 77,
        waitingFor: { what: 'capacity', offers: [asOfferId('o1')] },
        atMs: 5,
        nextLookAtMs: 60,
      } as const;
      const saved = await stores().jobs.update({ ...job, outlook }, { events: [] });
      expect(saved.outlook).toEqual(outlook);
      expect(await stores().jobs.get(job.id)).toEqual(saved);
    });

    it('knows no job that was not submitted', async () => {
      expect(await stores().jobs.get(asJobId('job-none'))).toBeNull();
    });

    it('answers a repeated key with the first job as it is now', async () => {
      const idempotency = { scope: 'key-1', key: 'abc', bodyDigest: 'd1' };
      const first = aJob({ id: 'job-1' });
      await stores().jobs.submit(submissionOf(first, { idempotency }));
      const moved = await stores().jobs.update({ ...first, state: 'starting' }, { events: [] });
      const again = await stores().jobs.submit(
        submissionOf(aJob({ id: 'job-2' }), { idempotency }),
      );
      expect(again).toEqual({ kind: 'repeated', job: moved });
      expect(await stores().jobs.get(asJobId('job-2'))).toBeNull();
    });

    it('refuses a key that comes with another body, but not in another scope', async () => {
      const idempotency = { scope: 'key-1', key: 'abc', bodyDigest: 'd1' };
      await stores().jobs.submit(submissionOf(aJob({ id: 'job-1' }), { idempotency }));
      const other = submissionOf(aJob({ id: 'job-2' }), {
        idempotency: { ...idempotency, bodyDigest: 'd2' },
        events: [eventOf('job-2', 'job.submitted')],
      });
      expect(await stores().jobs.submit(other)).toEqual({ kind: 'key-reused' });
      expect(await stores().jobs.get(asJobId('job-2'))).toBeNull();
      expect(await stores().events.after(0, null, 10)).toEqual([]);
      const elsewhere = submissionOf(aJob({ id: 'job-3' }), {
        idempotency: { scope: 'key-2', key: 'abc', bodyDigest: 'd2' },
      });
      expect((await stores().jobs.submit(elsewhere)).kind).toBe('created');
    });

    it('creates one job of many simultaneous submissions with one key', async () => {
      const idempotency = { scope: 'key-1', key: 'abc', bodyDigest: 'd1' };
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          stores().jobs.submit(submissionOf(aJob({ id: `job-${index}` }), { idempotency })),
        ),
      );
      const created = results.filter(({ kind }) => kind === 'created');
      expect(created).toHaveLength(1);
      expect(results.filter(({ kind }) => kind === 'repeated')).toHaveLength(7);
      expect((await stores().jobs.list(everything, null, 10)).items).toHaveLength(1);
    });
  });

  describe('updating', () => {
    it('writes where the revision matches and refuses who lost the race', async () => {
      const loaded = await submitted(stores(), { id: 'job-1' });
      const next = { ...loaded, state: 'recovering' as const, dueAtMs: null };
      const saved = await stores().jobs.update(next, { events: [eventOf('job-1', 'first')] });
      expect(saved).toEqual({ ...next, revision: loaded.revision + 1 });
      expect(await stores().jobs.get(loaded.id)).toEqual(saved);
      const late = stores().jobs.update(next, { events: [eventOf('job-1', 'second')] });
      await expect(late).rejects.toThrow(StaleRevision);
      const events = await stores().events.after(0, null, 10);
      expect(events.map(({ type }) => type)).toEqual(['first']);
    });

    it('lets one of many writers of the same revision through', async () => {
      const loaded = await submitted(stores(), { id: 'job-1' });
      const writes = Array.from({ length: 6 }, (_, index) =>
        stores().jobs.update({ ...loaded, dueAtMs: index }, { events: [] }),
      );
      expect(await countFulfilled(writes)).toBe(1);
    });

    it('refuses to update what does not exist', async () => {
      const update = stores().jobs.update(aJob({ id: 'job-none' }), { events: [] });
      await expect(update).rejects.toThrow(StaleRevision);
    });
  });

  describe('listing', () => {
    it('pages through jobs newest first, each once, whatever comes in meanwhile', async () => {
      for (const id of [1, 2, 3, 4, 5])
        await submitted(stores(), {
          id: `job-${id}`,
          submittedAtMs: BUILT_AT_MS + Math.ceil(id / 2),
        });
      const first = await stores().jobs.list(everything, null, 2);
      await submitted(stores(), { id: 'job-6', submittedAtMs: BUILT_AT_MS + 9 });
      const second = await stores().jobs.list(everything, first.next, 2);
      const third = await stores().jobs.list(everything, second.next, 2);
      const ids = [first, second, third].map(({ items }) => items.map(({ id }) => id));
      expect(ids).toEqual([['job-5', 'job-4'], ['job-3', 'job-2'], ['job-1']]);
      expect(third.next).toBeNull();
    });

    it('ends a page that is exactly full', async () => {
      await submitted(stores(), { id: 'job-1' });
      expect((await stores().jobs.list(everything, null, 1)).next).toBeNull();
    });

    it('filters by project, state, workload and label, and by all of them', async () => {
      const spec = aSpec({
        project: 'red',
        workload: 'training',
        labels: { team: 'a', tier: '1' },
      });
      await submitted(stores(), { id: 'job-match', spec });
      await submitted(stores(), { id: 'job-project', spec: { ...spec, project: 'blue' } });
      await submitted(stores(), { id: 'job-workload', spec: { ...spec, workload: 'rendering' } });
      await submitted(stores(), { id: 'job-label', spec: { ...spec, labels: { team: 'b' } } });
      await submitted(stores(), { id: 'job-state', spec, state: 'running' });
      const cases: readonly [Partial<JobFilter>, readonly string[]][] = [
        [{ project: 'blue' }, ['job-project']],
        [{ workload: 'rendering' }, ['job-workload']],
        [{ label: { name: 'team', value: 'b' } }, ['job-label']],
        [{ states: ['running', 'failed'] }, ['job-state']],
        [
          {
            project: 'red',
            workload: 'training',
            label: { name: 'tier', value: '1' },
            states: ['queued'],
          },
          ['job-match'],
        ],
        [{ project: 'green' }, []],
      ];
      for (const [filter, expected] of cases) {
        const { items } = await stores().jobs.list({ ...everything, ...filter }, null, 10);
        expect(items.map(({ id }) => id)).toEqual(expected);
      }
    });
  });

  describe('waiting in line', () => {
    const offers = [asOfferId('acme/a'), asOfferId('acme/b'), asOfferId('acme/c')] as const;
    const [a, b, c] = offers;

    it('speaks for offers that somebody ahead waits for, by line key and then by id', async () => {
      const early = await submitted(stores(), { id: 'job-2', lineKey: 10 });
      const twin = await submitted(stores(), { id: 'job-3', lineKey: 20 });
      await stores().jobs.update(early, { events: [], awaited: [a] });
      await stores().jobs.update(twin, { events: [], awaited: [b] });
      const spokenFor = async (id: string, lineKey: number) =>
        [...(await stores().jobs.spokenFor({ id: asJobId(id), lineKey }, offers))].sort();
      expect(await spokenFor('job-9', 30)).toEqual([a, b]);
      expect(await spokenFor('job-9', 20)).toEqual([a, b]);
      expect(await spokenFor('job-1', 20)).toEqual([a]);
      expect(await spokenFor('job-3', 20)).toEqual([a]);
      expect(await spokenFor('job-2', 10)).toEqual([]);
    });

    it('answers only about the offers asked for', async () => {
      const early = await submitted(stores(), { id: 'job-1', lineKey: 1 });
      await stores().jobs.update(early, { events: [], awaited: [a, b] });
      const asked = await stores().jobs.spokenFor({ id: asJobId('job-2'), lineKey: 2 }, [b, c]);
      expect([...asked]).toEqual([b]);
    });

    it('replaces the places, keeps them when nothing is said, and clears them with an empty list', async () => {
      const later = { id: asJobId('job-2'), lineKey: 2 };
      const spoken = async () => [...(await stores().jobs.spokenFor(later, offers))].sort();
      let job = await submitted(stores(), { id: 'job-1', lineKey: 1 });
      job = await stores().jobs.update(job, { events: [], awaited: [a, b, b] });
      expect(await spoken()).toEqual([a, b]);
      job = await stores().jobs.update(job, { events: [], awaited: [b, c] });
      expect(await spoken()).toEqual([b, c]);
      job = await stores().jobs.update(job, { events: [] });
      expect(await spoken()).toEqual([b, c]);
      const stale = stores().jobs.update({ ...job, revision: 0 }, { events: [], awaited: [] });
      await expect(stale).rejects.toThrow(StaleRevision);
      expect(await spoken()).toEqual([b, c]);
      await stores().jobs.update(job, { events: [], awaited: [] });
      expect(await spoken()).toEqual([]);
    });
  });

  describe('when somebody leaves the line', () => {
    it('wakes the first that is left for each offer, and nobody else', async () => {
      const offers = [asOfferId('o1'), asOfferId('o2')];
      for (const [id, lineKey, awaited] of [
        ['job-1', 10, ['o1', 'o2']],
        ['job-2', 20, ['o1']],
        ['job-3', 30, ['o2']],
      ] as const) {
        const job = await submitted(stores(), { id, lineKey, dueAtMs: BUILT_AT_MS + 999 });
        await stores().jobs.update(job, { events: [], awaited: awaited.map(asOfferId) });
      }
      expect(await stores().jobs.wakeHeads(offers, BUILT_AT_MS)).toEqual(['job-1']);
      expect((await stores().jobs.get(asJobId('job-1')))?.dueAtMs).toBe(BUILT_AT_MS);
      expect((await stores().jobs.get(asJobId('job-2')))?.dueAtMs).toBe(BUILT_AT_MS + 999);
      const first = await stores().jobs.get(asJobId('job-1'));
      if (first === null) throw new Error('job-1 was not stored');
      await stores().jobs.update(first, { events: [], awaited: [] });
      const woken = await stores().jobs.wakeHeads(offers, BUILT_AT_MS);
      expect([...woken].sort()).toEqual(['job-2', 'job-3']);
      expect(await stores().jobs.wakeHeads([], BUILT_AT_MS)).toEqual([]);
    });
  });

  describe('cancelling', () => {
    it('knows no job that was not submitted', async () => {
      expect(await stores().jobs.requestCancel(asJobId('job-none'), 1, [])).toBeNull();
    });

    it('wakes a job that has no attempt and keeps the first time when repeated', async () => {
      const job = await submitted(stores(), { id: 'job-1', dueAtMs: BUILT_AT_MS + 999 });
      const asked = eventOf('job-1', 'job.cancel-requested');
      const first = await stores().jobs.requestCancel(job.id, BUILT_AT_MS + 5, [asked]);
      expect(first?.attempts).toEqual([]);
      expect(first?.job).toMatchObject({
        cancelRequestedAtMs: BUILT_AT_MS + 5,
        dueAtMs: BUILT_AT_MS + 5,
      });
      const second = await stores().jobs.requestCancel(job.id, BUILT_AT_MS + 8, [asked]);
      expect(await stores().events.after(0, job.id, 10)).toHaveLength(1);
      expect(second?.job.cancelRequestedAtMs).toBe(BUILT_AT_MS + 5);
      await expect(stores().jobs.update(job, { events: [] })).rejects.toThrow(StaleRevision);
    });

    it('gives up the unreleased attempt at once, so that a step under way notices', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const attempt = anAttempt({ id: 'att-1', jobId: 'job-1', dueAtMs: BUILT_AT_MS + 999 });
      await stores().attempts.plan(job, attempt, []);
      const result = await stores().jobs.requestCancel(job.id, BUILT_AT_MS + 5, []);
      expect(result?.attempts).toEqual(['att-1']);
      expect(await stores().attempts.get(attempt.id)).toMatchObject({
        abandonAs: 'cancelled',
        dueAtMs: BUILT_AT_MS + 5,
      });
      const step = stores().attempts.update(attempt, {
        events: [],
        suspensions: [],
        jobState: 'starting',
        wakeJob: false,
        nowMs: BUILT_AT_MS + 6,
      });
      await expect(step).rejects.toThrow(StaleRevision);
    });

    it('never misses an attempt that is being planned', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const [plan] = await Promise.allSettled([
        stores().attempts.plan(job, anAttempt({ id: 'att-1', jobId: 'job-1' }), []),
        stores().jobs.requestCancel(job.id, BUILT_AT_MS, []),
      ]);
      const attempt = await stores().attempts.get(asAttemptId('att-1'));
      expect(attempt?.abandonAs ?? null).toBe(plan.status === 'fulfilled' ? 'cancelled' : null);
      expect((await stores().jobs.get(job.id))?.cancelRequestedAtMs).toBe(BUILT_AT_MS);
    });

    it('changes nothing of a job that has ended', async () => {
      const job = await submitted(stores(), {
        id: 'job-1',
        state: 'succeeded',
        outcome: 'completed',
        endedAtMs: BUILT_AT_MS,
        dueAtMs: null,
      });
      expect(await stores().jobs.requestCancel(job.id, 5, [])).toEqual({ job, attempts: [] });
    });
  });

  describe('what is due', () => {
    it('lists overdue jobs, most overdue first, up to the limit', async () => {
      for (const [id, dueAtMs] of [
        ['job-a', 30],
        ['job-b', 10],
        ['job-c', 20],
        ['job-later', 41],
        ['job-never', null],
      ] as const)
        await submitted(stores(), { id, dueAtMs });
      expect(await stores().jobs.overdue(40, 10)).toEqual(['job-b', 'job-c', 'job-a']);
      expect(await stores().jobs.overdue(40, 2)).toEqual(['job-b', 'job-c']);
      expect(await stores().jobs.overdue(9, 10)).toEqual([]);
    });

    it('brings unplaced jobs forward in line order, up to the limit', async () => {
      const waiting = { dueAtMs: 900, decisionId: asDecisionId('dec-1') };
      const last = await submitted(stores(), { id: 'job-a', lineKey: 3, ...waiting });
      await submitted(stores(), { id: 'job-b', lineKey: 1, ...waiting });
      await submitted(stores(), { id: 'job-c', lineKey: 2, state: 'recovering', ...waiting });
      const placed = await submitted(stores(), { id: 'job-placed', lineKey: 0, ...waiting });
      const attempt = anAttempt({ id: 'att-1', jobId: 'job-placed', offer: anOffer() });
      // Due for a look while it runs, which is nobody else's to bring forward.
      await stores().attempts.plan({ ...placed, state: 'starting', dueAtMs: 800 }, attempt, []);
      await submitted(stores(), {
        id: 'job-ended',
        lineKey: 0,
        state: 'failed',
        outcome: 'queue-timeout',
        dueAtMs: null,
      });
      expect(await stores().jobs.wakeWaiting(null, 100, 2)).toEqual(['job-b', 'job-c']);
      expect((await stores().jobs.get(asJobId('job-b')))?.dueAtMs).toBe(100);
      expect((await stores().jobs.get(asJobId('job-placed')))?.dueAtMs).toBe(800);
      expect((await stores().jobs.get(last.id))?.dueAtMs).toBe(900);
    });

    it('brings forward those in line for certain offers alone', async () => {
      const waiting = { dueAtMs: 900, decisionId: asDecisionId('dec-1') };
      for (const [id, offers] of [
        ['job-a', ['o1', 'o2']],
        ['job-b', ['o2']],
        ['job-c', []],
      ] as const) {
        const job = await submitted(stores(), { id, ...waiting });
        await stores().jobs.update(job, { events: [], awaited: offers.map(asOfferId) });
      }
      expect(await stores().jobs.awaited(asJobId('job-a'))).toEqual(['o1', 'o2']);
      expect(await stores().jobs.awaited(asJobId('job-c'))).toEqual([]);
      const woken = await stores().jobs.wakeWaiting(['o1', 'o9'].map(asOfferId), 100, 10);
      expect(woken).toEqual(['job-a']);
      const dueAtMs = async (id: string) => (await stores().jobs.get(asJobId(id)))?.dueAtMs;
      expect([await dueAtMs('job-a'), await dueAtMs('job-b')]).toEqual([100, 900]);
      expect(await stores().jobs.wakeWaiting([], 100, 10)).toEqual([]);
    });

    it('makes a step stale that thought with the old book', async () => {
      const job = await submitted(stores(), {
        id: 'job-1',
        dueAtMs: 900,
        decisionId: asDecisionId('dec-1'),
      });
      await stores().jobs.wakeWaiting(null, 100, 10);
      const step = stores().jobs.update({ ...job, dueAtMs: 5_000 }, { events: [] });
      await expect(step).rejects.toThrow(StaleRevision);
    });
  });
}
