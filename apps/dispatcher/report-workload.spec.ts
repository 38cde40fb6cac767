import { asAttemptId } from '#libs/domain';
import { Stage } from './testing/stage';

const BOOT = 'boot-1';

async function running(): Promise<Stage> {
  const stage = new Stage();
  await stage.submitted();
  const { id } = await stage.placed();
  await stage.advancedUntil(({ phase }) => phase === 'starting');
  await stage.report.start(id, BOOT);
  await stage.advancedUntil(({ phase }) => phase === 'running');
  stage.doorbell.rings.length = 0;
  return stage;
}

describe('what a supervisor says', () => {
  it('of a start wakes the attempt at once, and is told', async () => {
    const stage = new Stage();
    await stage.submitted();
    const { id } = await stage.placed();
    await stage.advancedUntil(({ phase }) => phase === 'starting');
    expect(stage.attempt().dueAtMs).toBeGreaterThan(stage.clock.nowMs());
    stage.doorbell.rings.length = 0;
    expect(await stage.report.start(id, BOOT)).toBe('run');
    expect(stage.attempt()).toMatchObject({
      report: { bootId: BOOT, startedAtMs: stage.clock.nowMs() },
      dueAtMs: stage.clock.nowMs(),
    });
    expect(stage.doorbell.rings).toMatchObject([
      { queue: 'advance', id, atMs: stage.clock.nowMs(), tag: `r${stage.attempt().revision}` },
    ]);
    expect(stage.events().at(-1)).toBe('workload.started');
  });

  it('twice is told once', async () => {
    const stage = await running();
    const before = stage.events().length;
    const { revision } = stage.attempt();
    expect(await stage.report.start(stage.attempt().id, BOOT)).toBe('run');
    expect(stage.attempt().revision).toBe(revision);
    expect(stage.events()).toHaveLength(before);
  });

  it('from a second boot means that the first is lost: the attempt is given up as interrupted', async () => {
    const stage = await running();
    const { id } = stage.attempt();
    expect(await stage.report.start(id, 'boot-2')).toBe('over');
    expect(stage.attempt()).toMatchObject({ abandonAs: 'interrupted', report: { bootId: BOOT } });
    expect(stage.events().at(-1)).toBe('workload.lost');
    expect(await stage.report.heartbeat(id, BOOT)).toBe('stop');
    expect(await stage.released()).toMatchObject({ outcome: 'interrupted' });
  });

  it('with a heartbeat disturbs nobody', async () => {
    const stage = await running();
    const before = stage.attempt();
    stage.clock.advance(1_000);
    expect(await stage.report.heartbeat(before.id, BOOT)).toBe('go');
    expect(stage.attempt()).toEqual({
      ...before,
      report: { ...before.report, heartbeatAtMs: stage.clock.nowMs() },
    });
    expect(stage.doorbell.rings).toEqual([]);
  });

  it('with a heartbeat after the provider’s notice is asked for a checkpoint', async () => {
    const stage = await running();
    const { id } = stage.attempt();
    stage.cloud.interrupt(id, 30_000);
    await stage.advancedUntil(({ noticeAtMs }) => noticeAtMs !== null);
    expect(await stage.report.heartbeat(id, BOOT)).toBe('checkpoint');
  });

  it('of an exit wakes the attempt, and a second exit changes nothing', async () => {
    const stage = await running();
    const { id } = stage.attempt();
    await stage.report.exit(id, { bootId: BOOT, code: 3, reason: 'exited' });
    expect(stage.attempt().dueAtMs).toBe(stage.clock.nowMs());
    expect(stage.tables.events.at(-1)).toMatchObject({
      type: 'workload.exited',
      data: { code: 3, reason: 'exited' },
      attemptId: id,
    });
    const before = stage.attempt();
    await stage.report.exit(id, { bootId: BOOT, code: 0, reason: 'exited' });
    expect(stage.attempt()).toEqual(before);
    expect(await stage.released()).toMatchObject({ outcome: 'workload-failed' });
  });

  it('after a cancellation is told to stop, and its exit does not make it a failure', async () => {
    const stage = await running();
    const { id } = stage.attempt();
    await stage.stores.jobs.requestCancel(stage.job().id, stage.clock.nowMs(), []);
    expect(await stage.report.heartbeat(id, BOOT)).toBe('stop');
    await stage.report.exit(id, { bootId: BOOT, code: 143, reason: 'stopped' });
    expect(await stage.released()).toMatchObject({ outcome: 'cancelled' });
  });

  it('of an attempt that nobody knows ends it there', async () => {
    const { report } = new Stage();
    const unknown = asAttemptId('att-unknown');
    expect(await report.start(unknown, BOOT)).toBe('over');
    expect(await report.heartbeat(unknown, BOOT)).toBe('stop');
    expect(await report.exit(unknown, { bootId: BOOT, code: 0, reason: 'exited' })).toBe('noted');
  });
});
