import type { Attempt } from './attempt';
import { leaseEndsAtMs, type LoopTerms } from './dispatch';

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;

/** When the attempt wants to be looked at next, or null at the end. */
export function attemptDueAtMs(
  attempt: Attempt,
  terms: LoopTerms,
  retryAfterMs: number | null,
  nowMs: number,
): number | null {
  if (attempt.phase === 'released') return null;
  if (attempt.abandonAs !== null && attempt.phase !== 'releasing') return nowMs;
  const restMs = restInPhaseMs(attempt, terms, nowMs);
  const waitMs =
    attempt.failedCalls > 0 ? Math.max(retryAfterMs ?? 0, backoffMs(attempt.failedCalls)) : restMs;
  const dueAtMs = nowMs + waitMs;
  const bounded =
    attempt.phase === 'starting' || attempt.phase === 'running' ? leaseEndsAtMs(attempt) : Infinity;
  return Math.max(nowMs, Math.min(dueAtMs, bounded));
}

function restInPhaseMs(attempt: Attempt, terms: LoopTerms, nowMs: number): number {
  const untilQuietMs =
    attempt.unseenSinceMs === null ? 0 : Math.max(0, attempt.unseenSinceMs + terms.quietMs - nowMs);
  switch (attempt.phase) {
    case 'planned':
      return 0;
    case 'acquiring':
    case 'confirming':
      return Math.min(untilQuietMs, terms.observeEveryMs);
    case 'starting':
    case 'running':
      return attempt.report.exit === null ? terms.observeEveryMs : 0;
    case 'releasing':
      return attempt.phaseSinceMs === nowMs
        ? 0
        : Math.max(BACKOFF_FIRST_MS, Math.min(untilQuietMs, terms.observeEveryMs));
    case 'released':
      return 0;
  }
}

export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(10, failures - 1));
}
