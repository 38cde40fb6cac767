import fc from 'fast-check';
import {
  attemptMachine,
  attemptPhases,
  mayHoldLease,
  NO_REPORT,
  type AttemptPhase,
} from './attempt';
import { attemptDueAtMs } from './attempt-due';
import { attemptCost } from './billing';
import { abandonReason, isQuiet, moveFor, toldBySupervisor } from './dispatch';
import {
  providerErrorKinds,
  reactions,
  SAME_CALL_LIMIT,
  type ProviderErrorKind,
  type SuspensionScope,
} from './failover';
import { moveIn } from './loop';
import {
  anyAttempt,
  anyOutcome,
  anyTerms,
  attemptOf,
  failed,
  NOW_MS,
  runningSince,
  saw,
  stepped,
  terms,
} from './testing/attempts';

const MINUTE_MS = 60_000;

const follows = (from: AttemptPhase, to: AttemptPhase): boolean =>
  from === to || Object.values(attemptMachine.transitions[from]).includes(to);

describe('a step of any attempt', () => {
  const anyStep = fc.tuple(anyAttempt, anyOutcome, anyTerms);

  it('leads to a phase that the machine allows, and never throws', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(anyStep, ([attempt, outcome, terms]) => {
        const next = stepped(attempt, outcome, terms, NOW_MS).attempt;
        reached.add(`${attempt.phase}>${next.phase}`);
        expect(follows(attempt.phase, next.phase)).toBe(true);
      }),
      { numRuns: 5_000, seed: 1 },
    );
    for (const from of attemptPhases) {
      for (const to of Object.values(attemptMachine.transitions[from]))
        expect(reached).toContain(`${from}>${to}`);
    }
  });

  it('does not believe that a lease is gone before it has been quiet long enough', () => {
    const silent = anyStep.filter(
      ([attempt, , terms]) =>
        mayHoldLease.has(attempt.phase) && !isQuiet(attempt, NOW_MS, terms.quietMs),
    );
    fc.assert(
      fc.property(silent, ([attempt, , terms]) => {
        fc.pre(abandonReason(attempt, terms, NOW_MS) === null);
        fc.pre(toldBySupervisor(attempt) === null);
        const next = stepped(attempt, saw('gone'), terms, NOW_MS).attempt;
        expect(mayHoldLease.has(next.phase)).toBe(true);
        expect(next.outcome).toBe(attempt.outcome);
        expect(next.unseenSinceMs).not.toBeNull();
        if (next.phase !== attempt.phase) {
          expect([attempt.phase, next.phase]).toEqual(['acquiring', 'confirming']);
        }
      }),
    );
  });

  it('keeps an outcome once it is decided', () => {
    fc.assert(
      fc.property(anyStep, ([attempt, outcome, terms]) => {
        fc.pre(attempt.outcome !== null);
        expect(stepped(attempt, outcome, terms, NOW_MS).attempt.outcome).toBe(attempt.outcome);
      }),
    );
  });

  it('ends every life with an outcome, and leaves releasing only for a gone that is believed', () => {
    const script = fc.array(
      fc.record({ outcome: anyOutcome, waitMs: fc.integer({ min: 1, max: 120_000 }) }),
      { minLength: 1, maxLength: 40 },
    );
    let ended = 0;
    fc.assert(
      fc.property(script, anyTerms, (calls, manners) => {
        let attempt = attemptOf({ phase: 'planned', dueAtMs: NOW_MS });
        let nowMs = NOW_MS;
        for (const { outcome, waitMs } of calls) {
          const before = attempt;
          attempt = stepped(before, outcome, manners, nowMs).attempt;
          if (before.outcome !== null) expect(attempt.outcome).toBe(before.outcome);
          if (before.phase === 'released') expect(attempt).toEqual(before);
          if (before.phase === 'releasing' && attempt.phase !== 'releasing') {
            expect(outcome).toMatchObject({ saw: { state: 'gone' } });
            expect(isQuiet(before, nowMs, manners.quietMs)).toBe(true);
          }
          nowMs += waitMs;
        }
        if (attempt.phase !== 'released') return;
        ended += 1;
        expect(attempt.outcome).not.toBeNull();
        expect(attemptDueAtMs(attempt, manners, null, nowMs)).toBeNull();
        if (attempt.billedFromMs !== null) expect(attempt.billedToMs).not.toBeNull();
      }),
      { numRuns: 2_000, seed: 2 },
    );
    expect(ended).toBeGreaterThan(100);
  });
});

