import {
  asAttemptId,
  asDecisionId,
  decide,
  summarise,
  usd,
  withEffectiveCosts,
  type Attempt,
  type DecisionInput,
} from '#libs/domain';
import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS, ManualClock } from '#libs/testkit';
import type { StoredDecision } from '#libs/storage';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { CalibrateCosts } from './calibrate-costs';

const HOUR_MS = 3_600_000;
const KEY = 'acme/on-demand';
const offer = anOffer({ pricePerHour: usd(2), startupMs: 360_000 });
const spec = aSpec({ durationEstimateMs: 4 * HOUR_MS });
const job = aJob({ id: 'job-1', spec });
const input: DecisionInput = {
  job: { id: job.id, spec, deadlineAtMs: null, spent: usd(0) },
  policy: { version: '', rules: [], preferences: {} },
  offers: [offer],
  health: {},
  suspensions: [],
  nowMs: BUILT_AT_MS,
};

/** An attempt that was placed from the decision above, took `startMs` to start and ran `ranMs`. */
function ended(startMs: number, ranMs: number, wanted: Partial<Attempt> = {}): Attempt {
  const startedAtMs = BUILT_AT_MS + startMs;
  const isLost = wanted.outcome === 'interrupted';
  return {
    ...anAttempt({ id: 'att-1', jobId: 'job-1', offer }),
    decisionId: asDecisionId('dec-1'),
    phase: 'released',
    outcome: 'succeeded',
    billedFromMs: BUILT_AT_MS,
    billedToMs: startedAtMs + ranMs,
    ...wanted,
    report: {
      ...anAttempt({ id: 'att-1', jobId: 'job-1' }).report,
      startedAtMs,
      exit: isLost ? null : { code: 0, reason: 'exited', atMs: startedAtMs + ranMs },
    },
  };
}

class Books {
  readonly clock = new ManualClock(BUILT_AT_MS + 10 * HOUR_MS);
  readonly tables = new MemoryTables();
  private readonly calibrate = new CalibrateCosts(memoryStores(this.tables), this.clock);

  constructor(attempts: readonly Attempt[], { keepsPrediction = true } = {}) {
    this.tables.jobs.set(job.id, job);
    this.tables.attemptsOf.set(
      job.id,
      attempts.map(({ id }) => id),
    );
    for (const attempt of attempts) this.tables.attempts.set(attempt.id, attempt);
    const summary = summarise(decide(input));
    const decision = {
      id: asDecisionId('dec-1'),
      summary: keepsPrediction ? withEffectiveCosts(summary, input) : summary,
      reserves: [],
    } as unknown as StoredDecision;
    this.tables.decisions.set(decision.id, decision);
  }

  async told(id = 'att-1') {
    await this.calibrate.run(asAttemptId(id));
    return this.tables.costTables.calibration[KEY];
  }
}

describe('comparing what was predicted with what it came to', () => {
  it('counts an attempt that went as expected, once', async () => {
    const books = new Books([ended(360_000, 4 * HOUR_MS)]);
    await books.told();
    const state = await books.told();
    expect(state?.terms['start-up']).toEqual({
      weight: 1,
      predicted: usd(0.2),
      realised: usd(0.2),
    });
    expect(state?.terms.charge.weight).toBe(1);
    const { predicted = 1, realised = 0 } = state?.terms.charge ?? {};
    expect(realised / predicted).toBeCloseTo(1, 1);
    expect([state?.finished, state?.within90]).toEqual([1, 1]);
  });

  it('tells a slow start, and one bill outside of what nine in ten were expected to be', async () => {
    const state = await new Books([ended(5 * 360_000, 4 * HOUR_MS)]).told();
    expect(state?.terms['start-up'].realised).toBe(usd(1));
    expect(state?.terms.waiting).toMatchObject({ predicted: 360_000, realised: 5 * 360_000 });
    expect([state?.finished, state?.within90]).toEqual([1, 0]);
  });

  it('counts a loss and the bill of the whole job with it', async () => {
    const lost = ended(360_000, 3 * HOUR_MS, { outcome: 'interrupted' });
    const last = { ...ended(360_000, 4 * HOUR_MS), id: asAttemptId('att-2'), number: 2, round: 2 };
    const books = new Books([lost, last]);
    const afterLoss = await books.told();
    // Three hours of work that nothing saved, and the start that follows.
    expect(afterLoss?.terms.interruption).toMatchObject({ weight: 0, realised: usd(6.2) });
    expect(afterLoss?.finished).toBe(0);
    const state = await books.told('att-2');
    expect(state?.finished).toBe(1);
    expect(state?.within90).toBe(0);
  });

  it.each<[string, Attempt, object]>([
    ['has not ended', ended(1, 1, { phase: 'releasing' }), {}],
    ['had no lease', ended(1, 1, { billedFromMs: null }), {}],
    ['has no prediction that is kept', ended(1, HOUR_MS), { keepsPrediction: false }],
  ])('learns nothing from one that %s', async (_name, attempt, kept) => {
    expect(await new Books([attempt], kept).told()).toBeUndefined();
  });
});
