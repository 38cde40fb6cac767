import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { NO_REPORT, type Attempt } from './attempt';
import { costTermNames, type CostTerms, type RankedOffer } from './decision';
import { asDecisionId } from './ids';
import type { Job, JobSpec } from './job';
import { jobStep } from './job-step';
import { REST, type JobStep, type JobView } from './job-view';
import { DECISION_WAIT_MS } from './live-step';
import { usd, ZERO_USD } from './money';
import type { Offer } from './offer';
import { DEFAULT_PREFERENCES } from './policy';
import { MIN_BETWEEN_MOVES_MS } from './reconsider';
import { indexSuspensions } from './suspension';

const HOUR_MS = 3_600_000;
const NOW_MS = BUILT_AT_MS + HOUR_MS;
const FRESH = asDecisionId('dec-fresh');
const checkpoint = { path: 'ckpt', intervalMs: 600_000, sizeGb: 1 };

const cheap = anOffer({ instanceType: 'cheap', pricePerHour: usd(1) });
const beside = anOffer({ instanceType: 'beside', pricePerHour: usd(2) });
const elsewhere = anOffer({ region: 'south', pricePerHour: usd(3) });
const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;
const ranked = (offer: Offer): RankedOffer => ({
  offer,
  terms,
  expectedCost: offer.pricePerHour,
  latenessBps: 0,
  noReturnAtMs: null,
});

const jobWith = (spec: Partial<JobSpec> = {}, wanted: Partial<Omit<Job, 'id' | 'spec'>> = {}) =>
  aJob({ decisionId: FRESH, ...wanted, id: 'job-1', spec: aSpec(spec) });

const nth = (index: number, wanted: Partial<Attempt> = {}): Attempt =>
  anAttempt({
    phase: 'running',
    number: index + 1,
    round: 1,
    offer: cheap,
    ...wanted,
    id: `att-${index + 1}`,
    jobId: 'job-1',
  });
const started = { ...NO_REPORT, bootId: 'b', startedAtMs: NOW_MS - HOUR_MS / 2 };

function stepOf(
  job: Job,
  attempts: readonly Attempt[],
  offers: readonly Offer[] = [cheap, beside, elsewhere],
  decidedAtMs = NOW_MS,
): JobStep {
  const view: JobView = {
    job,
    attempts,
    decision: {
      atMs: decidedAtMs,
      summary: {
        engine: 'decide/1',
        ranked: offers.map(ranked),
        rankedCount: offers.length,
        rejectedCount: 0,
        rejectionCounts: {},
        ruleCounts: {},
        nearestMisses: [],
        awaited: [],
        awaitedUntilMs: null,
        baseline: null,
      },
      reserves: [],
      health: {},
      preferences: DEFAULT_PREFERENCES,
    },
    suspensions: indexSuspensions([], job.id, NOW_MS),
    spokenFor: new Set(),
    nowMs: NOW_MS,
  };
  return jobStep(view);
}

