import fc from 'fast-check';
import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import {
  attemptOutcomes,
  attemptPhases,
  NO_REPORT,
  type Attempt,
  type AttemptOutcome,
} from './attempt';
import { costTermNames, type CostTerms, type DecisionSummary, type RankedOffer } from './decision';
import { asDecisionId } from './ids';
import { jobOutcomes, retryCauses, type Job, type JobSpec } from './job';
import { isLate, jobStep } from './job-step';
import { REST, type JobStep, type JobView } from './job-view';
import { DECISION_FRESH_MS } from './live-step';
import { DEFAULT_PREFERENCES } from './policy';
import { meaningOf, retriesUsed } from './rounds';
import { usd, ZERO_USD } from './money';
import type { Offer } from './offer';
import { indexSuspensions, type Suspension } from './suspension';
import { runningSince } from './testing/attempts';

const HOUR_MS = 3_600_000;
const NOW_MS = BUILT_AT_MS + HOUR_MS;
const THIS = asDecisionId('dec-this');
const EARLIER = asDecisionId('dec-earlier');

const cheap = anOffer({ instanceType: 'cheap', pricePerHour: usd(1) });
const dear = anOffer({ instanceType: 'dear', pricePerHour: usd(2) });

const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;
const ranked = (offer: Offer): RankedOffer => ({
  offer,
  terms,
  expectedCost: offer.pricePerHour,
  latenessBps: 0,
  noReturnAtMs: null,
});

const summaryOf = (wanted: Partial<DecisionSummary> = {}): DecisionSummary => ({
  engine: 'decide/1',
  ranked: [ranked(cheap), ranked(dear)],
  rankedCount: 2,
  rejectedCount: 0,
  rejectionCounts: {},
  ruleCounts: {},
  nearestMisses: [],
  awaited: [],
  awaitedUntilMs: null,
  baseline: null,
  ...wanted,
});

const jobWith = (spec: Partial<JobSpec> = {}, wanted: Partial<Omit<Job, 'id' | 'spec'>> = {}) =>
  aJob({ decisionId: THIS, ...wanted, id: 'job-1', spec: aSpec(spec) });

/** A released attempt of the earlier decision that cost a dollar, unless said otherwise. */
const ended = (outcome: AttemptOutcome, wanted: Partial<Omit<Attempt, 'id' | 'jobId'>> = {}) =>
  anAttempt({
    phase: 'released',
    outcome,
    decisionId: EARLIER,
    phaseSinceMs: NOW_MS - 60_000,
    ...wanted,
    id: 'att-1',
    jobId: 'job-1',
  });

const suspended = (offer: Offer, untilMs: number): Suspension => ({
  scope: 'offer',
  key: offer.id,
  jobId: null,
  fromMs: NOW_MS - 1,
  untilMs,
  reason: 'no-capacity',
});

interface Wanted extends Partial<Omit<JobView, 'suspensions' | 'decision'>> {
  readonly suspensions?: readonly Suspension[];
  readonly summary?: Partial<DecisionSummary> | null;
  readonly decidedAtMs?: number;
}

function stepOf({ suspensions = [], summary = {}, decidedAtMs = NOW_MS, ...wanted }: Wanted) {
  const view: JobView = {
    job: jobWith(),
    spokenFor: new Set(),
    nowMs: NOW_MS,
    ...wanted,
    attempts: oneByOne(wanted.attempts ?? []),
    decision: summary === null ? null : decisionOf(summary, decidedAtMs),
    suspensions: indexSuspensions(suspensions, jobWith().id, wanted.nowMs ?? NOW_MS),
  };
  return jobStep(view);
}

/** Attempts in the order in which they were made, each a try of its own. */
const oneByOne = (attempts: readonly Attempt[]): readonly Attempt[] =>
  attempts.map((attempt, index) => ({ ...attempt, number: index + 1, round: index + 1 }));

const decisionOf = (summary: Partial<DecisionSummary>, atMs: number): JobView['decision'] => ({
  atMs,
  summary: summaryOf(summary),
  reserves: [],
  health: {},
  preferences: DEFAULT_PREFERENCES,
});

const placed = (step: JobStep): string | null =>
  step.do === 'place' ? (step.placements[0]?.ranked.offer.instanceType ?? null) : null;

describe('a job that needs nothing', () => {
  it('rests once it has an outcome, whatever else is true', () => {
    for (const outcome of jobOutcomes)
      expect(stepOf({ job: jobWith({}, { outcome, cancelRequestedAtMs: 1 }) })).toEqual(REST);
  });

  it('rests while an attempt of it is not released and it is being cancelled', () => {
    for (const phase of attemptPhases.filter((each) => each !== 'released')) {
      const attempts = [ended('refused'), { ...ended('refused'), phase, outcome: null }];
      expect(stepOf({ attempts, job: jobWith({}, { cancelRequestedAtMs: 1 }) })).toEqual(REST);
    }
  });
});

