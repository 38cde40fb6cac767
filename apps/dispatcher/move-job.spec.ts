import {
  DECISION_WAIT_MS,
  LEAVE_LIMIT_MS,
  LOOK_MOST_MS,
  usd,
  type Attempt,
  type JobSpec,
  type Offer,
} from '#libs/domain';
import { aSpec, fakeOffers } from '#libs/testkit';
import { Stage, summaryOf } from './testing/stage';

const HOUR_MS = 3_600_000;

function offerAt(index: number): Offer {
  const offer = fakeOffers[index];
  if (offer === undefined) throw new Error('two offers are needed');
  return offer;
}
const first = offerAt(0);
const second = offerAt(1);
const dear = { ...first, pricePerHour: usd(9) };
const checkpoint = { path: 'ckpt', intervalMs: 600_000, sizeGb: 0.1 };

const isRunning = ({ phase }: Attempt): boolean => phase === 'running';

/** A job that runs at the dear offer, a quarter of an hour into its work, with a decision that shows a cheaper one. */
async function running(spec: Partial<JobSpec> = {}): Promise<Stage> {
  const stage = new Stage();
  const wanted = aSpec({ checkpoint, durationEstimateMs: 10 * HOUR_MS, ...spec });
  const job = await stage.submitted({ spec: wanted }, [dear]);
  const attempt = await stage.placed();
  await stage.advancedUntil(({ phase }) => phase === 'starting');
  await stage.report.start(attempt.id, 'boot-1');
  await stage.advancedUntil(isRunning);
  stage.clock.advance(LOOK_MOST_MS);
  await stage.report.heartbeat(attempt.id, 'boot-1');
  await stage.place.run(job.id);
  return stage;
}

/** The decision for the work that is left comes, and the job is looked at. */
async function looked(stage: Stage): Promise<void> {
  await stage.decided(stage.job(), summaryOf([second, dear]), 'dec-2');
  await stage.place.run(stage.job().id);
}

const told = (stage: Stage) =>
  stage.tables.events
    .filter(({ type }) => type === 'job.reconsidered')
    .map(({ data }) => `${String(data['do'])} ${String(data['because'])}`);

describe('a job that runs', () => {
  it('asks for a decision at its look, and asks again when none comes', async () => {
    const stage = await running();
    expect(stage.doorbell.rung('decide')).toHaveLength(1);
    stage.clock.advance(DECISION_WAIT_MS);
    await stage.place.run(stage.job().id);
    expect(stage.doorbell.rung('decide')).toHaveLength(2);
    expect(stage.attempt().phase).toBe('running');
  });

  it('stays where it is when nothing is better, and says when it is looked at next', async () => {
    const stage = await running();
    await stage.decided(stage.job(), summaryOf([dear]), 'dec-2');
    await stage.place.run(stage.job().id);
    expect(stage.job()).toMatchObject({
      state: 'running',
      dueAtMs: stage.clock.nowMs() + LOOK_MOST_MS,
      outlook: { do: 'stay', because: 'nothing-better' },
    });
    expect(stage.attempt().leaving).toBeNull();
  });

  it('saves, stops, is released as moved, and goes on where it was meant to go', async () => {
    const stage = await running();
    await looked(stage);
    const { id } = stage.attempt();
    expect(stage.attempt().leaving).toMatchObject({ as: 'moved', to: second.id });
    expect(await stage.report.heartbeat(id, 'boot-1')).toBe('checkpoint');
    stage.clock.advance(1_000);
    await stage.report.checkpoint(id);
    expect(await stage.report.heartbeat(id, 'boot-1')).toBe('stop');
    await stage.report.exit(id, { bootId: 'boot-1', code: 143, reason: 'stopped' });
    expect(await stage.released()).toMatchObject({ outcome: 'moved' });
    expect(stage.running()).toBe(0);
    await stage.place.run(stage.job().id);
    if (stage.attempt().id === id) {
      await stage.decided(stage.job(), summaryOf([second, dear]), 'dec-3');
      await stage.place.run(stage.job().id);
    }
    expect(stage.attempt()).toMatchObject({ number: 2, round: 2, offer: { id: second.id } });
    expect(told(stage)).toEqual(['move saving']);
  });

  it('keeps a result that comes while it is leaving', async () => {
    const stage = await running();
    await looked(stage);
    const { id } = stage.attempt();
    await stage.report.exit(id, { bootId: 'boot-1', code: 0, reason: 'exited' });
    expect(await stage.released()).toMatchObject({ outcome: 'succeeded' });
    await stage.place.run(stage.job().id);
    expect(stage.job().outcome).toBe('completed');
  });

  it('is given up where it was when its workload does not end by itself', async () => {
    const stage = await running({ checkpoint: null });
    await looked(stage);
    const { leaving } = stage.attempt();
    expect(leaving?.stopAtMs).toBe(leaving?.sinceMs);
    expect(await stage.report.heartbeat(stage.attempt().id, 'boot-1')).toBe('stop');
    const released = await stage.released();
    expect(released.outcome).toBe('moved');
    expect(released.phaseSinceMs - (leaving?.sinceMs ?? 0)).toBeGreaterThanOrEqual(
      LEAVE_LIMIT_MS - 1,
    );
  });

  it('is cancelled at once though it is leaving', async () => {
    const stage = await running();
    await looked(stage);
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    expect(await stage.released()).toMatchObject({ outcome: 'cancelled' });
    await stage.place.run(stage.job().id);
    expect(stage.job().outcome).toBe('cancelled');
  });
});

describe('attempts side by side', () => {
  const elsewhere = { ...second, region: 'south' };

  it('of a hedged start: the first that asks runs, the other never does', async () => {
    const stage = new Stage();
    const sla = { ...aSpec().sla, hedgedStart: 'always' } as const;
    await stage.submitted({ spec: aSpec({ sla }) }, [first, elsewhere]);
    await stage.placed();
    const [one, other] = [...stage.tables.attempts.values()];
    if (one === undefined || other === undefined) throw new Error('two attempts are needed');
    const verdicts = await Promise.all([
      stage.report.start(other.id, 'boot-2'),
      stage.report.start(one.id, 'boot-1'),
    ]);
    expect(verdicts.sort()).toEqual(['over', 'run']);
    await stage.advance.run(other.id);
    await stage.advance.run(one.id);
    await stage.place.run(stage.job().id);
    const abandoned = [...stage.tables.attempts.values()].map(({ abandonAs }) => abandonAs);
    expect(abandoned.sort()).toEqual([null, 'unneeded'].sort());
  });

  it('of a gang: they wait for each other and begin together', async () => {
    const stage = new Stage();
    await stage.submitted({ spec: aSpec({ nodes: 2 }) }, [first]);
    await stage.placed();
    const [one, other] = [...stage.tables.attempts.values()];
    if (one === undefined || other === undefined) throw new Error('two attempts are needed');
    expect(await stage.report.start(one.id, 'boot-1')).toBe('busy');
    expect(await stage.report.start(one.id, 'boot-1')).toBe('busy');
    expect(stage.events().filter((type) => type === 'workload.started')).toEqual([]);
    expect(await stage.report.start(other.id, 'boot-2')).toBe('run');
    expect(await stage.report.start(one.id, 'boot-1')).toBe('run');
    expect(stage.events().filter((type) => type === 'workload.started')).toHaveLength(2);
  });
});