describe('the move for an attempt', () => {
  it.each<{ reason: string; unseenForMs: number | null; repeatable: boolean; move: string }>([
    { reason: 'nothing was asked yet', unseenForMs: null, repeatable: false, move: 'acquire' },
    { reason: 'a repeat finds the first', unseenForMs: 1, repeatable: true, move: 'acquire' },
    {
      reason: 'a repeat would buy a second: look first',
      unseenForMs: terms.quietMs - 1,
      repeatable: false,
      move: 'observe',
    },
    {
      reason: 'the lost one would show by now',
      unseenForMs: terms.quietMs,
      repeatable: false,
      move: 'acquire',
    },
  ])('while acquiring is $move when $reason', ({ unseenForMs, repeatable, move }) => {
    const unseenSinceMs = unseenForMs === null ? null : NOW_MS - unseenForMs;
    const attempt = attemptOf({ phase: 'acquiring', unseenSinceMs });
    expect(moveFor(attempt, { ...terms, repeatable }, NOW_MS)).toBe(move);
  });

  it('in any other phase is the one of the table', () => {
    for (const phase of attemptPhases.filter((each) => each !== 'acquiring'))
      expect(moveFor(attemptOf({ phase }), terms, NOW_MS)).toBe(moveIn[phase]);
  });
});

