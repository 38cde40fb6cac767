import { LOOK_MOST_MS, asJobId, usd, type Attempt } from '#libs/domain';
import { aSpec, fakeOffers } from '#libs/testkit';
import { Stage, summaryOf } from './testing/stage';

const HOUR_MS = 3_600_000;
const [firm, spot] = fakeOffers;
if (firm === undefined || spot === undefined) throw new Error('two offers are needed');

const data = (stage: Stage, type: string) =>
  stage.tables.events.filter((event) => event.type === type).map((event) => event.data);

describe('placing a job', () => {
  it('asks for a decision where there is none, and again when none comes', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted({}, null);
    await stage.place.run(id);
    expect(stage.doorbell.rung('decide')).toMatchObject([{ id, atMs: stage.clock.nowMs() }]);
    await stage.place.run(id);
    expect(stage.doorbell.rung('decide')).toHaveLength(1);
    stage.clock.advance((stage.job().dueAtMs ?? Infinity) - stage.clock.nowMs());
    await stage.place.run(id);
    expect(new Set(stage.doorbell.rung('decide').map(({ tag }) => tag)).size).toBe(2);
  });

  it('plans an attempt at the best offer, with the price that it has now', async () => {
    const stage = new Stage();
    const job = await stage.submitted();
    const attempt = await stage.placed();
    expect(attempt).toMatchObject({
      jobId: job.id,
      decisionId: job.decisionId,
      number: 1,
      offer: firm,
      phase: 'planned',
      maxLeaseMs: job.spec.sla.maxDurationMs + firm.startupMs,
      dueAtMs: stage.clock.nowMs(),
    });
    expect(stage.job()).toMatchObject({
      state: 'starting',
      dueAtMs: stage.clock.nowMs() + LOOK_MOST_MS,
      outlook: { do: 'start', to: firm.id, because: 'cheapest' },
    });
    expect(stage.doorbell.rung('advance')).toMatchObject([
      { id: attempt.id, providerId: firm.providerId, atMs: stage.clock.nowMs() },
    ]);
    expect(data(stage, 'job.placed')).toEqual([
      { offer: firm.id, expectedCost: firm.pricePerHour, number: 1 },
    ]);
  });

  it('leaves a job that is placed, unknown or not yet due alone', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted();
    await stage.placed();
    const placed = stage.job();
    await stage.place.run(id);
    await stage.place.run(asJobId('job-unknown'));
    expect(stage.job()).toEqual(placed);
    expect(stage.tables.attempts.size).toBe(1);
  });

  it('plans one attempt when two workers place the job at once', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted();
    await Promise.all([stage.place.run(id), stage.place.run(id)]);
    expect(stage.tables.attempts.size).toBe(1);
    expect(stage.doorbell.rung('advance')).toHaveLength(1);
  });

  it('waits in line for what is suspended, and is in nobody’s way once it has a place', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted({}, [firm]);
    const untilMs = stage.clock.nowMs() + 20_000;
    await stage.stores.suspensions.add([
      { scope: 'offer', key: firm.id, jobId: null, fromMs: 0, untilMs, reason: 'no-capacity' },
    ]);
    await stage.place.run(id);
    expect(stage.job()).toMatchObject({ state: 'queued', dueAtMs: untilMs });
    expect(data(stage, 'job.waiting')).toEqual([{ untilMs, awaited: 1 }]);
    expect(stage.doorbell.rung('place')).toMatchObject([{ id, atMs: untilMs }]);
    expect([...stage.tables.line.keys()]).toEqual([id]);
    stage.clock.advance(20_000);
    await stage.placed();
    expect(stage.attempt().offer.id).toBe(firm.id);
    expect(stage.tables.line.size).toBe(0);
  });

  it('leaves an offer to the job that has waited for it longer, and takes the next', async () => {
    const stage = new Stage();
    const { id: first } = await stage.submitted({ id: 'job-1' }, null);
    await stage.stores.jobs.update(stage.job(), { events: [], awaited: [firm.id] });
    stage.clock.advance(1);
    const { id } = await stage.submitted({ id: 'job-2' });
    await stage.place.run(id);
    expect(stage.attempt()).toMatchObject({ jobId: id, offer: { id: spot.id } });
    expect(stage.tables.line.has(first)).toBe(true);
  });

  it('asks for a new decision, not for a new wait, when what it waited for has opened', async () => {
    const stage = new Stage();
    const job = await stage.submitted({}, null);
    const awaitedUntilMs = stage.clock.nowMs() + 5_000;
    await stage.decided(job, summaryOf([], { awaited: [firm.id], awaitedUntilMs }));
    await stage.place.run(job.id);
    expect(stage.job().dueAtMs).toBe(awaitedUntilMs);
    stage.clock.advance(5_000);
    await stage.place.run(job.id);
    expect(stage.doorbell.rung('decide')).toHaveLength(1);
    expect(data(stage, 'job.waiting')).toHaveLength(1);
  });

  it('tells of a wait once, and again when it waits for something else', async () => {
    const stage = new Stage();
    const job = await stage.submitted({}, null);
    const { id } = await stage.decided(job, summaryOf([], { awaited: [firm.id] }));
    const lookAgain = async () => {
      stage.clock.advance((stage.job().dueAtMs ?? Infinity) - stage.clock.nowMs());
      await stage.stores.decisions.confirm(stage.job(), stage.clock.nowMs());
      await stage.place.run(id);
    };
    await stage.place.run(id);
    for (let again = 0; again < 20; again += 1) await lookAgain();
    expect(data(stage, 'job.waiting')).toHaveLength(1);
    expect(stage.doorbell.rung('place')).toHaveLength(21);
    for (const awaited of [[firm.id, spot.id], [spot.id], []]) {
      await stage.decided(
        stage.job(),
        summaryOf([], { awaited }),
        `dec-${awaited.length}-${awaited[0]}`,
      );
      await stage.place.run(id);
      await lookAgain();
      await lookAgain();
    }
    expect(data(stage, 'job.waiting').map(({ awaited }) => awaited)).toEqual([1, 2, 1, 0]);
  });

  it('ends a job for which no capacity came in time, and settles what it cost', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted({
      spec: aSpec({ sla: { ...aSpec().sla, queueTimeoutMs: HOUR_MS } }),
    });
    stage.clock.advance(HOUR_MS);
    await stage.place.run(id);
    expect(stage.job()).toMatchObject({
      state: 'failed',
      outcome: 'queue-timeout',
      endedAtMs: stage.clock.nowMs(),
      dueAtMs: null,
    });
    expect(stage.tables.settled.get(id)).toBe(usd(0));
    expect(data(stage, 'job.ended')).toEqual([
      { outcome: 'queue-timeout', costMicroUsd: 0, attempts: 0 },
    ]);
  });

  it('ends a job that was cancelled before it had a place', async () => {
    const stage = new Stage();
    const { id } = await stage.submitted();
    await stage.stores.jobs.requestCancel(id, stage.clock.nowMs(), []);
    await stage.place.run(id);
    expect(stage.job()).toMatchObject({ state: 'cancelled', outcome: 'cancelled' });
    expect(stage.tables.attempts.size).toBe(0);
  });

  it('gives the second attempt what the first has left of the budget', async () => {
    const stage = new Stage();
    const dearSpec = aSpec({ budget: { maxPricePerHour: null, maxCost: usd(1) } });
    const job = await stage.submitted({ spec: dearSpec }, [firm]);
    const first = await stage.placed();
    const fiveHoursMs = 5 * HOUR_MS;
    expect(first).toMatchObject({ maxLeaseMs: fiveHoursMs, maxLeaseMeans: 'out-of-budget' });
    const lost: Attempt = {
      ...first,
      phase: 'released',
      outcome: 'interrupted',
      billedFromMs: stage.clock.nowMs(),
      billedToMs: stage.clock.nowMs() + 2 * HOUR_MS,
      dueAtMs: null,
    };
    const nowMs = stage.clock.nowMs();
    const told = { events: [], suspensions: [], jobState: 'recovering', wakeJob: true } as const;
    await stage.stores.attempts.update(lost, { ...told, nowMs });
    await stage.place.run(job.id);
    expect(stage.doorbell.rung('decide')).toHaveLength(1);
    await stage.decided(stage.job(), summaryOf([firm]), 'dec-2');
    await stage.placed();
    expect(stage.attempt()).toMatchObject({ number: 2, maxLeaseMs: 3 * HOUR_MS });
  });
});
