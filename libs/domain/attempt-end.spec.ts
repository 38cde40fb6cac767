import {
  attemptOutcomes,
  type Attempt,
  type AttemptOutcome,
  type WorkloadExitReason,
} from './attempt';
import { attemptCost } from './billing';
import { abandoned, abandonReason, type Advance } from './dispatch';
import { usd } from './money';
import { attemptOf, NOW_MS, runningSince, saw, stepped, terms } from './testing/attempts';

const MINUTE_MS = 60_000;

describe('an order that was accepted and that nobody took', () => {
  const ordered = attemptOf({ phase: 'starting', externalId: 'd-1' });
  const { attempt, suspensions } = stepped(
    ordered,
    saw('ended', { cause: 'no-capacity' }),
    terms,
    NOW_MS,
  );

  it('is a refusal that costs nothing and keeps the offer out of placement', () => {
    expect(attempt).toMatchObject({
      phase: 'releasing',
      outcome: 'refused',
      errorKind: 'no-capacity',
      billedFromMs: null,
    });
    expect(suspensions).toMatchObject([{ scope: 'offer', reason: 'no-capacity' }]);
    const after = stepped(attempt, saw('gone'), terms, NOW_MS + MINUTE_MS).attempt;
    expect(after).toMatchObject({ phase: 'released', billedFromMs: null, billedToMs: null });
    expect(attemptCost(after, NOW_MS + MINUTE_MS)).toBe(0);
  });

  it('is an interruption once the workload has run', () => {
    const ran = { ...ordered, phase: 'running' as const, report: runningSince(NOW_MS - 1_000) };
    const lost = stepped(ran, saw('ended', { cause: 'no-capacity' }), terms, NOW_MS).attempt;
    expect(lost).toMatchObject({ outcome: 'interrupted', billedFromMs: ran.billedFromMs });
  });
});

describe('the price that a provider shows after the start', () => {
  const running = attemptOf({ phase: 'running', report: runningSince(NOW_MS) });
  const drifts = (advance: Advance) =>
    advance.news.filter(({ type }) => type === 'attempt.price-drifted');

  it.each<{ reason: string; dollars: number; told: number }>([
    { reason: 'as quoted', dollars: 1, told: 0 },
    { reason: 'less than quoted', dollars: 0.5, told: 0 },
    { reason: 'within half a per cent', dollars: 1.005, told: 0 },
    { reason: 'just above that', dollars: 1.005_001, told: 1 },
    { reason: 'twice as much', dollars: 2, told: 1 },
  ])('is told $told times when it is $reason, and never charged', ({ dollars, told }) => {
    const seen = saw('active', { pricePerHour: usd(dollars) });
    const first = stepped(running, seen, terms, NOW_MS);
    const second = stepped(first.attempt, seen, terms, NOW_MS + 5_000);
    expect(drifts(first)).toHaveLength(told);
    expect(drifts(second)).toHaveLength(0);
    expect(second.attempt.observedPricePerHour).toBe(usd(dollars));
    expect(second.attempt.offer.pricePerHour).toBe(usd(1));
    expect(attemptCost(second.attempt, NOW_MS)).toBe(attemptCost(running, NOW_MS));
  });
});

describe('a notice of interruption', () => {
  it('is told once and dated by the first that was seen', () => {
    const running = attemptOf({ phase: 'running', report: runningSince(NOW_MS) });
    const first = stepped(running, saw('interrupting'), terms, NOW_MS);
    expect(first.news).toMatchObject([{ type: 'attempt.notice' }]);
    expect(first.attempt).toMatchObject({ phase: 'running', noticeAtMs: NOW_MS });
    const second = stepped(first.attempt, saw('interrupting'), terms, NOW_MS + 5_000);
    expect(second.news).toEqual([]);
    expect(second.attempt.noticeAtMs).toBe(NOW_MS);
  });
});