describe('a refusal', () => {
  interface Row {
    readonly kind: ProviderErrorKind;
    readonly calls: number;
    readonly scope: SuspensionScope | null;
    readonly key: string;
    readonly forMs: number;
  }
  const offerId = attemptOf({}).offer.id;
  const rows: readonly Row[] = [
    { kind: 'no-capacity', calls: 1, scope: 'offer', key: offerId, forMs: 3 * MINUTE_MS },
    { kind: 'price-moved', calls: 1, scope: 'offer', key: offerId, forMs: MINUTE_MS },
    {
      kind: 'quota-exceeded',
      calls: 1,
      scope: 'provider-region',
      key: 'acme/north',
      forMs: 30 * MINUTE_MS,
    },
    { kind: 'rate-limited', calls: 4, scope: 'offer', key: offerId, forMs: 2 * MINUTE_MS },
    { kind: 'unavailable', calls: 4, scope: 'offer', key: offerId, forMs: 2 * MINUTE_MS },
    {
      kind: 'credentials-rejected',
      calls: 1,
      scope: 'provider',
      key: 'acme',
      forMs: 30 * MINUTE_MS,
    },
    { kind: 'funds-exhausted', calls: 1, scope: 'provider', key: 'acme', forMs: 30 * MINUTE_MS },
    {
      kind: 'request-rejected',
      calls: 1,
      scope: 'offer-for-job',
      key: offerId,
      forMs: 24 * 60 * MINUTE_MS,
    },
    { kind: 'unsupported', calls: 1, scope: null, key: '', forMs: 0 },
    { kind: 'unmapped', calls: 4, scope: 'offer', key: offerId, forMs: 2 * MINUTE_MS },
  ];

  it('has a row here for every kind', () => {
    expect(rows.map(({ kind }) => kind)).toEqual([...providerErrorKinds]);
    expect(SAME_CALL_LIMIT).toBe(4);
  });

  it.each(rows)('of kind $kind counts after $calls calls', ({ kind, calls, scope, key, forMs }) => {
    let attempt = attemptOf({ phase: 'acquiring' });
    for (let call = 1; call < calls; call += 1) {
      const again = stepped(attempt, failed(kind), terms, NOW_MS);
      expect(again.suspensions).toEqual([]);
      expect(again.attempt).toMatchObject({ phase: 'acquiring', failedCalls: call });
      attempt = again.attempt;
    }
    const { attempt: refused, suspensions } = stepped(attempt, failed(kind), terms, NOW_MS);
    expect(refused).toMatchObject({ phase: 'confirming', errorKind: kind, outcome: null });
    const jobId = scope === 'offer-for-job' ? attempt.jobId : null;
    const untilMs = NOW_MS + forMs;
    expect(suspensions).toEqual(
      scope === null ? [] : [{ scope, key, jobId, fromMs: NOW_MS, untilMs, reason: kind }],
    );
  });

  it('is bounded as well where a lost create must be looked for between two calls', () => {
    const manners = { ...terms, repeatable: false };
    let attempt = attemptOf({ phase: 'acquiring', billedFromMs: null });
    let nowMs = NOW_MS;
    let calls = 0;
    for (let step = 0; step < 100 && attempt.phase === 'acquiring'; step += 1) {
      const isCall = moveFor(attempt, manners, nowMs) === 'acquire';
      if (isCall) calls += 1;
      attempt = stepped(
        attempt,
        isCall ? failed('unavailable') : saw('gone'),
        manners,
        nowMs,
      ).attempt;
      nowMs = attemptDueAtMs(attempt, manners, null, nowMs) ?? Infinity;
    }
    expect(attempt.phase).toBe('confirming');
    expect(calls).toBe(SAME_CALL_LIMIT);
  });

  it('is confirmed by a believed gone, and then costs nothing', () => {
    const refused = attemptOf({
      phase: 'confirming',
      errorKind: 'no-capacity',
      unseenSinceMs: NOW_MS - terms.quietMs,
    });
    const { attempt } = stepped(refused, saw('gone'), terms, NOW_MS);
    expect(attempt).toMatchObject({
      phase: 'released',
      outcome: 'refused',
      billedFromMs: null,
      billedToMs: null,
    });
    expect(attemptCost(attempt, NOW_MS)).toBe(0);
  });

  it('that was none after all is forgotten: the lease is there', () => {
    const refused = attemptOf({
      phase: 'confirming',
      errorKind: 'unavailable',
      errorText: 'no answer',
      unseenSinceMs: NOW_MS,
    });
    const { attempt } = stepped(refused, saw('active'), terms, NOW_MS);
    expect(attempt).toMatchObject({
      phase: 'starting',
      errorKind: null,
      errorText: null,
      unseenSinceMs: null,
    });
  });

  it('is remembered in its own words when the read that confirms it fails first', () => {
    const refused = attemptOf({
      phase: 'confirming',
      errorKind: 'unsupported',
      errorText: 'secret "x" is not known',
      unseenSinceMs: NOW_MS - terms.quietMs,
    });
    const read = stepped(refused, failed('rate-limited'), terms, NOW_MS).attempt;
    expect(read.failedCalls).toBe(1);
    const { attempt } = stepped(read, saw('gone'), terms, NOW_MS + 1_000);
    expect(attempt).toMatchObject({
      outcome: 'refused',
      errorKind: 'unsupported',
      errorText: 'secret "x" is not known',
    });
  });

  it('only ever follows a call to acquire: other calls are repeated for as long as it takes', () => {
    const phases = ['confirming', 'starting', 'running', 'releasing'] as const;
    for (const phase of phases) {
      for (const kind of providerErrorKinds) {
        const report = phase === 'running' ? runningSince(NOW_MS) : NO_REPORT;
        const attempt = attemptOf({ phase, failedCalls: 50, report });
        const next = stepped(attempt, failed(kind), terms, NOW_MS);
        expect(next.attempt).toMatchObject({ phase, failedCalls: 51 });
        expect(next.suspensions).toEqual([]);
      }
    }
  });

  it('is one for which somebody is called exactly where the table says so', () => {
    expect(providerErrorKinds.filter((kind) => reactions[kind].page)).toEqual([
      'quota-exceeded',
      'credentials-rejected',
      'funds-exhausted',
      'request-rejected',
      'unsupported',
      'unmapped',
    ]);
  });
});
