import type { Attempt, AttemptOutcome } from './attempt';
import { affordableMs, spentOn } from './billing';
import type { DecisionSummary, RankedOffer } from './decision';
import type { OfferId } from './ids';
import type { Job, JobOutcome, JobState, RetryCause } from './job';
import { deadlineAtMs } from './job';
import { microUsd } from './money';
import type { SuspensionIndex } from './suspension';

/** A point of priority is worth this much earlier arrival, so that a low priority is overtaken for a bounded time only. */
export const AGEING_MS_PER_PRIORITY = 600_000;
/** A decision older than this is not placed from. */
export const DECISION_FRESH_MS = 60_000;
/** A job that nothing can serve is looked at again at least this often, in case a wake-up got lost. */
const RECHECK_MS = 300_000;

/** The place in line as one number: first come first served among equals, and every point of priority is worth some waiting. */
export function lineKey(submittedAtMs: number, priority: number): number {
  return submittedAtMs - priority * AGEING_MS_PER_PRIORITY;
}

type Meaning =
  | { readonly is: 'end'; readonly outcome: JobOutcome }
  | { readonly is: 'again'; readonly uses: RetryCause | null };

/** What the end of an attempt means for the job. `uses: null` costs no retry: the workload never had a chance. */
export const meaningOf: { readonly [O in AttemptOutcome]: Meaning } = {
  succeeded: { is: 'end', outcome: 'completed' },
  'workload-failed': { is: 'again', uses: 'error' },
  interrupted: { is: 'again', uses: 'interruption' },
  'went-silent': { is: 'again', uses: 'interruption' },
  'start-timeout': { is: 'again', uses: 'start-failure' },
  refused: { is: 'again', uses: null },
  moved: { is: 'again', uses: null },
  'price-drifted': { is: 'again', uses: null },
  'max-duration': { is: 'end', outcome: 'workload-failed' },
  'out-of-budget': { is: 'end', outcome: 'budget-exhausted' },
  cancelled: { is: 'end', outcome: 'cancelled' },
};

export interface JobView {
  readonly job: Job;
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
  /** The one that the job names, or null when it has none. */
  readonly decision: { readonly atMs: number; readonly summary: DecisionSummary } | null;
  readonly suspensions: SuspensionIndex;
  /** Offers for which an earlier job is waiting; they are not for us yet. */
  readonly spokenFor: ReadonlySet<string>;
  readonly nowMs: number;
}

export type JobStep =
  | { readonly do: 'rest' }
  | { readonly do: 'decide' }
  | {
      readonly do: 'place';
      readonly placement: RankedOffer;
      readonly maxLeaseMs: number;
      readonly maxLeaseMeans: Attempt['maxLeaseMeans'];
    }
  | { readonly do: 'wait'; readonly untilMs: number; readonly awaited: readonly OfferId[] }
  | { readonly do: 'end'; readonly outcome: JobOutcome };

/** What to do for a job now. Everything about its life between submission and end can be pointed at here. */
export function jobStep(view: JobView): JobStep {
  const { job, attempts, nowMs } = view;
  if (job.outcome !== null) return { do: 'rest' };
  if (attempts.some(({ phase }) => phase !== 'released')) return { do: 'rest' };
  if (job.cancelRequestedAtMs !== null && attempts.at(-1)?.outcome !== 'succeeded')
    return { do: 'end', outcome: 'cancelled' };
  const ended = endOf(job, attempts);
  if (ended !== null) return { do: 'end', outcome: ended };
  if (isTooLateToStart(job, attempts, nowMs)) return { do: 'end', outcome: 'deadline-passed' };
  if (nowMs >= giveUpAtMs(job, attempts))
    return { do: 'end', outcome: hasRun(attempts) ? 'retries-exhausted' : 'queue-timeout' };
  if (!isFresh(view)) return { do: 'decide' };
  return placementStep(view);
}

/** How the last attempt ends the job, or null when it may be tried again. */
function endOf({ spec }: Job, attempts: readonly Attempt[]): JobOutcome | null {
  const last = attempts.at(-1);
  if (last === undefined || last.outcome === null) return null;
  if (last.outcome === 'refused' && last.errorKind === 'unsupported') return 'unsupported';
  const meaning = meaningOf[last.outcome];
  if (meaning.is === 'end') return meaning.outcome;
  if (meaning.uses === null) return null;
  if (!spec.retry.on.includes(meaning.uses))
    return meaning.uses === 'error' ? 'workload-failed' : 'retries-exhausted';
  if (retriesUsed(attempts) <= spec.retry.limit) return null;
  return meaning.uses === 'error' ? 'workload-failed' : 'retries-exhausted';
}

/** How many tries have been used up that count; the limit counts retries, so the first failure uses the first. */
export function retriesUsed(attempts: readonly Attempt[]): number {
  return attempts.filter(({ outcome }) => {
    const meaning = outcome === null ? null : meaningOf[outcome];
    return meaning?.is === 'again' && meaning.uses !== null;
  }).length;
}

function hasRun(attempts: readonly Attempt[]): boolean {
  return attempts.some(({ report }) => report.startedAtMs !== null);
}

/** A job that has never had a placement is not begun after its deadline; one that has is finished, late as it is. */
function isTooLateToStart(job: Job, attempts: readonly Attempt[], nowMs: number): boolean {
  const deadline = deadlineAtMs(job);
  return deadline !== null && attempts.length === 0 && nowMs >= deadline;
}

