import {
  NO_REPORT,
  asAttemptId,
  asJobId,
  asOfferId,
  usd,
  type Attempt,
  type Job,
  type Suspension,
  type WorkloadReport,
} from '#libs/domain';
import { BUILT_AT_MS, anAttempt, anOffer } from '../../testkit/builders';
import { StaleRevision, type ReportChange, type Stores } from '../ports';
import { countFulfilled, eachTest, eventOf, submitted, type Open } from './open';

const NOW = BUILT_AT_MS + 1_000;
const quiet = {
  events: [],
  suspensions: [],
  jobState: 'starting',
  wakeJob: false,
  nowMs: NOW,
} as const;

function reported(report: Partial<WorkloadReport>): (attempt: Attempt) => ReportChange {
  return (attempt) => ({
    report: { ...attempt.report, ...report },
    abandonAs: null,
    events: [],
  });
}

export function describeAttempts(open: Open<Stores>): void {
  const stores = eachTest(open);

  /** A job with one attempt, both as stored. */
  async function placed(
    wanted: Partial<Omit<Attempt, 'id' | 'jobId'>> = {},
    name = '1',
  ): Promise<{ readonly job: Job; readonly attempt: Attempt }> {
    const job = await submitted(stores(), { id: `job-${name}` });
    const attempt = anAttempt({ id: `att-${name}`, jobId: job.id, ...wanted });
    await stores().attempts.plan({ ...job, state: 'starting', dueAtMs: null }, attempt, []);
    return { job: { ...job, revision: job.revision + 1 }, attempt };
  }

  describe('planning', () => {
    it('gives back what was stored, to the last field', async () => {
      const { attempt } = await placed({
        offer: anOffer({
          gpu: { model: 'H100', count: 8, memoryGib: 80, interconnect: 'nvlink' },
          certifications: ['soc2'],
          features: ['rendering'],
          egressPerGb: usd(0.09),
        }),
        errorKind: 'no-capacity',
        errorText: 'none left',
        externalId: 'i-0001',
        unseenSinceMs: 5,
        failedCalls: 2,
        billedFromMs: 6,
        billedToMs: 7,
        observedPricePerHour: usd(2),
        noticeAtMs: 8,
        maxLeaseMeans: 'out-of-budget',
      });
      expect(await stores().attempts.get(attempt.id)).toEqual(attempt);
      expect(await stores().attempts.ofJob(attempt.jobId)).toEqual([attempt]);
      expect(await stores().attempts.get(asAttemptId('att-none'))).toBeNull();
    });

    it('writes the job, leaves the line and tells, all together', async () => {
      const offer = asOfferId('acme/a');
      let job = await submitted(stores(), { id: 'job-1', lineKey: 1 });
      job = await stores().jobs.update(job, { events: [], awaited: [offer] });
      const next = { ...job, state: 'starting' as const, dueAtMs: null };
      const attempt = anAttempt({ id: 'att-1', jobId: 'job-1' });
      await stores().attempts.plan(next, attempt, [eventOf('job-1', 'job.placed')]);
      expect(await stores().jobs.get(job.id)).toEqual({ ...next, revision: job.revision + 1 });
      const later = { id: asJobId('job-2'), lineKey: 2 };
      expect([...(await stores().jobs.spokenFor(later, [offer]))]).toEqual([]);
      expect(await stores().events.after(0, job.id, 10)).toMatchObject([{ type: 'job.placed' }]);
    });

    it('refuses a stale job and stores nothing of it', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      await stores().jobs.update(job, { events: [] });
      const attempt = anAttempt({ id: 'att-1', jobId: 'job-1' });
      const late = stores().attempts.plan(job, attempt, [eventOf('job-1', 'job.placed')]);
      await expect(late).rejects.toThrow(StaleRevision);
      expect(await stores().attempts.get(attempt.id)).toBeNull();
      expect(await stores().events.after(0, null, 10)).toEqual([]);
    });

    it('refuses a second unreleased attempt, and allows the next once the first is released', async () => {
      const { job, attempt } = await placed();
      const second = anAttempt({ id: 'att-2', jobId: 'job-1', number: 2 });
      await expect(stores().attempts.plan(job, second, [])).rejects.toThrow(StaleRevision);
      expect((await stores().jobs.get(job.id))?.revision).toBe(job.revision);
      await stores().attempts.update({ ...attempt, phase: 'released', dueAtMs: null }, quiet);
      const loaded = await stores().jobs.get(job.id);
      await stores().attempts.plan(loaded ?? job, second, []);
      const ids = (await stores().attempts.ofJob(job.id)).map(({ id }) => id);
      expect(ids).toEqual(['att-1', 'att-2']);
    });

    it('lets one of several planners through', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const plans = ['att-1', 'att-2', 'att-3'].map((id) =>
        stores().attempts.plan(job, anAttempt({ id, jobId: 'job-1' }), []),
      );
      expect(await countFulfilled(plans)).toBe(1);
      expect(await stores().attempts.ofJob(job.id)).toHaveLength(1);
    });
  });

  describe('planning side by side', () => {
    const nodes = [0, 1, 2].map((slot) =>
      anAttempt({
        id: `att-${slot}`,
        jobId: 'job-1',
        number: slot + 1,
        round: 1,
        role: 'node',
        slot,
      }),
    );

    it('plans all of a round, in their order', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      await stores().attempts.planRound({ ...job, dueAtMs: null }, nodes, []);
      expect(await stores().attempts.ofJob(job.id)).toEqual(nodes);
    });

    it('plans none of them where one slot is taken in its role, and all where only the role differs', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const [first, ...rest] = nodes;
      if (first === undefined) throw new Error('a node is needed');
      await stores().attempts.plan(job, first, []);
      const again = nodes.map((node) => ({
        ...node,
        id: asAttemptId(`${node.id}-again`),
        number: node.number + 10,
      }));
      const next = { ...job, revision: job.revision + 1 };
      const late = stores().attempts.planRound(next, again, []);
      await expect(late).rejects.toThrow(StaleRevision);
      expect(await stores().attempts.ofJob(job.id)).toEqual([first]);
      expect((await stores().jobs.get(job.id))?.revision).toBe(next.revision);
      await stores().attempts.planRound(next, rest, []);
      expect(await stores().attempts.ofJob(job.id)).toHaveLength(3);
    });

    it('leaves the state of the job to others where it is told to', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      await stores().attempts.planRound({ ...job, state: 'starting', dueAtMs: null }, nodes, []);
      const [first] = nodes;
      if (first === undefined) throw new Error('a node is needed');
      const running = { ...first, phase: 'running' as const };
      const saved = await stores().attempts.update(running, { ...quiet, jobState: null });
      expect(await stores().jobs.get(job.id)).toMatchObject({ state: 'starting', dueAtMs: null });
      await stores().attempts.update(saved, { ...quiet, jobState: null, wakeJob: true });
      expect(await stores().jobs.get(job.id)).toMatchObject({ state: 'starting', dueAtMs: NOW });
    });

    it('lets one of a round claim what the others see, when all ask at once', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const pair = (['first', 'second'] as const).map((role, index) =>
        anAttempt({ id: `att-${role}`, jobId: 'job-1', number: index + 1, round: 1, role }),
      );
      await stores().attempts.planRound(job, pair, []);
      const claim = (id: Attempt['id']) =>
        stores().attempts.report(
          id,
          (attempt, mates) =>
            mates.length === 1 && mates.every(({ report }) => report.startedAtMs === null)
              ? reported({ bootId: id, startedAtMs: NOW })(attempt)
              : null,
          NOW,
        );
      await Promise.all(pair.map(({ id }) => claim(id)));
      const started = (await stores().attempts.ofJob(job.id)).filter(
        ({ report }) => report.startedAtMs !== null,
      );
      expect(started).toHaveLength(1);
    });

    it('keeps that a lease is being left, and what was reported of checkpoints', async () => {
      const { attempt } = await placed();
      const leaving = {
        as: 'moved',
        because: 'saving',
        to: attempt.offer.id,
        sinceMs: NOW,
        stopAtMs: NOW + 5,
      } as const;
      const saved = await stores().attempts.update({ ...attempt, leaving }, quiet);
      await stores().attempts.report(attempt.id, reported({ checkpointAtMs: NOW }), NOW);
      const stored = await stores().attempts.get(attempt.id);
      expect(stored).toEqual({ ...saved, report: { ...NO_REPORT, checkpointAtMs: NOW } });
    });
  });

  describe('updating', () => {
    it('writes, tells, suspends and moves the job, all together', async () => {
      const { attempt } = await placed();
      const suspension: Suspension = {
        scope: 'offer',
        key: attempt.offer.id,
        jobId: null,
        fromMs: NOW,
        untilMs: NOW + 60_000,
        reason: 'no-capacity',
      };
      const next: Attempt = { ...attempt, phase: 'released', outcome: 'refused', dueAtMs: null };
      const saved = await stores().attempts.update(next, {
        events: [eventOf('job-1', 'attempt.lease-gone')],
        suspensions: [suspension],
        jobState: 'recovering',
        wakeJob: true,
        nowMs: NOW,
      });
      expect(saved).toEqual({ ...next, revision: attempt.revision + 1 });
      expect(await stores().attempts.get(attempt.id)).toEqual(saved);
      expect(await stores().jobs.get(attempt.jobId)).toMatchObject({
        state: 'recovering',
        dueAtMs: NOW,
      });
      expect(await stores().suspensions.inForce(NOW)).toEqual([suspension]);
      const events = await stores().events.after(0, null, 10);
      expect(events.map(({ type }) => type)).toEqual(['attempt.lease-gone']);
    });

    it('refuses who lost the race and stores nothing of it', async () => {
      const { attempt } = await placed();
      await stores().attempts.update({ ...attempt, phase: 'acquiring' }, quiet);
      const late = stores().attempts.update(
        { ...attempt, phase: 'released' },
        { ...quiet, events: [eventOf('job-1', 'late')], jobState: 'recovering', wakeJob: true },
      );
      await expect(late).rejects.toThrow(StaleRevision);
      expect((await stores().attempts.get(attempt.id))?.phase).toBe('acquiring');
      expect(await stores().events.after(0, null, 10)).toEqual([]);
      expect(await stores().jobs.get(attempt.jobId)).toMatchObject({
        state: 'starting',
        dueAtMs: null,
      });
    });

    it('leaves the job alone when there is nothing to say about it', async () => {
      const { job, attempt } = await placed();
      await stores().attempts.update({ ...attempt, phase: 'acquiring' }, quiet);
      expect((await stores().jobs.get(job.id))?.revision).toBe(job.revision);
    });

    it('makes whoever holds the job think again when it moved or woke', async () => {
      const { job, attempt } = await placed();
      const change = { ...quiet, jobState: 'running', wakeJob: true } as const;
      await stores().attempts.update({ ...attempt, phase: 'running' }, change);
      await expect(stores().jobs.update(job, { events: [] })).rejects.toThrow(StaleRevision);
    });

    it('survives text that a database may not be able to hold', async () => {
      const { attempt } = await placed();
      const errorText = 'nul \u0000 and half \ud83d of a pair';
      const events = [{ ...eventOf('job-1', 'odd'), data: { errorText } }];
      await stores().attempts.update({ ...attempt, errorText }, { ...quiet, events });
      const stored = await stores().attempts.get(attempt.id);
      expect(stored?.errorText).toContain('and half');
      expect(await stores().events.after(0, null, 10)).toHaveLength(1);
    });
  });

  describe('workload reports', () => {
    it('keeps a heartbeat that came while a step was under way', async () => {
      const { attempt } = await placed();
      const beat = await stores().attempts.report(
        attempt.id,
        reported({ heartbeatAtMs: NOW }),
        NOW,
      );
      expect(beat).toMatchObject({ revision: attempt.revision, dueAtMs: attempt.dueAtMs });
      const saved = await stores().attempts.update(
        { ...attempt, phase: 'running', report: NO_REPORT },
        quiet,
      );
      expect(saved.report.heartbeatAtMs).toBe(NOW);
      expect((await stores().attempts.get(attempt.id))?.report.heartbeatAtMs).toBe(NOW);
    });

    const exit = { code: 0, reason: 'exited', atMs: NOW } as const;
    const news: readonly [string, (attempt: Attempt) => ReportChange][] = [
      ['a start', reported({ bootId: 'b', startedAtMs: NOW, heartbeatAtMs: NOW })],
      ['an exit', reported({ exit })],
      ['a loss', (a) => ({ report: a.report, abandonAs: 'interrupted', events: [] })],
    ];
    it.each(news)('makes a step under way notice %s', async (_, change) => {
      const { attempt } = await placed({ phase: 'running', dueAtMs: NOW + 60_000 });
      const saved = await stores().attempts.report(attempt.id, change, NOW);
      expect(saved).toMatchObject({ revision: attempt.revision + 1, dueAtMs: NOW });
      expect(await stores().attempts.get(attempt.id)).toEqual(saved);
      await expect(stores().attempts.update(attempt, quiet)).rejects.toThrow(StaleRevision);
    });

    it('does not wake an attempt that is over', async () => {
      const { attempt } = await placed({ phase: 'released', dueAtMs: null });
      const saved = await stores().attempts.report(attempt.id, reported({ exit }), NOW);
      expect(saved).toMatchObject({ dueAtMs: null, report: { exit } });
    });

    it('sees the newest row, and leaves it as it is when nothing changes', async () => {
      const { attempt } = await placed();
      await stores().attempts.report(attempt.id, reported({ bootId: 'first' }), NOW);
      const seen: (string | null)[] = [];
      await stores().attempts.report(
        attempt.id,
        ({ report }) => {
          seen.push(report.bootId);
          return null;
        },
        NOW,
      );
      expect(seen).toEqual(['first']);
      expect((await stores().attempts.get(attempt.id))?.report.bootId).toBe('first');
      expect(await stores().attempts.report(asAttemptId('att-none'), () => null, NOW)).toBeNull();
    });

    it('applies simultaneous reports one after the other', async () => {
      const { attempt } = await placed();
      const claim = (bootId: string) =>
        stores().attempts.report(
          attempt.id,
          ({ report }) =>
            report.bootId === null
              ? {
                  report: { ...report, bootId },
                  abandonAs: null,
                  events: [eventOf('job-1', bootId)],
                }
              : null,
          NOW,
        );
      await Promise.all(['a', 'b', 'c', 'd'].map(claim));
      const events = await stores().events.after(0, null, 10);
      expect(events).toHaveLength(1);
      const stored = await stores().attempts.get(attempt.id);
      expect(events[0]?.type).toBe(stored?.report.bootId);
    });
  });

  describe('finding attempts', () => {
    it('tells which lease keys are held', async () => {
      await placed({}, '1');
      await placed({ phase: 'releasing' }, '2');
      await placed({ phase: 'released' }, '3');
      const ids = ['att-1', 'att-2', 'att-3', 'att-none'].map(asAttemptId);
      expect([...(await stores().attempts.holding(ids))].sort()).toEqual(['att-1', 'att-2']);
    });

    it('tells what a project holds besides one of its jobs', async () => {
      await placed({}, '1');
      await placed({ phase: 'running', offer: anOffer({ providerId: 'other' }) }, '2');
      await placed({ phase: 'released' }, '3');
      const held = await stores().attempts.leasedBy('default', asJobId('job-1'));
      expect(held).toEqual([
        { jobId: 'job-2', offer: anOffer({ providerId: 'other' }), leases: 1 },
      ]);
      expect(await stores().attempts.leasedBy('default', asJobId('none'))).toHaveLength(2);
      expect(await stores().attempts.leasedBy('elsewhere', asJobId('none'))).toEqual([]);
    });

    it('lists overdue attempts with their provider, most overdue first, up to the limit', async () => {
      await placed({ dueAtMs: 30 }, '1');
      await placed({ dueAtMs: 10, offer: anOffer({ providerId: 'other' }) }, '2');
      await placed({ dueAtMs: 41 }, '3');
      await placed({ dueAtMs: null }, '4');
      expect(await stores().attempts.overdue(40, 10)).toEqual([
        { id: 'att-2', providerId: 'other' },
        { id: 'att-1', providerId: 'acme' },
      ]);
      expect(await stores().attempts.overdue(40, 1)).toHaveLength(1);
    });

    it('lists attempts with unbooked charges until the final slice is booked', async () => {
      const { job, attempt } = await placed({ phase: 'released', billedFromMs: 10 }, '1');
      const other = await placed({ phase: 'released', billedFromMs: 20 }, '2');
      await placed({ phase: 'running', billedFromMs: 30 }, '3');
      await placed({ phase: 'released', billedFromMs: null }, '4');
      expect(await stores().attempts.unbooked(30, 10)).toEqual(['att-1', 'att-2']);
      expect(await stores().attempts.unbooked(31, 10)).toEqual(['att-1', 'att-2', 'att-3']);
      expect(await stores().attempts.unbooked(31, 1)).toEqual(['att-1']);
      const slice = { sequence: 0, fromMs: 10, toMs: 90, amount: usd(1), final: false };
      await stores().costEntries.book(attempt, job, slice, NOW);
      expect(await stores().attempts.unbooked(31, 10)).toEqual(['att-2', 'att-3', 'att-1']);
      await stores().costEntries.book(other.attempt, other.job, { ...slice, final: true }, NOW);
      expect(await stores().attempts.unbooked(31, 10)).toEqual(['att-3', 'att-1']);
    });
  });
}
