import { NO_REPORT, asDecisionId, asJobId, usd, type Suspension } from '#libs/domain';
import { anAttempt, aSpec, BUILT_AT_MS, fakeOffer } from '#libs/testkit';
import { factsOf } from './make-decision';
import { Desk, noSpot } from './testing/desk';

const HOUR_MS = 3_600_000;
const firm = fakeOffer({ instanceType: 'firm', pricePerHour: usd(4) });
const spot = fakeOffer({ instanceType: 'spot', market: 'spot', interruptible: true });
const guard = fakeOffer({
  instanceType: 'guard',
  providerKind: 'hyperscaler',
  pricePerHour: usd(9),
});

const attempt = (wanted: Partial<Parameters<typeof anAttempt>[0]>) =>
  anAttempt({ offer: firm, ...wanted, id: 'att-1', jobId: 'job-1' });

const suspensionOf = (
  wanted: Pick<Suspension, 'scope' | 'key'> & Partial<Suspension>,
): Suspension => ({
  jobId: null,
  fromMs: BUILT_AT_MS,
  untilMs: BUILT_AT_MS + HOUR_MS,
  reason: 'no-capacity',
  ...wanted,
});

describe('making a decision', () => {
  it('stores what it was made from, gives it to the job, and wakes the dispatcher', async () => {
    const desk = new Desk();
    await desk.sells([firm, spot]);
    await desk.inForce(noSpot('acme'));
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    const record = desk.decision();
    expect(record).toMatchObject({
      jobId: id,
      atMs: desk.clock.nowMs(),
      policyVersion: 'acme@1',
      bookVersion: 1,
      spent: 0,
      summary: { rankedCount: 1, rejectedCount: 1, ruleCounts: { 'acme/no-spot': 1 } },
    });
    expect(desk.rankedIds()).toEqual([firm.id]);
    expect(desk.job()).toMatchObject({
      decisionId: record.id,
      state: 'queued',
      dueAtMs: desk.clock.nowMs(),
    });
    expect(desk.doorbell.rings).toMatchObject([
      { queue: 'place', id, tag: `r${desk.job().revision}` },
    ]);
    expect(desk.tables.events).toMatchObject([
      {
        type: 'job.decided',
        data: { decision: record.id, ranked: 1, rejected: 1, best: firm.id },
      },
    ]);
  });

  it('knows what earlier attempts have cost, and leaves out what the rest cannot pay', async () => {
    const desk = new Desk();
    await desk.sells([firm]);
    const spec = aSpec({ budget: { maxPricePerHour: null, maxCost: usd(10) } });
    const { id } = await desk.submitted({ spec });
    const before = { billedFromMs: BUILT_AT_MS, billedToMs: BUILT_AT_MS + 2 * HOUR_MS };
    await desk.stores.attempts.plan(desk.job(), attempt({ phase: 'released', ...before }), []);
    await desk.decide.run(id);
    expect(desk.decision().spent).toBe(usd(8));
    expect(desk.decision().summary.rejectionCounts).toEqual({ 'cost-over-budget': 1 });
  });

  it('fixes the baseline at the first decision that has one', async () => {
    const desk = new Desk();
    await desk.sells([firm]);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    expect(desk.job().baseline).toBeNull();
    await desk.sells([firm, guard]);
    await desk.decide.run(id);
    const baseline = { offerId: guard.id, pricePerHour: usd(9), billing: guard.billing };
    expect(desk.job().baseline).toEqual(baseline);
    await desk.sells([firm, { ...guard, pricePerHour: usd(3) }]);
    await desk.decide.run(id);
    expect(desk.decision().summary.baseline).toMatchObject({ pricePerHour: usd(3) });
    expect(desk.job().baseline).toEqual(baseline);
  });

  it('has nothing to decide for a job that has ended, has a place, or is not known', async () => {
    const desk = new Desk();
    await desk.sells([firm]);
    const { id } = await desk.submitted();
    await desk.decide.run(asJobId('job-unknown'));
    await desk.stores.attempts.plan({ ...desk.job(), dueAtMs: null }, attempt({}), []);
    await desk.decide.run(id);
    await desk.submitted({ id: 'job-2', outcome: 'cancelled', state: 'cancelled' });
    await desk.decide.run(desk.job().id);
    expect(desk.tables.decisions.size).toBe(0);
    expect(desk.doorbell.rings).toEqual([]);
  });

  describe('for a job that runs', () => {
    const startedAtMs = BUILT_AT_MS;
    const checkpoint = { path: 'ckpt', intervalMs: 600_000, sizeGb: 0 };

    /** A job of four hours of which an hour is saved, and that the dispatcher asks about. */
    async function running(): Promise<Desk> {
      const desk = new Desk();
      await desk.sells([firm, spot]);
      const spec = aSpec({ checkpoint, durationEstimateMs: 4 * HOUR_MS });
      const { id } = await desk.submitted({ spec });
      await desk.decide.run(id);
      const placed = attempt({
        phase: 'running',
        decisionId: desk.decision().id,
        report: { ...NO_REPORT, startedAtMs, checkpointAtMs: startedAtMs + HOUR_MS + 600_000 },
      });
      const asked = { ...desk.job(), state: 'running' as const, dueAtMs: desk.clock.nowMs() };
      await desk.stores.attempts.plan(asked, placed, []);
      return desk;
    }

    it('is about the work that is left, tells nobody, and leaves the decision of the placement', async () => {
      const desk = await running();
      const placement = desk.decision();
      const told = desk.tables.events.length;
      await desk.decide.run(desk.job().id);
      const look = desk.decision();
      expect(look).toMatchObject({ kind: 'reconsideration', leftMs: 3 * HOUR_MS });
      expect(look.reserves.map(({ offer }) => offer.id)).toEqual([firm.id]);
      expect(desk.job()).toMatchObject({ decisionId: look.id, dueAtMs: desk.clock.nowMs() });
      expect(desk.tables.decisions.has(placement.id)).toBe(true);
      const same = { kind: 'replayed', differs: [] };
      expect(await desk.replay.run(look.id)).toEqual(same);
      expect(await desk.replay.run(placement.id)).toEqual(same);
      expect(desk.tables.events).toHaveLength(told);
    });

    it('is made when it is asked for, and takes the place of the one before', async () => {
      const desk = await running();
      await desk.decide.run(desk.job().id);
      const before = desk.decision();
      await desk.sells([firm, { ...spot, pricePerHour: usd(3) }]);
      await desk.decide.run(desk.job().id);
      expect(desk.decision().id).not.toBe(before.id);
      expect(desk.tables.decisions.has(before.id)).toBe(false);
      const later = { ...desk.job(), dueAtMs: desk.clock.nowMs() + HOUR_MS };
      await desk.stores.jobs.update(later, { events: [] });
      const known = desk.decision().id;
      await desk.decide.run(desk.job().id);
      expect(desk.decision().id).toBe(known);
    });
  });

  it('is dropped when the job was moved meanwhile', async () => {
    const desk = new Desk();
    await desk.sells([firm]);
    const { id } = await desk.submitted();
    const both = [desk.decide.run(id), desk.decide.run(id)];
    await Promise.all(both);
    expect(desk.tables.decisions.size).toBe(1);
    expect(desk.job().decisionId).toBe(desk.decision().id);
    expect(desk.doorbell.rings).toHaveLength(1);
  });

  it('never touches the decision before', async () => {
    const desk = new Desk();
    await desk.sells([firm, spot]);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    const first = desk.decision();
    await desk.sells([firm]);
    await desk.decide.run(id);
    expect(await desk.stores.decisions.get(asDecisionId(first.id))).toEqual(first);
    expect(desk.rankedIds()).toEqual([firm.id]);
  });
});