describe('a job that runs', () => {
  const running = nth(0, { report: started });

  it('is looked at with a decision of its own, made for it while it runs', () => {
    expect(stepOf(jobWith(), [running])).toMatchObject({ do: 'stay' });
    expect(stepOf(jobWith(), [{ ...running, decisionId: FRESH }])).toEqual({ do: 'decide' });
    const old = NOW_MS - 2 * DECISION_WAIT_MS - 1;
    expect(stepOf(jobWith(), [running], [cheap], old)).toEqual({ do: 'decide' });
  });

  it('is left alone until its next look, and while it is on its way out', () => {
    const step = stepOf(jobWith(), [running]);
    if (step.do !== 'stay') throw new Error('it was to stay');
    const later = { ...step.outlook, nextLookAtMs: NOW_MS + 5 };
    expect(stepOf(jobWith({}, { outlook: later }), [running])).toEqual({
      do: 'rest',
      untilMs: NOW_MS + 5,
    });
    const exit = { code: 0, reason: 'exited', atMs: NOW_MS } as const;
    const ways: readonly Partial<Attempt>[] = [
      { phase: 'releasing' },
      { abandonAs: 'cancelled' },
      { report: { ...started, exit } },
    ];
    for (const way of ways) expect(stepOf(jobWith(), [{ ...running, ...way }])).toEqual(REST);
  });

  const dear = { ...running, offer: anOffer({ instanceType: 'dear', pricePerHour: usd(9) }) };

  it('leaves after its next checkpoint when that saves money, and at once where it has none', () => {
    expect(stepOf(jobWith({ checkpoint }), [dear])).toMatchObject({
      do: 'leave',
      attempts: [dear.id],
      leaving: { as: 'moved', because: 'saving', to: cheap.id, stopAtMs: NOW_MS + 630_000 },
    });
    const noCheckpoint = stepOf(jobWith({ durationEstimateMs: 10 * HOUR_MS }), [dear]);
    expect(noCheckpoint).toMatchObject({ do: 'leave', leaving: { stopAtMs: NOW_MS } });
  });

  it('keeps its distance from its last move, whoever judges', () => {
    const leaving = {
      as: 'moved',
      because: 'saving',
      to: null,
      sinceMs: NOW_MS - MIN_BETWEEN_MOVES_MS + 1,
      stopAtMs: NOW_MS,
    } as const;
    const before = nth(0, { phase: 'released', outcome: 'interrupted', leaving });
    const now = { ...dear, id: nth(1).id, number: 2, round: 2 };
    expect(stepOf(jobWith({ checkpoint }), [before, now]).do).toBe('stay');
  });
});

describe('a hedged start', () => {
  const sla = { ...aSpec().sla, hedgedStart: 'always' } as const;
  const budget = (dollars: number) => ({ maxPricePerHour: null, maxCost: usd(dollars) });

  it('asks at two offers that do not fail together', () => {
    expect(stepOf(jobWith({ sla }), [])).toMatchObject({
      do: 'place',
      placements: [
        { role: 'first', slot: 0, ranked: { offer: cheap } },
        { role: 'second', slot: 0, ranked: { offer: elsewhere } },
      ],
    });
  });

  it.each<{ reason: string; spec: Partial<JobSpec>; offers?: readonly Offer[] }>([
    { reason: 'nobody asks for two', spec: {} },
    { reason: 'there is no second domain', spec: { sla }, offers: [cheap, beside] },
    { reason: 'the budget bears one of them alone', spec: { sla, budget: budget(3) } },
    {
      reason: 'there is no hurry',
      spec: { sla: { ...sla, hedgedStart: 'auto', deadlineMs: 9 * HOUR_MS } },
    },
  ])('asks at one where $reason', ({ spec, offers }) => {
    expect(stepOf(jobWith(spec), [], offers)).toMatchObject({ placements: [{ role: 'solo' }] });
  });

  it('with auto asks at two when the point of no return is near', () => {
    const hurry = { ...sla, hedgedStart: 'auto', deadlineMs: 2 * HOUR_MS + 600_000 } as const;
    const step = stepOf(jobWith({ sla: hurry }), []);
    expect(step.do === 'place' ? step.placements : []).toHaveLength(2);
  });

  it('shares the budget, so that both together keep it', () => {
    const step = stepOf(jobWith({ sla, budget: budget(12) }), []);
    const placements = step.do === 'place' ? step.placements : [];
    expect(placements.map(({ maxLeaseMs }) => maxLeaseMs)).toEqual([6 * HOUR_MS, 2 * HOUR_MS]);
  });

  const first = nth(0, { role: 'first' });
  const second = nth(1, { role: 'second', phase: 'starting', offer: elsewhere });

  it('waits until one runs, gives the other up then, and goes on with the one that is left', () => {
    const job = jobWith({ sla });
    expect(stepOf(job, [{ ...first, phase: 'starting' }, second])).toEqual(REST);
    const runs = { ...first, report: started };
    expect(stepOf(job, [runs, second])).toEqual({
      do: 'abandon',
      attempts: [second.id],
      as: 'unneeded',
    });
    const gone = { ...second, phase: 'released', outcome: 'unneeded' } as const;
    expect(stepOf(job, [runs, gone]).do).toBe('stay');
    const refused = { ...second, phase: 'released', outcome: 'refused' } as const;
    expect(stepOf(job, [{ ...first, phase: 'starting' }, refused]).do).toBe('stay');
  });

  it('ends the job as the one that ran ended, whatever became of the other', () => {
    const ended = { ...first, phase: 'released', outcome: 'succeeded' } as const;
    const gone = { ...second, phase: 'released', outcome: 'unneeded' } as const;
    expect(stepOf(jobWith({ sla }), [ended, gone])).toEqual({ do: 'end', outcome: 'completed' });
  });
});

