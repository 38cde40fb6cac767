import { microUsd, usd, type MicroUsd } from '#libs/domain';
import { BUILT_AT_MS, aJob, aSpec, anAttempt } from '../../testkit/builders';
import type { Reservation, Stores, SubmitResult } from '../ports';
import type { Budgets } from '../workload-ports';
import { eachTest, eventOf, submissionOf, type Open } from './open';

const period = '2026-11';
const spec = aSpec({ project: 'red' });

export function describeBudgets(open: Open<Stores & { readonly budgets: Budgets }>): void {
  const stores = eachTest(open);

  const limit = (softLimit: MicroUsd | null, hardLimit: MicroUsd | null) =>
    stores().budgets.put({ project: 'red', softLimit, hardLimit }, 1);

  const submit = (id: string, amount: number | null): Promise<SubmitResult> => {
    const reservation: Reservation = {
      project: 'red',
      period,
      amount: amount === null ? null : usd(amount),
    };
    const events = [eventOf(id, 'job.submitted')];
    return stores().jobs.submit(submissionOf(aJob({ id, spec }), { reservation, events }));
  };

  const state = (of = period) => stores().budgets.of('red', of);

  /** Charges for the one attempt of a stored job, in slices of a minute that begin in the given months. */
  const charging = async (id: string) => {
    const job = aJob({ id, spec });
    const attempt = anAttempt({ id: `att-${id}`, jobId: id, billedFromMs: BUILT_AT_MS });
    await stores().attempts.plan(job, attempt, []);
    let sequence = 0;
    return {
      charge: async (amount: number, fromMs = BUILT_AT_MS) => {
        const toMs = fromMs + 60_000;
        const slice = { sequence, fromMs, toMs, amount: microUsd(amount * 1e6), final: false };
        sequence += 1;
        expect(await stores().costEntries.book(attempt, job, slice, toMs)).toBe(true);
      },
      settle: (amount: number) =>
        stores().jobs.update({ ...job, revision: 1 }, { events: [], settled: usd(amount) }),
    };
  };

  const counts = async (of = period) => {
    const budget = await state(of);
    return [budget?.committed, budget?.spent];
  };

  const warnings = async () =>
    (await stores().events.after(0, null, 100)).filter(({ type }) => type === 'budget.soft-limit');

  it('are none until they are set, and then empty', async () => {
    expect(await state()).toBeNull();
    await limit(usd(5), null);
    expect(await state()).toEqual({
      project: 'red',
      period,
      softLimit: usd(5),
      hardLimit: null,
      committed: 0,
      spent: 0,
    });
  });

  it('are listed by project with their state', async () => {
    await limit(null, usd(9));
    await stores().budgets.put({ project: 'blue', softLimit: null, hardLimit: null }, 1);
    await submit('job-1', 4);
    const listed = await stores().budgets.list(period);
    expect(listed.map(({ project, committed }) => [project, committed])).toEqual([
      ['blue', 0],
      ['red', usd(4)],
    ]);
    expect((await stores().budgets.list('2026-12')).map(({ committed }) => committed)).toEqual([
      0, 0,
    ]);
  });

  it('tell the submission that crosses the soft limit', async () => {
    await limit(usd(5), null);
    await submit('job-1', 5);
    expect(await warnings()).toEqual([]);
    await submit('job-2', 1);
    await submit('job-3', 1);
    expect(await warnings()).toMatchObject([
      {
        jobId: 'job-2',
        attemptId: null,
        atMs: BUILT_AT_MS,
        data: { project: 'red', period, committed: usd(6), softLimit: usd(5) },
      },
    ]);
    const told = await stores().events.after(0, aJob({ id: 'job-2' }).id, 10);
    expect(told.map(({ type }) => type)).toEqual(['job.submitted', 'budget.soft-limit']);
  });

  it('refuse what cannot be priced under a hard limit, and only there', async () => {
    await limit(usd(1), usd(5));
    expect((await submit('job-1', null)).kind).toBe('over-budget');
    expect(await counts()).toEqual([0, 0]);
    await submit('job-2', 1);
    expect((await submit('job-3', null)).kind).toBe('over-budget');
    await limit(null, null);
    expect((await submit('job-4', null)).kind).toBe('created');
    expect(await counts()).toEqual([usd(1), 0]);
  });

  it('refuse what would pass the hard limit and store nothing of it', async () => {
    await limit(null, usd(5));
    expect((await submit('job-1', 4)).kind).toBe('created');
    const refused = await submit('job-2', 1.5);
    expect(refused).toEqual({ kind: 'over-budget', budget: await state() });
    expect((await state())?.committed).toBe(usd(4));
    expect(await stores().jobs.get(aJob({ id: 'job-2' }).id)).toBeNull();
    expect(await stores().events.after(0, null, 10)).toHaveLength(1);
    expect((await submit('job-3', 1)).kind).toBe('created');
    expect((await submit('job-4', 0.000001)).kind).toBe('over-budget');
  });

  it('refuse a first submission that alone passes the hard limit', async () => {
    await limit(null, usd(5));
    expect((await submit('job-1', 6)).kind).toBe('over-budget');
    expect((await state())?.committed).toBe(0);
  });

  it('free the idempotency key of a refused submission', async () => {
    await limit(null, usd(5));
    const idempotency = { scope: 'k', key: 'abc', bodyDigest: 'd' };
    const attemptTo = (amount: number) =>
      stores().jobs.submit(
        submissionOf(aJob({ id: 'job-1', spec }), {
          idempotency,
          reservation: { project: 'red', period, amount: usd(amount) },
        }),
      );
    expect((await attemptTo(6)).kind).toBe('over-budget');
    expect((await attemptTo(2)).kind).toBe('created');
    expect((await attemptTo(2)).kind).toBe('repeated');
    expect((await state())?.committed).toBe(usd(2));
  });

  it('are not overshot by simultaneous submissions', async () => {
    await limit(usd(5), usd(10));
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, index) => submit(`job-${index}`, 1)),
    );
    expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(10);
    expect(results.filter(({ kind }) => kind === 'over-budget')).toHaveLength(6);
    expect(await warnings()).toHaveLength(1);
    expect((await state())?.committed).toBe(usd(10));
  });

  it('trade the reservation for the real cost when the job is settled', async () => {
    await limit(null, usd(5));
    await submit('job-1', 4);
    const job = aJob({ id: 'job-1', spec });
    await stores().jobs.update(job, { events: [], settled: usd(1.5) });
    expect((await state())?.committed).toBe(usd(1.5));
    expect((await submit('job-2', 3.5)).kind).toBe('created');
  });

  it('count the cost of jobs that reserved nothing', async () => {
    await limit(null, null);
    const job = aJob({ id: 'job-1', spec });
    await stores().jobs.submit(submissionOf(job));
    await stores().jobs.update(job, { events: [], settled: usd(2) });
    expect((await state())?.committed).toBe(usd(2));
  });

  it('take charges out of the reservation instead of adding them to it', async () => {
    await limit(null, null);
    await submit('job-1', 4);
    const { charge, settle } = await charging('job-1');
    await charge(1);
    expect(await counts()).toEqual([usd(4), usd(1)]);
    await charge(1);
    expect(await counts()).toEqual([usd(4), usd(2)]);
    await settle(2);
    expect(await counts()).toEqual([usd(2), usd(2)]);
  });

  it('grow at once by what is charged beyond the reservation, and shrink when it is taken back', async () => {
    await limit(null, usd(10));
    await submit('job-1', 2);
    const { charge, settle } = await charging('job-1');
    await charge(5);
    expect(await counts()).toEqual([usd(5), usd(5)]);
    expect((await submit('job-2', 6)).kind).toBe('over-budget');
    await charge(-4);
    expect(await counts()).toEqual([usd(2), usd(1)]);
    await settle(1);
    expect(await counts()).toEqual([usd(1), usd(1)]);
  });

  it('count each charge in the month in which it begins, and the reservation in that of submission', async () => {
    await limit(null, null);
    await submit('job-1', 4);
    const { charge, settle } = await charging('job-1');
    await charge(1);
    await charge(1.5, Date.UTC(2026, 10, 30, 23, 59, 30));
    await charge(2, Date.UTC(2026, 11, 1));
    expect(await counts()).toEqual([usd(2.5), usd(2.5)]);
    expect(await counts('2026-12')).toEqual([usd(2), usd(2)]);
    await settle(4.5);
    expect(await counts()).toEqual([usd(2.5), usd(2.5)]);
    expect(await counts('2026-12')).toEqual([usd(2), usd(2)]);
  });

  it('keep what a job that is over has cost until the last of it is booked', async () => {
    await limit(null, null);
    await submit('job-1', 4);
    const { charge, settle } = await charging('job-1');
    await charge(1);
    await settle(3);
    expect(await counts()).toEqual([usd(3), usd(1)]);
    await charge(2, Date.UTC(2026, 11, 1));
    expect(await counts()).toEqual([usd(1), usd(1)]);
    expect(await counts('2026-12')).toEqual([usd(2), usd(2)]);
  });

  it('count the charges of jobs that reserved nothing, once', async () => {
    await limit(null, null);
    await stores().jobs.submit(submissionOf(aJob({ id: 'job-1', spec })));
    const { charge, settle } = await charging('job-1');
    await charge(2);
    expect(await counts()).toEqual([usd(2), usd(2)]);
    await settle(3);
    expect(await counts()).toEqual([usd(3), usd(2)]);
    await charge(1);
    expect(await counts()).toEqual([usd(3), usd(3)]);
  });

  it('count a slice that is booked twice once', async () => {
    await limit(null, null);
    const job = aJob({ id: 'job-1', spec });
    await stores().jobs.submit(submissionOf(job));
    const attempt = anAttempt({ id: 'att-1', jobId: 'job-1', billedFromMs: BUILT_AT_MS });
    await stores().attempts.plan(job, attempt, []);
    const fromMs = Date.UTC(2026, 11, 2);
    const slice = { sequence: 0, fromMs, toMs: fromMs + 9, amount: microUsd(70), final: false };
    await stores().costEntries.book(attempt, job, slice, fromMs + 9);
    await stores().costEntries.book(attempt, job, slice, fromMs + 9);
    expect(await counts('2026-12')).toEqual([70, 70]);
    expect(await counts()).toEqual([0, 0]);
  });

  it('tell the charge that crosses the soft limit, once, and not after the end of the job', async () => {
    await limit(usd(2.5), null);
    await submit('job-1', 2);
    await submit('job-2', 0);
    const first = await charging('job-1');
    await first.charge(2);
    expect(await warnings()).toEqual([]);
    await first.charge(1);
    await first.charge(1);
    expect(await warnings()).toMatchObject([
      {
        jobId: 'job-1',
        atMs: BUILT_AT_MS + 60_000,
        data: { project: 'red', period, committed: usd(3), softLimit: usd(2.5) },
      },
    ]);
    const second = await charging('job-2');
    await second.settle(5);
    await second.charge(5, Date.UTC(2026, 11, 1));
    expect(await warnings()).toHaveLength(1);
  });

  it('lose nothing when charges, an end and submissions come at once', async () => {
    await limit(null, null);
    await Promise.all(['a', 'b', 'c'].map((name) => submit(`job-${name}`, 4)));
    const jobs = await Promise.all(['a', 'b', 'c'].map((name) => charging(`job-${name}`)));
    const december = Date.UTC(2026, 11, 1);
    await Promise.all(
      jobs.flatMap(({ charge, settle }) => [charge(1), charge(2, december), settle(6), charge(3)]),
    );
    await submit('job-d', 1);
    expect(await counts()).toEqual([usd(13), usd(12)]);
    expect(await counts('2026-12')).toEqual([usd(6), usd(6)]);
  });
}
