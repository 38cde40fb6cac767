import fc from 'fast-check';
import { mayHoldLease, type Attempt } from './attempt';
import { attemptDueAtMs, backoffMs, RETRY_AFTER_MAX_MS } from './attempt-due';
import { leaseEndsAtMs } from './dispatch';
import { anyAttempt, anyTerms, attemptOf, NOW_MS, runningSince, terms } from './testing/attempts';

/** The longest pause that any of the rules may make; the provider's manners are at most this in `anyTerms`. */
const LONGEST_MS = Math.max(RETRY_AFTER_MAX_MS, 120_000);

describe('when an attempt is due next', () => {
  const anyRetryAfter = fc.option(fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }));

  it('is a moment soon to come, and none only once it is released', () => {
    fc.assert(
      fc.property(anyAttempt, anyTerms, anyRetryAfter, (attempt, manners, retryAfterMs) => {
        const dueAtMs = attemptDueAtMs(attempt, manners, retryAfterMs, NOW_MS);
        if (attempt.phase === 'released') return expect(dueAtMs).toBeNull();
        expect(Number.isSafeInteger(dueAtMs)).toBe(true);
        expect(dueAtMs).toBeGreaterThanOrEqual(NOW_MS);
        expect(dueAtMs).toBeLessThanOrEqual(NOW_MS + LONGEST_MS);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is never after the end of a lease that runs', () => {
    const live = anyAttempt.filter(({ phase }) => phase === 'starting' || phase === 'running');
    fc.assert(
      fc.property(live, anyTerms, anyRetryAfter, (attempt, manners, retryAfterMs) => {
        const dueAtMs = attemptDueAtMs(attempt, manners, retryAfterMs, NOW_MS) ?? Infinity;
        expect(dueAtMs).toBeLessThanOrEqual(Math.max(NOW_MS, leaseEndsAtMs(attempt)));
      }),
    );
  });

  it('is at once when it is to be given up', () => {
    const wanted = anyAttempt.filter(
      ({ phase }) => mayHoldLease.has(phase) && phase !== 'releasing',
    );
    fc.assert(
      fc.property(wanted, anyTerms, anyRetryAfter, (attempt, manners, retryAfterMs) => {
        const given = { ...attempt, abandonAs: 'cancelled' as const };
        expect(attemptDueAtMs(given, manners, retryAfterMs, NOW_MS)).toBe(NOW_MS);
      }),
    );
  });

  const lookSlowly = { ...terms, repeatable: false };
  const exited = {
    ...runningSince(NOW_MS),
    exit: { code: 0, reason: 'exited' as const, atMs: NOW_MS },
  };
  it.each<{
    reason: string;
    attempt: Partial<Attempt>;
    terms?: typeof terms;
    retryAfterMs?: number;
    inMs: number;
  }>([
    { reason: 'nothing was done yet', attempt: { phase: 'planned' }, inMs: 0 },
    {
      reason: 'a read is due as soon as silence means absence',
      attempt: { phase: 'confirming', unseenSinceMs: NOW_MS - terms.quietMs + 2_000 },
      inMs: 2_000,
    },
    {
      reason: 'silence means nothing for long',
      attempt: { phase: 'confirming', unseenSinceMs: NOW_MS },
      inMs: terms.observeEveryMs,
    },
    { reason: 'all is well', attempt: { phase: 'running' }, inMs: terms.observeEveryMs },
    { reason: 'the workload has ended', attempt: { phase: 'running', report: exited }, inMs: 0 },
    {
      reason: 'the lease ends before the next look',
      attempt: { phase: 'running', billedFromMs: NOW_MS - 1_000, maxLeaseMs: 3_000 },
      inMs: 2_000,
    },
    {
      reason: 'it has only just begun to start',
      attempt: { phase: 'starting', phaseSinceMs: NOW_MS },
      inMs: 1_000,
    },
    {
      reason: 'it has been starting for an odd number of milliseconds',
      attempt: { phase: 'starting', phaseSinceMs: NOW_MS - 4_001 },
      inMs: 2_001,
    },
    {
      reason: 'it has been starting for long',
      attempt: { phase: 'starting', phaseSinceMs: NOW_MS - 60_000 },
      inMs: terms.observeEveryMs,
    },
    {
      reason: 'it has only just begun to release',
      attempt: { phase: 'releasing', phaseSinceMs: NOW_MS },
      inMs: 0,
    },
    { reason: 'the release is repeated', attempt: { phase: 'releasing' }, inMs: 1_000 },
    { reason: 'a call failed', attempt: { phase: 'running', failedCalls: 1 }, inMs: 1_000 },
    { reason: 'three calls failed', attempt: { phase: 'running', failedCalls: 3 }, inMs: 4_000 },
    {
      reason: 'the provider asks for a pause',
      attempt: { phase: 'acquiring', failedCalls: 1 },
      retryAfterMs: 30_000,
      inMs: 30_000,
    },
    {
      reason: 'the provider asks for a shorter pause than ours',
      attempt: { phase: 'acquiring', failedCalls: 4 },
      retryAfterMs: 1_000,
      inMs: 8_000,
    },
    {
      reason: 'the provider asks for days, with a lease that may be charged',
      attempt: { phase: 'releasing', failedCalls: 1 },
      retryAfterMs: 999_999_000,
      inMs: RETRY_AFTER_MAX_MS,
    },
    {
      reason: 'a lost create is looked for',
      attempt: { phase: 'acquiring', failedCalls: 1, unseenSinceMs: NOW_MS },
      terms: lookSlowly,
      inMs: terms.observeEveryMs,
    },
    {
      reason: 'a lost create may be repeated',
      attempt: { phase: 'acquiring', failedCalls: 2, unseenSinceMs: NOW_MS - terms.quietMs },
      terms: lookSlowly,
      inMs: 2_000,
    },
  ])('is in $inMs ms when $reason', ({ attempt, terms: own, retryAfterMs, inMs }) => {
    const dueAtMs = attemptDueAtMs(attemptOf(attempt), own ?? terms, retryAfterMs ?? null, NOW_MS);
    expect(dueAtMs).toBe(NOW_MS + inMs);
  });
});

describe('the back-off', () => {
  it('doubles from a second up to a minute, whatever the number of failures', () => {
    expect([1, 2, 3, 6, 7, 8].map(backoffMs)).toEqual([
      1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (failures) =>
        expect(backoffMs(failures)).toBeLessThanOrEqual(60_000),
      ),
    );
  });
});