describe('a gang', () => {
  const gang = jobWith({ nodes: 3 });
  const nodes = [0, 1, 2].map((slot) => nth(slot, { role: 'node', slot, report: started }));
  const with2 = (wanted: Partial<Attempt>): readonly Attempt[] =>
    nodes.map((node) => (node.slot === 2 ? { ...node, ...wanted } : node));

  it('is placed whole, at one offer that can host it', () => {
    const single = { ...cheap, hostId: 'host-1' };
    const few = { ...beside, quantity: 2 };
    const step = stepOf(gang, [], [single, few, elsewhere]);
    expect(step.do === 'place' ? step.placements : []).toMatchObject(
      [0, 1, 2].map((slot) => ({ role: 'node', slot, ranked: { offer: elsewhere } })),
    );
    expect(stepOf(gang, [], [single, few]).do).toBe('wait');
  });

  it('shares the budget among its leases', () => {
    const budget = { maxPricePerHour: null, maxCost: usd(6) };
    expect(stepOf(jobWith({ nodes: 3, budget }), [])).toMatchObject({
      placements: Array(3).fill({ maxLeaseMs: 2 * HOUR_MS, maxLeaseMeans: 'out-of-budget' }),
    });
  });

  it.each<{ reason: string; wanted: Partial<Attempt> }>([
    { reason: 'is refused', wanted: { phase: 'released', outcome: 'refused' } },
    { reason: 'is lost', wanted: { phase: 'releasing', outcome: 'interrupted' } },
    { reason: 'is given up', wanted: { abandonAs: 'start-timeout' } },
    {
      reason: 'fails',
      wanted: { report: { ...started, exit: { code: 1, reason: 'exited', atMs: NOW_MS } } },
    },
  ])('is given up as a whole when one node $reason', ({ wanted }) => {
    expect(stepOf(gang, with2(wanted))).toEqual({
      do: 'abandon',
      attempts: [nodes[0]?.id, nodes[1]?.id],
      as: 'gang-broken',
    });
  });

  it('goes on while its nodes end well one after the other, and is done when all have', () => {
    const done = { phase: 'released', outcome: 'succeeded' } as const;
    expect(stepOf(gang, with2(done)).do).toBe('stay');
    const all = nodes.map((node) => ({ ...node, ...done }));
    expect(stepOf(gang, all)).toEqual({ do: 'end', outcome: 'completed' });
  });

  it('uses one retry however many of its nodes were lost', () => {
    const lost = nodes.map((node) => ({
      ...node,
      phase: 'released' as const,
      outcome: node.slot === 0 ? ('gang-broken' as const) : ('interrupted' as const),
    }));
    const retry = { on: ['interruption' as const], limit: 1 };
    expect(stepOf(jobWith({ nodes: 3, retry }), lost).do).toBe('place');
    const again = lost.map((node) => ({ ...node, round: 2 }));
    expect(stepOf(jobWith({ nodes: 3, retry }), [...lost, ...again])).toEqual({
      do: 'end',
      outcome: 'retries-exhausted',
    });
  });
});
