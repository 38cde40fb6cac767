import type { Attempt } from './attempt';
import type { Job, JobOutcome } from './job';
import { deadlineAtMs } from './job';
import { REST, type DecisionView, type JobStep, type JobView, type Placement } from './job-view';
import { hedgedPair } from './hedge';
import { leaseBound } from './lease-bound';
import { DECISION_FRESH_MS, liveStep, openOffers, reconsiderationView } from './live-step';
import { reconsider } from './reconsider';
import { decisiveOf, lastRound, meaningOf, retriesUsed, triedInRound } from './rounds';
import { serviceStep } from './service-step';
import { givenUpAs, waitStep } from './wait-step';

/** A point of priority is worth this much earlier arrival, so that a low priority is overtaken for a bounded time only. */
export const AGEING_MS_PER_PRIORITY = 600_000;

/** The place in line as one number: first come first served among equals, and every point of priority is worth some waiting. */
export function lineKey(submittedAtMs: number, priority: number): number {
  return submittedAtMs - priority * AGEING_MS_PER_PRIORITY;
}

/** What to do for a job now. Everything about its life between submission and end can be pointed at here. */
export function jobStep(view: JobView): JobStep {
  const { job, attempts, nowMs } = view;
  if (job.outcome !== null) return REST;
  if (job.spec.replicas !== null) return serviceStep(view, job.spec.replicas);
  const live = attempts.filter(({ phase }) => phase !== 'released');
  if (live.length > 0) return liveStep(view, live);
  if (job.cancelRequestedAtMs !== null && decisiveOf(lastRound(attempts))?.outcome !== 'succeeded')
    return { do: 'end', outcome: 'cancelled' };
  const ended = endOf(job, attempts);
  if (ended !== null) return { do: 'end', outcome: ended };
  if (isTooLateToStart(job, attempts, nowMs)) return { do: 'end', outcome: 'deadline-passed' };
  const givenUp = givenUpAs(job, attempts, nowMs);
  if (givenUp !== null) return { do: 'end', outcome: givenUp };
  if (view.decision === null || !isFresh(view, view.decision)) return { do: 'decide' };
  return placementStep(view, view.decision);
}

/** How the last try ends the job, or null when it may be tried again. */
function endOf({ spec }: Job, attempts: readonly Attempt[]): JobOutcome | null {
  const last = decisiveOf(lastRound(attempts));
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

/** A job that has never had a placement is not begun after its deadline; one that has is finished, late as it is. */
function isTooLateToStart(job: Job, attempts: readonly Attempt[], nowMs: number): boolean {
  const deadline = deadlineAtMs(job);
  return deadline !== null && attempts.length === 0 && nowMs >= deadline;
}

/** Placements come from a recent decision; where the last attempt came from it as well, only if it was merely refused. */
function isFresh({ job, attempts, nowMs }: JobView, decision: DecisionView): boolean {
  if (nowMs - decision.atMs > DECISION_FRESH_MS) return false;
  const last = decisiveOf(lastRound(attempts));
  return last === undefined || last.decisionId !== job.decisionId || !isNewDecisionNeeded(last);
}

function isNewDecisionNeeded({ outcome, errorKind }: Attempt): boolean {
  return outcome !== 'refused' || errorKind === 'price-moved';
}

/** Where to, among the offers that can be asked for now, is for the reconsideration to say, as for a job that runs. */
function placementStep(view: JobView, decision: DecisionView): JobStep {
  const { job, attempts, nowMs } = view;
  const outlook = reconsider(reconsiderationView(view, decision, []));
  const open = openOffers(view, decision, triedInRound(attempts));
  const chosen = open.find(({ offer }) => offer.id === outlook.to);
  if (chosen === undefined) return waitStep(view, decision, outlook);
  const hedge = hedgedPair(view, open, chosen, outlook);
  if (hedge !== null) return { do: 'place', placements: hedge, outlook };
  const { nodes } = job.spec;
  const bound = leaseBound(job, attempts, chosen.offer, nodes, nowMs, chosen.effective?.coverage);
  if (bound.maxLeaseMs <= 0) return { do: 'end', outcome: 'budget-exhausted' };
  const role = nodes === 1 ? 'solo' : 'node';
  const placements = Array.from({ length: nodes }, (_, slot): Placement => ({
    ranked: chosen,
    role,
    slot,
    ...bound,
  }));
  return { do: 'place', placements, outlook };
}

/** Whether a deadline that has passed can still be told from one that was kept. */
export function isLate(job: Job): boolean {
  const deadline = deadlineAtMs(job);
  return deadline !== null && job.endedAtMs !== null && job.endedAtMs > deadline;
}