describe('cancelling', () => {
  const job = jobWith({}, { cancelRequestedAtMs: NOW_MS });
  it('ends a job however its last attempt ended, unless that has succeeded', () => {
    expect(stepOf({ job })).toEqual({ do: 'end', outcome: 'cancelled' });
    for (const outcome of attemptOutcomes)
      expect(stepOf({ job, attempts: [ended(outcome)] })).toEqual({
        do: 'end',
        outcome: outcome === 'succeeded' ? 'completed' : 'cancelled',
      });
  });
});

describe('the end of an attempt', () => {
  const all = { retry: { on: [...retryCauses], limit: 1 } };
  it.each<{ outcome: AttemptOutcome; first: string; second: string }>([
    { outcome: 'succeeded', first: 'completed', second: 'completed' },
    { outcome: 'workload-failed', first: 'again', second: 'workload-failed' },
    { outcome: 'interrupted', first: 'again', second: 'retries-exhausted' },
    { outcome: 'went-silent', first: 'again', second: 'retries-exhausted' },
    { outcome: 'start-timeout', first: 'again', second: 'retries-exhausted' },
    { outcome: 'refused', first: 'again', second: 'again' },
    { outcome: 'moved', first: 'again', second: 'again' },
    { outcome: 'price-drifted', first: 'again', second: 'again' },
    { outcome: 'unneeded', first: 'again', second: 'again' },
    { outcome: 'gang-broken', first: 'again', second: 'again' },
    { outcome: 'max-duration', first: 'workload-failed', second: 'workload-failed' },
    { outcome: 'out-of-budget', first: 'budget-exhausted', second: 'budget-exhausted' },
    { outcome: 'cancelled', first: 'cancelled', second: 'cancelled' },
  ])('$outcome means $first, and $second after one retry', ({ outcome, first, second }) => {
    const means = (attempts: readonly Attempt[]): string => {
      const step = stepOf({ job: jobWith(all), attempts });
      return step.do === 'end' ? step.outcome : 'again';
    };
    expect(means([ended(outcome)])).toBe(first);
    expect(means([ended(outcome), ended(outcome)])).toBe(second);
  });

  it('has a row for every outcome', () => {
    expect(Object.keys(meaningOf).sort()).toEqual([...attemptOutcomes].sort());
  });

  it('is tried again for the causes that the job names, and for no other', () => {
    const causes = {
      'workload-failed': 'error',
      interrupted: 'interruption',
      'went-silent': 'interruption',
      'start-timeout': 'start-failure',
    } as const;
    for (const [outcome, cause] of Object.entries(causes) as [keyof typeof causes, string][]) {
      for (const on of retryCauses) {
        const job = jobWith({ retry: { on: [on], limit: 5 } });
        const step = stepOf({ job, attempts: [ended(outcome)] });
        const refusal = outcome === 'workload-failed' ? 'workload-failed' : 'retries-exhausted';
        expect(step).toMatchObject(
          on === cause ? { do: 'place' } : { do: 'end', outcome: refusal },
        );
      }
    }
  });

  it('allows as many retries as the limit says: refusals and moves cost none', () => {
    const ends = fc.array(fc.constantFrom<AttemptOutcome>('interrupted', 'refused', 'moved'), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(ends, fc.integer({ min: 0, max: 10 }), (outcomes, limit) => {
        const attempts = oneByOne(outcomes.map((outcome) => ended(outcome)));
        const lost = outcomes.filter((outcome) => outcome === 'interrupted').length;
        expect(retriesUsed(attempts)).toBe(lost);
        const job = jobWith({ retry: { on: ['interruption'], limit } });
        const goesOn = lost <= limit || outcomes.at(-1) !== 'interrupted';
        expect(stepOf({ job, attempts }).do).toBe(goesOn ? 'place' : 'end');
      }),
    );
  });

  it('stops the job when its request is one that nobody supports', () => {
    const attempts = [ended('refused', { errorKind: 'unsupported' })];
    expect(stepOf({ attempts })).toEqual({ do: 'end', outcome: 'unsupported' });
  });

  it('is judged by the outcome, not by a call that failed on the way there', () => {
    const attempts = [ended('succeeded', { errorKind: 'unsupported' })];
    expect(stepOf({ attempts })).toEqual({ do: 'end', outcome: 'completed' });
  });
});