/** The queue timeout bounds every wait for capacity: the first, and each one after a loss. */
function giveUpAtMs({ spec, submittedAtMs }: Job, attempts: readonly Attempt[]): number {
  const lastRan = attempts.findLast(({ report }) => report.startedAtMs !== null);
  return (lastRan?.phaseSinceMs ?? submittedAtMs) + spec.sla.queueTimeoutMs;
}

/** Placements come from a recent decision; where the last attempt came from it as well, only if it was merely refused. */
function isFresh({ job, decision, attempts, nowMs }: JobView): boolean {
  if (decision === null || nowMs - decision.atMs > DECISION_FRESH_MS) return false;
  const last = attempts.at(-1);
  return last === undefined || last.decisionId !== job.decisionId || !isNewDecisionNeeded(last);
}

function isNewDecisionNeeded({ outcome, errorKind }: Attempt): boolean {
  return outcome !== 'refused' || errorKind === 'price-moved';
}

function placementStep(view: JobView): JobStep {
  const { job, attempts, decision, suspensions, spokenFor, nowMs } = view;
  if (decision === null) return { do: 'decide' };
  const tried = triedInRound(attempts);
  const open = decision.summary.ranked.filter(
    ({ offer }) => suspensions.find(offer) === null && !spokenFor.has(offer.id),
  );
  const placement = open.find(({ offer }) => !tried.has(offer.id)) ?? open[0];
  if (placement === undefined) return waitStep(view);
  const bound = leaseBound(job, attempts, placement, nowMs);
  if (bound.maxLeaseMs <= 0) return { do: 'end', outcome: 'budget-exhausted' };
  return { do: 'place', placement, ...bound };
}

/**
 * The offers that have refused the job since it last got a lease, each once: every other one has its turn before the first
 * is asked again, however long confirming the refusals took.
 */
export function triedInRound(attempts: readonly Attempt[]): ReadonlySet<OfferId> {
  let round = new Set<OfferId>();
  for (const { outcome, offer } of attempts) {
    if (outcome !== 'refused') round = new Set();
    else if (round.has(offer.id)) round = new Set([offer.id]);
    else round.add(offer.id);
  }
  return round;
}

/** Wait in line for every offer that could serve later; once one of those that the decision left out has opened, decide again. */
function waitStep({ job, attempts, decision, suspensions, nowMs }: JobView): JobStep {
  const ranked = decision?.summary.ranked ?? [];
  const ends = ranked.flatMap(({ offer }) => suspensions.find(offer)?.untilMs ?? []);
  const awaitedUntilMs = decision?.summary.awaitedUntilMs ?? null;
  if (awaitedUntilMs !== null && awaitedUntilMs <= nowMs) return { do: 'decide' };
  if (awaitedUntilMs !== null) ends.push(awaitedUntilMs);
  const soonestMs = Math.min(nowMs + RECHECK_MS, giveUpAtMs(job, attempts), ...ends);
  const usable = ranked.filter(({ offer }) => suspensions.find(offer)?.scope !== 'offer-for-job');
  const awaited = [
    ...new Set([...usable.map(({ offer }) => offer.id), ...(decision?.summary.awaited ?? [])]),
  ];
  return { do: 'wait', untilMs: Math.max(soonestMs, nowMs + 1), awaited };
}

/** The shorter of the job's own maximum and what its budget still buys at this price. */
function leaseBound(
  job: Job,
  attempts: readonly Attempt[],
  { offer }: RankedOffer,
  nowMs: number,
): Pick<Attempt, 'maxLeaseMs' | 'maxLeaseMeans'> {
  const jobMs = job.spec.sla.maxDurationMs + offer.startupMs;
  const { maxCost } = job.spec.budget;
  if (maxCost === null) return { maxLeaseMs: jobMs, maxLeaseMeans: 'max-duration' };
  const left = microUsd(Math.max(0, maxCost - spentOn(attempts, nowMs)));
  const paidMs = affordableMs(left, offer.pricePerHour, offer.billing);
  return paidMs < jobMs
    ? { maxLeaseMs: paidMs, maxLeaseMeans: 'out-of-budget' }
    : { maxLeaseMs: jobMs, maxLeaseMeans: 'max-duration' };
}

/** The job's state follows from its outcome and its attempts, oldest first. */
export function jobStateOf(
  job: Pick<Job, 'outcome' | 'cancelRequestedAtMs'>,
  attempts: readonly Pick<Attempt, 'phase' | 'outcome'>[],
): JobState {
  if (job.outcome !== null) {
    if (job.outcome === 'completed') return 'succeeded';
    return job.outcome === 'cancelled' ? 'cancelled' : 'failed';
  }
  const last = attempts.at(-1);
  if (job.cancelRequestedAtMs !== null || last?.phase === 'releasing') return 'stopping';
  if (last === undefined) return 'queued';
  if (last.phase !== 'released') return last.phase === 'running' ? 'running' : 'starting';
  return last.outcome !== null && meaningOf[last.outcome].is === 'end' ? 'stopping' : 'recovering';
}

/** Whether a deadline that has passed can still be told from one that was kept. */
export function isLate(job: Job): boolean {
  const deadline = deadlineAtMs(job);
  return deadline !== null && job.endedAtMs !== null && job.endedAtMs > deadline;
}
