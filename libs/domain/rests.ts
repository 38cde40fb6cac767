import type { Attempt, AttemptEvent, AttemptOutcome } from './attempt';
import { EXHAUSTED_CALL_SUSPENSION, reactions, type Reaction } from './failover';
import type { Move, Outcome } from './loop';
import { suspensionKey, type Suspension } from './suspension';

/** The market accepted the order and nobody took it. */
export function isWithoutCapacity(outcome: Outcome): boolean {
  return 'saw' in outcome && outcome.saw.cause === 'no-capacity';
}
/** What the failover table keeps out of placement after a refusal. */
export function suspensionsFor(
  attempt: Attempt,
  move: Move,
  outcome: Outcome,
  event: AttemptEvent | null,
  nowMs: number,
): readonly Suspension[] {
  if (event === 'interrupted' && isWithoutCapacity(outcome))
    return suspension(attempt, reactions['no-capacity'].suspend, 'no-capacity', nowMs);
  if (move !== 'acquire' || !('failed' in outcome) || event !== 'lease-refused') return [];
  const { kind } = outcome.failed;
  const reaction = reactions[kind];
  const rest = reaction.next === 'same-call' ? EXHAUSTED_CALL_SUSPENSION : reaction.suspend;
  return suspension(attempt, rest, kind, nowMs);
}

/** How long a place rests for a job that it failed in one of these ways, so that a retry does not meet the same fault. */
const restAfterFailureMs: { readonly [O in AttemptOutcome]?: number } = {
  'start-timeout': 1_800_000,
  'went-silent': 1_800_000,
};

/** What is kept out of the job's next placement after an attempt that was given up or has ended so. */
export function restAfter(attempt: Attempt, nowMs: number): readonly Suspension[] {
  const { outcome } = attempt;
  const forMs = outcome === null ? undefined : restAfterFailureMs[outcome];
  if (outcome === null || forMs === undefined) return [];
  return suspension(attempt, { scope: 'offer-for-job', forMs }, outcome, nowMs);
}

function suspension(
  attempt: Attempt,
  rest: Reaction['suspend'],
  reason: string,
  nowMs: number,
): readonly Suspension[] {
  if (rest === null) return [];
  const { scope, forMs } = rest;
  const jobId = scope === 'offer-for-job' ? attempt.jobId : null;
  return [
    {
      scope,
      key: suspensionKey(scope, attempt.offer),
      jobId,
      fromMs: nowMs,
      untilMs: nowMs + forMs,
      reason,
    },
  ];
}