describe('time limits', () => {
  const sla = (wanted: Partial<JobSpec['sla']>): Partial<JobSpec> => ({
    sla: { ...aSpec().sla, ...wanted },
  });
  const ran = (outcome: AttemptOutcome, releasedAtMs: number) =>
    ended(outcome, { phaseSinceMs: releasedAtMs, report: runningSince(BUILT_AT_MS + 1) });

  it.each<{ reason: string; spec: Partial<JobSpec>; attempts?: Attempt[]; ends: string | null }>([
    {
      reason: 'a deadline passed before the first placement',
      spec: sla({ deadlineMs: HOUR_MS }),
      ends: 'deadline-passed',
    },
    {
      reason: 'a deadline is a moment away',
      spec: sla({ deadlineMs: HOUR_MS + 1 }),
      ends: null,
    },
    {
      reason: 'a deadline passed after a placement: finished late beats not finished',
      spec: sla({ deadlineMs: HOUR_MS }),
      attempts: [ran('interrupted', NOW_MS)],
      ends: null,
    },
    {
      reason: 'no capacity came in time',
      spec: sla({ queueTimeoutMs: HOUR_MS }),
      ends: 'queue-timeout',
    },
    {
      reason: 'a moment is left to wait',
      spec: sla({ queueTimeoutMs: HOUR_MS + 1 }),
      ends: null,
    },
    {
      reason: 'every offer refused until the time was up',
      spec: sla({ queueTimeoutMs: HOUR_MS }),
      attempts: [ended('refused', { report: NO_REPORT })],
      ends: 'queue-timeout',
    },
    {
      reason: 'the wait began anew when the lease was lost',
      spec: sla({ queueTimeoutMs: HOUR_MS }),
      attempts: [ran('interrupted', NOW_MS - HOUR_MS + 1)],
      ends: null,
    },
    {
      reason: 'no capacity came after the loss either',
      spec: sla({ queueTimeoutMs: HOUR_MS }),
      attempts: [ran('interrupted', NOW_MS - HOUR_MS), ended('refused')],
      ends: 'retries-exhausted',
    },
  ])('end the job with $ends when $reason', ({ spec, attempts = [], ends }) => {
    const step = stepOf({ job: jobWith(spec), attempts });
    expect(step.do === 'end' ? step.outcome : null).toBe(ends);
  });

  it('are told apart afterwards: late is what ended after its deadline', () => {
    const job = jobWith(sla({ deadlineMs: HOUR_MS }));
    expect(isLate({ ...job, endedAtMs: NOW_MS })).toBe(false);
    expect(isLate({ ...job, endedAtMs: NOW_MS + 1 })).toBe(true);
    expect(isLate({ ...jobWith(), endedAtMs: NOW_MS + 1 })).toBe(false);
  });
});

describe('a decision', () => {
  /** Made and used within the same millisecond, as a fast router does. */
  const ofThis = (outcome: AttemptOutcome, wanted: Partial<Attempt> = {}) =>
    ended(outcome, { decisionId: THIS, createdAtMs: NOW_MS, offer: cheap, ...wanted });

  it.each<{ reason: string; wanted: Wanted; does: JobStep['do'] }>([
    { reason: 'there is none', wanted: { summary: null }, does: 'decide' },
    {
      reason: 'it is as old as may be',
      wanted: { decidedAtMs: NOW_MS - DECISION_FRESH_MS },
      does: 'place',
    },
    {
      reason: 'it is older',
      wanted: { decidedAtMs: NOW_MS - DECISION_FRESH_MS - 1 },
      does: 'decide',
    },
    {
      reason: 'it was made after the last attempt',
      wanted: { attempts: [ended('interrupted')] },
      does: 'place',
    },
    {
      reason: 'it was made after the last attempt, on a clock that is behind',
      wanted: { attempts: [ended('interrupted', { createdAtMs: NOW_MS + 5_000 })] },
      does: 'place',
    },
    {
      reason: 'its placement was lost',
      wanted: { attempts: [ofThis('interrupted')] },
      does: 'decide',
    },
    {
      reason: 'its prices have moved',
      wanted: { attempts: [ofThis('refused', { errorKind: 'price-moved' })] },
      does: 'decide',
    },
    {
      reason: 'its placement was refused: it has others',
      wanted: { attempts: [ofThis('refused', { errorKind: 'no-capacity' })] },
      does: 'place',
    },
  ])('is asked for or used when $reason', ({ wanted, does }) => {
    expect(stepOf(wanted).do).toBe(does);
  });

  it('is gone through in its order, and no offer is tried again before every other has had its turn', () => {
    expect(placed(stepOf({}))).toBe('cheap');
    const refused = ofThis('refused', { errorKind: 'no-capacity' });
    expect(placed(stepOf({ attempts: [refused] }))).toBe('dear');
    const attempts = [refused, { ...refused, offer: dear }];
    const untilMs = NOW_MS + 9_000;
    const suspensions = [suspended(cheap, untilMs), suspended(dear, untilMs)];
    expect(stepOf({ attempts, suspensions })).toMatchObject({
      do: 'wait',
      untilMs,
      awaited: [cheap.id, dear.id],
    });
    expect(placed(stepOf({ attempts }))).toBe('cheap');
  });

  it('passes over what is suspended and what an earlier job waits for', () => {
    expect(placed(stepOf({ suspensions: [suspended(cheap, NOW_MS + 1)] }))).toBe('dear');
    expect(placed(stepOf({ spokenFor: new Set([cheap.id]) }))).toBe('dear');
    expect(stepOf({ spokenFor: new Set([cheap.id, dear.id]) }).do).toBe('wait');
  });
});

