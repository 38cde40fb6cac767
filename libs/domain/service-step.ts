import type { Attempt } from './attempt';
import type { JobOutcome, Replicas } from './job';
import { REST, type DecisionView, type JobStep, type JobView, type Placement } from './job-view';
import { leaseBound } from './lease-bound';
import { DECISION_FRESH_MS, openOffers } from './live-step';
import type { Reconsideration } from './outlook';
import { planService, wishNow } from './promised-replicas';
import { isReady, isStaying, type ReplicaPlan } from './replicas';
import { givenUpAs, RECHECK_MS, waitStep } from './wait-step';

/** A service that lacks replicas looks for supply this often; every change of a replica wakes it besides. */
const LOOK_EVERY_MS = 120_000;

/** What to do for a service now: it runs until it is cancelled, its time is over, its money is spent or its program keeps failing. */
export function serviceStep(view: JobView, wished: Replicas): JobStep {
  const wish = wishNow(view, wished);
  const { job, attempts, decision, nowMs } = view;
  const live = attempts.filter(({ phase }) => phase !== 'released');
  const over = job.cancelRequestedAtMs === null ? endOf(view, live) : 'cancelled';
  if (over !== null) return wind(live, over);
  if (decision === null || nowMs - decision.atMs > DECISION_FRESH_MS)
    return needsDecision(view, wish) ? { do: 'decide' } : resting(view, live);
  const plan = planService(view, wish, openOffers(view, decision, new Set()));
  if (plan.drop.length > 0) return { do: 'abandon', attempts: plan.drop, as: 'unneeded' };
  const placements = bounded(view, plan);
  if (placements.length > 0)
    return { do: 'place', placements, outlook: outlookOf(view, decision, plan) };
  if (live.length > 0)
    return plan.missing > 0 ? waitingBeside(view, decision, plan) : resting(view, live);
  if (plan.place.length > 0) return { do: 'end', outcome: 'budget-exhausted' };
  return waitStep(view, decision, outlookOf(view, decision, plan));
}

/** How a service ends, or null while it goes on. */
function endOf({ job, attempts, nowMs }: JobView, live: readonly Attempt[]): JobOutcome | null {
  const { retry } = job.spec;
  if (nowMs >= endsAtMs({ job, attempts })) return 'completed';
  if (
    attempts.some(({ outcome, errorKind }) => outcome === 'refused' && errorKind === 'unsupported')
  )
    return 'unsupported';
  const failures = attempts.filter(endedByItself).length;
  if (failures > (retry.on.includes('error') ? retry.limit : 0)) return 'workload-failed';
  if (live.length > 0) return null;
  if (attempts.some(({ outcome }) => outcome === 'out-of-budget')) return 'budget-exhausted';
  return givenUpAs(job, attempts, nowMs);
}

/** When the time of the service is over: its longest run after the first replica was ready. */
function endsAtMs({ job, attempts }: Pick<JobView, 'job' | 'attempts'>): number {
  const starts = attempts.flatMap(({ report }) => report.startedAtMs ?? []);
  return starts.length === 0 ? Infinity : Math.min(...starts) + job.spec.sla.maxDurationMs;
}

/** A program that is to run for good and ends, whatever it says of it. */
function endedByItself({ outcome }: Attempt): boolean {
  return outcome === 'workload-failed' || outcome === 'succeeded';
}

/** Down to nothing, then the end. */
function wind(live: readonly Attempt[], outcome: JobOutcome): JobStep {
  const staying = live.filter(isStaying).map(({ id }) => id);
  if (staying.length > 0)
    return {
      do: 'abandon',
      attempts: staying,
      as: outcome === 'cancelled' ? 'cancelled' : 'unneeded',
    };
  return live.length > 0 ? REST : { do: 'end', outcome };
}

/** Whether replicas are missing, or ones on reliable supply may have become unnecessary. */
function needsDecision({ job, attempts, nowMs }: JobView, { target, extra }: Replicas): boolean {
  const staying = attempts.filter(isStaying);
  const cheap = staying.filter(({ offer }) => offer.interruptible);
  const isWhole = cheap.length >= target + extra && cheap.every(isReady);
  if (isWhole && staying.length === cheap.length) return false;
  const isSettled = staying.length >= target && staying.every(isReady) && cheap.length === 0;
  return !isSettled || job.outlook === null || nowMs >= job.outlook.nextLookAtMs;
}

function bounded({ job, attempts, nowMs }: JobView, { place }: ReplicaPlan): readonly Placement[] {
  const used = new Set(
    attempts.filter(({ phase }) => phase !== 'released').map(({ slot }) => slot),
  );
  const leftMs = endsAtMs({ job, attempts }) - nowMs;
  return place.flatMap((ranked): readonly Placement[] => {
    const { maxLeaseMs, maxLeaseMeans } = leaseBound(
      job,
      attempts,
      ranked.offer,
      place.length,
      nowMs,
      ranked.effective?.coverage,
    );
    if (maxLeaseMs <= 0) return [];
    let slot = 0;
    while (used.has(slot)) slot += 1;
    used.add(slot);
    const boundedMs = Math.min(maxLeaseMs, leftMs + ranked.offer.startupMs);
    return [{ ranked, role: 'replica', slot, maxLeaseMs: boundedMs, maxLeaseMeans }];
  });
}

/** Some run and others are missing: the next look comes by itself, and every change wakes the service before. */
function waitingBeside(view: JobView, decision: DecisionView, plan: ReplicaPlan): JobStep {
  return { do: 'stay', outlook: outlookOf(view, decision, { ...plan, place: [] }) };
}

function resting(view: JobView, live: readonly Attempt[]): JobStep {
  if (live.length === 0) return { do: 'decide' };
  const untilMs = Math.min(view.nowMs + RECHECK_MS, endsAtMs(view));
  return { do: 'rest', untilMs: Math.max(untilMs, view.nowMs + 1) };
}

function outlookOf(
  view: JobView,
  { summary }: DecisionView,
  { place, missing }: ReplicaPlan,
): Reconsideration {
  const { nowMs } = view;
  const soonMs = Math.min(nowMs + LOOK_EVERY_MS, endsAtMs(view));
  return {
    do: place.length > 0 ? 'start' : missing > 0 ? 'wait' : 'stay',
    to: place[0]?.offer.id ?? null,
    because: place.length > 0 ? 'cheapest' : missing > 0 ? 'no-capacity' : 'nothing-better',
    latenessBps: 0,
    noReturnAtMs: null,
    waitingFor: missing > 0 ? { what: 'capacity', offers: summary.awaited } : null,
    atMs: nowMs,
    nextLookAtMs: Math.max(soonMs, nowMs + 1),
  };
}
