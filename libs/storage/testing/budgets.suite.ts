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

  const submit = (id: string, amount: number): Promise<SubmitResult> => {
    const reservation: Reservation = { project: 'red', period, amount: usd(amount) };
    const events = [eventOf(id, 'job.submitted')];
    return stores().jobs.submit(submissionOf(aJob({ id, spec }), { reservation, events }));
  };

  const state = () => stores().budgets.of('red', period);

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
    expect(await submit('job-1', 5)).toMatchObject({ kind: 'created', softLimitCrossed: false });
    expect(await submit('job-2', 1)).toMatchObject({ kind: 'created', softLimitCrossed: true });
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
    const crossings = results.filter((r) => r.kind === 'created' && r.softLimitCrossed);
    expect(crossings).toHaveLength(1);
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

  it('count charges in the month in which the job was submitted, once', async () => {
    await limit(null, null);
    const job = aJob({ id: 'job-1', spec });
    await stores().jobs.submit(submissionOf(job));
    const attempt = anAttempt({ id: 'att-1', jobId: 'job-1', billedFromMs: BUILT_AT_MS });
    await stores().attempts.plan(job, attempt, []);
    const fromMs = Date.UTC(2026, 11, 2);
    const slice = { sequence: 0, fromMs, toMs: fromMs + 9, amount: microUsd(70), final: false };
    await stores().costEntries.book(attempt, job, slice, fromMs + 9);
    await stores().costEntries.book(attempt, job, slice, fromMs + 9);
    expect(await state()).toMatchObject({ spent: 70, committed: 0 });
  });
}
