import { asAttemptId, asProviderId, usd, type CalibrationLesson } from '#libs/domain';
import { anAttempt, aSpec, BUILT_AT_MS, fakeDescriptor, fakeOffer } from '#libs/testkit';
import { Desk } from './testing/desk';

const HOUR_MS = 3_600_000;
const firm = fakeOffer({ instanceType: 'firm', pricePerHour: usd(4) });
const guard = fakeOffer({
  instanceType: 'guard',
  providerKind: 'hyperscaler',
  pricePerHour: usd(9),
  egressPerGb: usd(0.1),
});
const reserved = {
  name: 'guards',
  providerId: fakeDescriptor.id,
  region: null,
  instanceType: 'guard',
  gpuModel: null,
  quantity: { kind: 'capacity', machines: 1 },
  fromMs: BUILT_AT_MS,
  untilMs: BUILT_AT_MS + 1_000 * HOUR_MS,
} as const;

const sums = { weight: 1_000, predicted: 1_000, realised: 2_000 };
const lesson: CalibrationLesson = {
  terms: { charge: sums, interruption: sums, 'start-up': sums, waiting: sums },
  within90: null,
};

async function replayed(desk: Desk) {
  return desk.replay.run(desk.decision().id);
}

describe('what a decision is priced with', () => {
  it('are commitments: what they pay for comes first, is on record, and replays', async () => {
    const desk = new Desk();
    await desk.sells([firm, guard]);
    await desk.stores.commitments.put(reserved, BUILT_AT_MS);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    expect(desk.rankedIds()[0]).toBe(guard.id);
    const { summary, pricing } = desk.decision();
    expect(summary.ranked[0]?.effective?.coverage).toMatchObject({ commitment: 'guards' });
    expect(summary.ranked[0]?.terms.run).toBe(0);
    expect(pricing?.commitments.map(({ name }) => name)).toEqual(['guards']);
    await desk.stores.commitments.end('guards', BUILT_AT_MS + 1);
    expect(await replayed(desk)).toEqual({ kind: 'replayed', differs: [] });
  });

  it('is calibration: a market that came dearer than predicted is priced so, on record and replayed', async () => {
    const desk = new Desk();
    await desk.sells([firm]);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    const before = desk.decision();
    const key = `${firm.providerId}/${firm.market}`;
    await desk.stores.calibrations.learn(asAttemptId('att-0'), key, lesson, BUILT_AT_MS);
    await desk.decide.run(id);
    const after = desk.decision();
    expect(after.id).not.toBe(before.id);
    expect(after.pricing?.calibration[key]).toMatchObject({ startUp: 1.99, waiting: 1.99 });
    const [was, is] = [before, after].map(({ summary }) => summary.ranked[0]?.terms);
    expect(is?.run).toBe(was?.run);
    expect((is?.['start-up'] ?? 0) / (was?.['start-up'] ?? 1)).toBeCloseTo(1.99, 2);
    expect(after.summary.ranked[0]?.effective?.prediction.factors.startUp).toBe(1.99);
    expect(await replayed(desk)).toEqual({ kind: 'replayed', differs: [] });
  });

  it('is where the last checkpoint lies: leaving there costs, staying does not, and it replays', async () => {
    const desk = new Desk();
    const there = fakeOffer({ instanceType: 'there', region: 'far', egressPerGb: usd(1) });
    await desk.sells([firm, there]);
    const spec = aSpec({ checkpoint: { path: 'c', intervalMs: 60_000, sizeGb: 10 } });
    const { id } = await desk.submitted({ spec });
    const left = {
      ...anAttempt({ id: 'att-1', jobId: id, offer: there, phase: 'released' }),
      outcome: 'interrupted' as const,
      report: { ...anAttempt({ id: 'a', jobId: 'b' }).report, startedAtMs: BUILT_AT_MS },
    };
    await desk.stores.attempts.plan(desk.job(), left, []);
    await desk.decide.run(id);
    const egress = Object.fromEntries(
      desk.decision().summary.ranked.map(({ offer, terms }) => [offer.instanceType, terms.egress]),
    );
    expect(egress['there']).toBe(0);
    expect(egress['firm']).toBeGreaterThan(0);
    expect(desk.decision().known?.checkpointAt).toBe(`${there.providerId}/far`);
    expect(await replayed(desk)).toEqual({ kind: 'replayed', differs: [] });
  });

  it('is the baseline that the job has: deciding again with it comes to the same and only confirms', async () => {
    const desk = new Desk();
    await desk.sells([firm, guard]);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    expect(desk.decision().known?.baseline).toBeNull();
    await desk.decide.run(id);
    expect(desk.tables.decisions.size).toBe(1);
    expect(desk.job().baseline?.offerId).toBe(guard.id);
    expect(await replayed(desk)).toEqual({ kind: 'replayed', differs: [] });
  });

  it('is what leaving a provider costs, as its offers say', async () => {
    const desk = new Desk();
    await desk.sells([firm, guard]);
    const { egressPerGb } = await desk.snapshots.current(BUILT_AT_MS);
    expect(egressPerGb).toEqual({ [asProviderId(fakeDescriptor.id)]: usd(0.1) });
  });
});
