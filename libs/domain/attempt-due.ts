import type { Attempt } from './attempt';
import { leaseEndsAtMs, leftByMs, moveFor } from './dispatch';
import type { LoopTerms } from './loop';

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
const FIRST_LOOK_MS = 1_000;
/** A provider that asks for a longer pause is asked again all the same: meanwhile a lease may be charged that nobody watches. */
export const RETRY_AFTER_MAX_MS = 600_000;

/** When the attempt wants to be looked at next, or null at the end. */
export function attemptDueAtMs(
  attempt: Attempt,
  terms: LoopTerms,
  retryAfterMs: number | null,
  nowMs: number,
): number | null {
  if (attempt.phase === 'released') return null;
  if (attempt.abandonAs !== null && attempt.phase !== 'releasing') return nowMs;
  const leftMs = attempt.phase === 'releasing' ? Infinity : leftByMs(attempt);
  const restMs = restInPhaseMs(attempt, terms, nowMs);
  const dueAtMs =
    nowMs +
    (attempt.failedCalls > 0 ? afterFailureMs(attempt, terms, retryAfterMs, nowMs) : restMs);
  const bounded =
    attempt.phase === 'starting' || attempt.phase === 'running' ? leaseEndsAtMs(attempt) : Infinity;
  return Math.max(nowMs, Math.min(dueAtMs, bounded, leftMs));
}

/** Back-off, at least as long as the provider asks; while a lost create is looked for, no more often than without a failure. */
function afterFailureMs(
  attempt: Attempt,
  terms: LoopTerms,
  retryAfterMs: number | null,
  nowMs: number,
): number {
  const askedMs = Math.min(RETRY_AFTER_MAX_MS, Math.max(0, retryAfterMs ?? 0));
  const isLooking = attempt.phase === 'acquiring' && moveFor(attempt, terms, nowMs) === 'observe';
  const lookMs = isLooking ? restInPhaseMs(attempt, terms, nowMs) : 0;
  return Math.max(askedMs, backoffMs(attempt.failedCalls), lookMs);
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
      return earlyLookMs(attempt, terms, nowMs);
    case 'running':
      if (attempt.report.exit !== null) return 0;
      return attempt.unseenSinceMs === null
        ? terms.observeEveryMs
        : earlyLookMs(attempt, terms, nowMs);
    case 'releasing':
      return attempt.phaseSinceMs === nowMs
        ? 0
        : Math.max(BACKOFF_FIRST_MS, Math.min(untilQuietMs, terms.observeEveryMs));
    case 'released':
      return 0;
  }
}

/**
 * Often at first, then at the provider's own pace: a market has to be taken through its steps, and a lease that no read has
 * shown yet cannot be believed to be gone.
 */
function earlyLookMs(
  { phaseSinceMs }: Attempt,
  { observeEveryMs }: LoopTerms,
  nowMs: number,
): number {
  const ageMs = Math.ceil((nowMs - phaseSinceMs) / 2);
  return Math.min(observeEveryMs, Math.max(FIRST_LOOK_MS, ageMs));
}

/** The pause after so many failures in a row: doubled each time, up to a minute. */
export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(10, failures - 1));
}