describe('waiting', () => {
  const nothing = { ranked: [], rankedCount: 0 };
  it.each<{ reason: string; wanted: Wanted; inMs: number }>([
    {
      reason: 'nothing is known: a look now and then',
      wanted: { summary: nothing },
      inMs: 300_000,
    },
    {
      reason: 'the first of several suspensions ends',
      wanted: { suspensions: [suspended(cheap, NOW_MS + 9_000), suspended(dear, NOW_MS + 7_000)] },
      inMs: 7_000,
    },
    {
      reason: 'one that the decision had left out ends sooner',
      wanted: {
        suspensions: [suspended(cheap, NOW_MS + 9_000), suspended(dear, NOW_MS + 8_000)],
        summary: { awaitedUntilMs: NOW_MS + 2_000 },
      },
      inMs: 2_000,
    },
    {
      reason: 'the queue timeout comes first',
      wanted: {
        summary: nothing,
        job: jobWith({ sla: { ...aSpec().sla, queueTimeoutMs: HOUR_MS + 500 } }),
      },
      inMs: 500,
    },
  ])('lasts $inMs ms when $reason', ({ wanted, inMs }) => {
    expect(stepOf(wanted)).toMatchObject({ do: 'wait', untilMs: NOW_MS + inMs });
  });

  it('is in line for every offer that could serve, each once', () => {
    const summary = { awaited: [dear.id, anOffer({ instanceType: 'full' }).id] };
    const step = stepOf({ summary, spokenFor: new Set([cheap.id, dear.id]) });
    expect(step).toMatchObject({ awaited: [cheap.id, dear.id, 'acme/north/full/on-demand'] });
  });

  it('is over when a suspension has ended that the decision still knew: it is made again', () => {
    const summary = { ...nothing, awaited: [cheap.id], awaitedUntilMs: NOW_MS };
    expect(stepOf({ summary, decidedAtMs: NOW_MS - 5_000 })).toEqual({ do: 'decide' });
  });
});

describe('the longest lease', () => {
  const startupMs = cheap.startupMs;
  const sla = { ...aSpec().sla, maxDurationMs: 2 * HOUR_MS };
  const budget = (dollars: number | null) => ({
    sla,
    budget: { maxPricePerHour: null, maxCost: dollars === null ? null : usd(dollars) },
  });
  const spent = ended('interrupted', {
    offer: cheap,
    billedFromMs: NOW_MS - HOUR_MS,
    billedToMs: NOW_MS,
  });

  it.each<{ reason: string; dollars: number | null; attempts?: Attempt[]; ms: number; by: string }>(
    [
      {
        reason: 'there is no budget',
        dollars: null,
        ms: 2 * HOUR_MS + startupMs,
        by: 'max-duration',
      },
      {
        reason: 'the budget is ample',
        dollars: 50,
        ms: 2 * HOUR_MS + startupMs,
        by: 'max-duration',
      },
      { reason: 'the budget buys less', dollars: 1.5, ms: 1.5 * HOUR_MS, by: 'out-of-budget' },
      {
        reason: 'some of it is spent',
        dollars: 1.5,
        attempts: [spent],
        ms: 0.5 * HOUR_MS,
        by: 'out-of-budget',
      },
    ],
  )('is bounded by $by when $reason', ({ dollars, attempts = [], ms, by }) => {
    expect(stepOf({ job: jobWith(budget(dollars)), attempts })).toMatchObject({
      do: 'place',
      placements: [{ maxLeaseMs: ms, maxLeaseMeans: by }],
    });
  });

  it('is none when not even the least that is charged can be paid: the budget is used up', () => {
    for (const dollars of [0, 1, 1 + 0.9 / 60])
      expect(stepOf({ job: jobWith(budget(dollars)), attempts: [spent] })).toEqual({
        do: 'end',
        outcome: 'budget-exhausted',
      });
    expect(stepOf({ job: jobWith(budget(1 + 1 / 60)), attempts: [spent] }).do).toBe('place');
  });
});
