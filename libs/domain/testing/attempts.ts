import fc from 'fast-check';
import { anAttempt, anOffer, BUILT_AT_MS } from '#libs/testkit';
import {
  attemptOutcomes,
  attemptPhases,
  NO_REPORT,
  workloadExitReasons,
  type Attempt,
  type WorkloadReport,
} from '../attempt';
import {
  abandoned,
  abandonReason,
  advanced,
  heard,
  markedUnseen,
  moveFor,
  started,
  toldBySupervisor,
  type Advance,
} from '../dispatch';
import { providerErrorKinds } from '../failover';
import type { CallFailure, LoopTerms, Outcome, Sighting } from '../loop';
import { microUsd, usd } from '../money';

export const NOW_MS = BUILT_AT_MS + 3_600_000;

export const terms: LoopTerms = {
  repeatable: true,
  quietMs: 20_000,
  observeEveryMs: 5_000,
  startLimitMs: 300_000,
  silenceLimitMs: 120_000,
};

/** An attempt in the middle of its life that began a minute ago, at a dollar an hour. */
export const attemptOf = (wanted: Partial<Omit<Attempt, 'id' | 'jobId'>>): Attempt =>
  anAttempt({
    phaseSinceMs: NOW_MS - 60_000,
    billedFromMs: wanted.phase === 'planned' ? null : NOW_MS - 60_000,
    ...wanted,
    id: 'att-1',
    jobId: 'job-1',
  });

export const saw = (state: Sighting['state'], wanted: Partial<Sighting> = {}): Outcome => ({
  saw: {
    state,
    externalId: null,
    cause: null,
    billedFromMs: null,
    billedToMs: null,
    pricePerHour: null,
    ...wanted,
  },
});

export const failed = (kind: CallFailure['kind'], retryAfterMs: number | null = null): Outcome => ({
  failed: { kind, text: `it was ${kind}`, retryAfterMs },
});

/** One step as the dispatcher makes it, with `outcome` as what the provider call came to. */
export function stepped(
  attempt: Attempt,
  outcome: Outcome,
  manners: LoopTerms,
  nowMs: number,
): Advance {
  const told = toldBySupervisor(attempt);
  if (told !== null) return heard(attempt, told, nowMs);
  const reason = abandonReason(attempt, manners, nowMs);
  if (reason !== null) return abandoned(attempt, reason, nowMs);
  const move = moveFor(attempt, manners, nowMs);
  if (move === 'rest') return { attempt, news: [], suspensions: [] };
  if (move === 'start') return started(attempt, nowMs);
  const marked = move === 'acquire' ? markedUnseen(attempt, nowMs) : attempt;
  return advanced(marked, move, outcome, manners, nowMs);
}

/** What a supervisor has said of a workload that runs. */
export const runningSince = (startedAtMs: number): WorkloadReport => ({
  bootId: 'boot-1',
  startedAtMs,
  heartbeatAtMs: startedAtMs,
  checkpointAtMs: null,
  exit: null,
});

/** A moment within the last hour or none. */
const recently = fc.option(fc.integer({ min: NOW_MS - 3_600_000, max: NOW_MS }), { freq: 2 });

export const anySighting: fc.Arbitrary<Outcome> = fc
  .record({
    state: fc.constantFrom<Sighting['state']>(
      'starting',
      'active',
      'interrupting',
      'ended',
      'gone',
    ),
    externalId: fc.constantFrom(null, 'i-1'),
    cause: fc.constantFrom<Sighting['cause']>(
      null,
      'released',
      'workload-ended',
      'interrupted',
      'provider-failed',
      'funds-exhausted',
      'no-capacity',
    ),
    billedFromMs: recently,
    billedToMs: recently,
    pricePerHour: fc.option(fc.integer({ min: 0, max: 5_000_000 }).map(microUsd)),
  })
  .map((sighting) => ({ saw: sighting }));

export const anyFailure: fc.Arbitrary<Outcome> = fc
  .record({
    kind: fc.constantFrom(...providerErrorKinds),
    retryAfterMs: fc.option(fc.integer({ min: -1, max: 1_000_000_000 })),
  })
  .map(({ kind, retryAfterMs }) => failed(kind, retryAfterMs));

export const anyOutcome = fc.oneof(anySighting, anyFailure);

export const anyTerms: fc.Arbitrary<LoopTerms> = fc
  .record({ repeatable: fc.boolean(), quietMs: fc.integer({ min: 0, max: 120_000 }) })
  .map((manners) => ({ ...terms, ...manners }));

export const anyReport: fc.Arbitrary<WorkloadReport> = fc.oneof(
  fc.constant(NO_REPORT),
  fc
    .record({
      startedAtMs: recently,
      exit: fc.option(
        fc.record({
          code: fc.integer({ min: 0, max: 255 }),
          reason: fc.constantFrom(...workloadExitReasons),
          atMs: fc.constant(NOW_MS - 1_000),
        }),
        { freq: 1 },
      ),
    })
    .map(({ startedAtMs, exit }) => ({
      bootId: 'boot-1',
      startedAtMs,
      heartbeatAtMs: startedAtMs,
      checkpointAtMs: null,
      exit,
    })),
);

/** Any attempt that the loop could meet: an outcome only once it is on its way out, no lease before one was asked for. */
export const anyAttempt: fc.Arbitrary<Attempt> = fc
  .record({
    phase: fc.constantFrom(...attemptPhases),
    outcome: fc.constantFrom(...attemptOutcomes),
    abandonAs: fc.oneof(
      { weight: 5, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom(...attemptOutcomes) },
    ),
    unseenSinceMs: recently,
    failedCalls: fc.integer({ min: 0, max: 50 }),
    billedFromMs: recently,
    phaseSinceMs: fc.integer({ min: NOW_MS - 3_600_000, max: NOW_MS }),
    maxLeaseMs: fc.integer({ min: 1, max: 7_200_000 }),
    maxLeaseMeans: fc.constantFrom<Attempt['maxLeaseMeans'][]>('max-duration', 'out-of-budget'),
    report: anyReport,
  })
  .map((parts) => {
    const isOver = parts.phase === 'releasing' || parts.phase === 'released';
    const isUnasked = parts.phase === 'planned';
    return attemptOf({
      ...parts,
      offer: anOffer({ pricePerHour: usd(1) }),
      outcome: isOver ? parts.outcome : null,
      unseenSinceMs: isUnasked ? null : parts.unseenSinceMs,
      billedFromMs: isUnasked ? null : parts.billedFromMs,
    });
  });
