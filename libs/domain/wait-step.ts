import type { Attempt } from './attempt';
import type { Job, JobOutcome } from './job';
import type { DecisionView, JobStep, JobView } from './job-view';
import type { Reconsideration } from './outlook';

/** A job that nothing can serve is looked at again at least this often, in case a wake-up got lost. */
export const RECHECK_MS = 300_000;

/** How a job ends that has waited too long for capacity, or null while it may wait. */
export function givenUpAs(
  job: Job,
  attempts: readonly Attempt[],
  nowMs: number,
): JobOutcome | null {
  if (nowMs < giveUpAtMs(job, attempts)) return null;
  const hasRun = attempts.some(({ report }) => report.startedAtMs !== null);
  return hasRun ? 'retries-exhausted' : 'queue-timeout';
}

/** The queue timeout bounds every wait for capacity: the first, and each one after a loss. */
export function giveUpAtMs({ spec, submittedAtMs }: Job, attempts: readonly Attempt[]): number {
  const lastRan = attempts.findLast(({ report }) => report.startedAtMs !== null);
  return (lastRan?.phaseSinceMs ?? submittedAtMs) + spec.sla.queueTimeoutMs;
}

/** Wait in line for every offer that could serve later; once one of those that the decision left out has opened, decide again. */
export function waitStep(
  { job, attempts, suspensions, nowMs }: JobView,
  { summary }: DecisionView,
  outlook: Reconsideration,
): JobStep {
  const { ranked, awaitedUntilMs } = summary;
  const ends = ranked.flatMap(({ offer }) => suspensions.find(offer)?.untilMs ?? []);
  if (awaitedUntilMs !== null && awaitedUntilMs <= nowMs) return { do: 'decide' };
  if (awaitedUntilMs !== null) ends.push(awaitedUntilMs);
  const looksMs = [nowMs + RECHECK_MS, outlook.nextLookAtMs, giveUpAtMs(job, attempts)];
  const soonestMs = Math.min(...looksMs, ...ends);
  const usable = ranked.filter(({ offer }) => suspensions.find(offer)?.scope !== 'offer-for-job');
  const passedOver = outlook.because === 'no-capacity' ? usable : [];
  const awaited = [...new Set([...passedOver.map(({ offer }) => offer.id), ...summary.awaited])];
  return { do: 'wait', untilMs: Math.max(soonestMs, nowMs + 1), awaited, outlook };
}