describe('how an attempt ends', () => {
  const exited = (code: number, reason: WorkloadExitReason) => ({
    ...runningSince(NOW_MS - 10_000),
    exit: { code, reason, atMs: NOW_MS },
  });

  it.each<{
    reason: string;
    exit: readonly [number, WorkloadExitReason];
    attempt?: Partial<Attempt>;
    outcome: AttemptOutcome;
  }>([
    { reason: 'exit code 0', exit: [0, 'exited'], outcome: 'succeeded' },
    { reason: 'another exit code', exit: [3, 'exited'], outcome: 'workload-failed' },
    { reason: 'a signal of its own', exit: [139, 'signalled'], outcome: 'workload-failed' },
    { reason: 'its maximum duration', exit: [143, 'max-duration'], outcome: 'max-duration' },
    {
      reason: 'the duration that its budget paid for',
      exit: [143, 'max-duration'],
      attempt: { maxLeaseMeans: 'out-of-budget' },
      outcome: 'out-of-budget',
    },
    { reason: 'being stopped from outside', exit: [143, 'stopped'], outcome: 'interrupted' },
    { reason: 'never having started', exit: [125, 'start-failed'], outcome: 'start-timeout' },
    { reason: 'a router out of reach', exit: [143, 'lost-control-plane'], outcome: 'went-silent' },
  ])('after $reason is $outcome', ({ exit, attempt = {}, outcome }) => {
    for (const phase of ['starting', 'running'] as const) {
      const over = attemptOf({ phase, report: exited(...exit), ...attempt });
      expect(stepped(over, saw('active'), terms, NOW_MS).attempt).toMatchObject({
        phase: 'releasing',
        outcome,
      });
    }
  });

  it('is what the supervisor said, even when the lease has gone meanwhile', () => {
    const over = attemptOf({ phase: 'running', report: exited(0, 'exited') });
    expect(stepped(over, saw('gone'), terms, NOW_MS).attempt.outcome).toBe('succeeded');
  });

  it('is an interruption when the lease goes without a word', () => {
    const running = attemptOf({ phase: 'running', report: runningSince(NOW_MS) });
    for (const state of ['ended', 'gone'] as const)
      expect(stepped(running, saw(state), terms, NOW_MS).attempt.outcome).toBe('interrupted');
  });
});

describe('giving an attempt up', () => {
  const running = { phase: 'running', report: runningSince(NOW_MS - 60_000) } as const;
  it.each<{ reason: string; attempt: Partial<Attempt>; outcome: AttemptOutcome | null }>([
    { reason: 'all is well', attempt: running, outcome: null },
    {
      reason: 'somebody asked',
      attempt: { phase: 'acquiring', abandonAs: 'cancelled' },
      outcome: 'cancelled',
    },
    {
      reason: 'it is over already',
      attempt: { phase: 'releasing', abandonAs: 'cancelled' },
      outcome: null,
    },
    {
      reason: 'it did not start in time',
      attempt: { phase: 'starting', phaseSinceMs: NOW_MS - terms.startLimitMs },
      outcome: 'start-timeout',
    },
    {
      reason: 'it has a moment left to start',
      attempt: { phase: 'starting', phaseSinceMs: NOW_MS - terms.startLimitMs + 1 },
      outcome: null,
    },
    {
      reason: 'its workload started before we saw it',
      attempt: { ...running, phase: 'starting', phaseSinceMs: NOW_MS - terms.startLimitMs },
      outcome: null,
    },
    {
      reason: 'it was not heard of for too long',
      attempt: {
        ...running,
        phaseSinceMs: NOW_MS - terms.silenceLimitMs,
        report: runningSince(NOW_MS - terms.silenceLimitMs),
      },
      outcome: 'went-silent',
    },
    {
      reason: 'its heartbeat is recent',
      attempt: {
        ...running,
        phaseSinceMs: NOW_MS - terms.silenceLimitMs,
        report: { ...runningSince(NOW_MS - terms.silenceLimitMs), heartbeatAtMs: NOW_MS - 1 },
      },
      outcome: null,
    },
    {
      reason: 'its longest lease is over',
      attempt: { ...running, maxLeaseMs: MINUTE_MS },
      outcome: 'max-duration',
    },
    {
      reason: 'its budget is used up',
      attempt: { ...running, maxLeaseMs: MINUTE_MS, maxLeaseMeans: 'out-of-budget' },
      outcome: 'out-of-budget',
    },
    {
      reason: 'its lease has a moment left',
      attempt: { ...running, maxLeaseMs: MINUTE_MS + 1 },
      outcome: null,
    },
  ])('is $outcome when $reason', ({ attempt, outcome }) => {
    expect(abandonReason(attemptOf(attempt), terms, NOW_MS)).toBe(outcome);
  });

  it('releases what may be held, and needs nothing where nothing was asked for', () => {
    for (const outcome of attemptOutcomes) {
      expect(abandoned(attemptOf({ phase: 'planned' }), outcome, NOW_MS).attempt).toMatchObject({
        phase: 'released',
        outcome,
      });
      expect(abandoned(attemptOf({ phase: 'acquiring' }), outcome, NOW_MS).attempt).toMatchObject({
        phase: 'releasing',
        outcome,
      });
    }
  });
});