describe('deciding again', () => {
  const MINUTE_MS = 60_000;

  it('leaves one decision and one event of a day in which nothing changes', async () => {
    const desk = new Desk();
    await desk.sells([{ ...firm, available: false }]);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    const made = desk.decision();
    for (let minute = 5; minute <= 24 * 60; minute += 5) {
      desk.clock.advance(5 * MINUTE_MS);
      await desk.decide.run(id);
    }
    expect(desk.tables.decisions.size).toBe(1);
    expect(desk.tables.events).toHaveLength(1);
    expect(desk.decision()).toEqual({ ...made, confirmedAtMs: desk.clock.nowMs() });
    expect(desk.job()).toMatchObject({ decisionId: made.id, dueAtMs: desk.clock.nowMs() });
    const tags = desk.doorbell.rung('place').map(({ tag }) => tag);
    expect(new Set(tags).size).toBe(24 * 12 + 1);
    expect(await desk.replay.run(made.id)).toEqual({ kind: 'replayed', differs: [] });
  });

  it('stores what is not the same: another price, another policy, another suspension', async () => {
    const desk = new Desk();
    await desk.sells([firm, spot]);
    const { id } = await desk.submitted();
    const changes: readonly (() => Promise<unknown>)[] = [
      () => desk.sells([{ ...firm, pricePerHour: usd(5) }, spot]),
      () => desk.inForce({ ...noSpot('acme'), rules: [] }),
      () => desk.stores.suspensions.add([suspensionOf({ scope: 'offer', key: spot.id })]),
    ];
    await desk.decide.run(id);
    for (const [index, change] of changes.entries()) {
      await change();
      await desk.decide.run(id);
      expect(desk.tables.decisions.size).toBe(index + 2);
      expect(desk.job().decisionId).toBe(desk.decision().id);
    }
  });

  it('makes a decision of its own once an attempt has come from the one before', async () => {
    const desk = new Desk();
    await desk.sells([firm]);
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    const { id: used } = desk.decision();
    const lost = attempt({ phase: 'released', outcome: 'interrupted', decisionId: used });
    await desk.stores.attempts.plan(desk.job(), lost, []);
    await desk.decide.run(id);
    expect(desk.job().decisionId).not.toBe(used);
  });

  it('keeps of the suspensions only those that can matter to the job', async () => {
    const desk = new Desk();
    await desk.sells([firm, spot]);
    const { id } = await desk.submitted();
    const matter = [
      suspensionOf({ scope: 'offer', key: spot.id }),
      suspensionOf({ scope: 'offer-for-job', key: spot.id, jobId: id }),
      suspensionOf({ scope: 'provider-region', key: `${firm.providerId}/${firm.region}` }),
      suspensionOf({ scope: 'provider', key: firm.providerId }),
    ];
    await desk.stores.suspensions.add([
      suspensionOf({ scope: 'offer-for-job', key: spot.id, jobId: asJobId('job-2') }),
      suspensionOf({ scope: 'offer', key: 'memory/nowhere/gone/spot' }),
      suspensionOf({ scope: 'provider', key: 'nobody' }),
      ...matter,
    ]);
    await desk.decide.run(id);
    expect(desk.decision().suspensions).toEqual(matter);
    expect(desk.decision().summary.rejectionCounts).toEqual({ suspended: 2 });
    expect(await desk.replay.run(desk.decision().id)).toEqual({ kind: 'replayed', differs: [] });
    desk.clock.advance(5 * MINUTE_MS);
    const other = suspensionOf({ scope: 'offer-for-job', key: firm.id, jobId: asJobId('job-3') });
    await desk.stores.suspensions.add([other]);
    await desk.decide.run(id);
    expect(desk.tables.decisions.size).toBe(1);
  });
});

describe('the deadline of a job as a decision sees it', () => {
  const spec = aSpec({
    durationEstimateMs: HOUR_MS,
    sla: { ...aSpec().sla, deadlineMs: 3 * HOUR_MS },
  });
  const job = { id: asJobId('job-1'), spec, submittedAtMs: BUILT_AT_MS };
  it.each<{ reason: string; afterMs: number; deadlineAtMs: number | null }>([
    {
      reason: 'there is time',
      afterMs: 2 * HOUR_MS,
      deadlineAtMs: BUILT_AT_MS + 3 * HOUR_MS,
    },
    {
      reason: 'nothing could make it any more: late beats never',
      afterMs: 2 * HOUR_MS + 1,
      deadlineAtMs: null,
    },
  ])('is $deadlineAtMs when $reason', ({ afterMs, deadlineAtMs }) => {
    expect(factsOf(job, usd(0), BUILT_AT_MS + afterMs).deadlineAtMs).toBe(deadlineAtMs);
  });
});
