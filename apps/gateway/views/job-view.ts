import {
  formatJobSpec,
  type AttemptView,
  type EventView,
  type JobSummary,
  type JobView,
} from '#libs/contracts';
import {
  attemptCost,
  availabilityBps,
  deadlineAtMs,
  isLate,
  isReady,
  chargedFor,
  type Attempt,
  type Feasibility,
  type Job,
  type Reconsideration,
} from '#libs/domain';
import type { StoredEvent } from '#libs/storage';
import { baselineView } from './decision-view';
import { feasibilityView } from './feasibility-view';
import { timeOf, timeOrNull } from './times';

/** A job in a list. */
export function jobSummary(job: Job): JobSummary {
  return {
    id: job.id,
    name: job.spec.name,
    project: job.spec.project,
    workload: job.spec.workload,
    labels: { ...job.spec.labels },
    state: job.state,
    outcome: job.outcome,
    priority: job.spec.priority,
    submittedAt: timeOf(job.submittedAtMs),
    submittedBy: job.submittedBy,
    cancelRequestedAt: timeOrNull(job.cancelRequestedAtMs),
    endedAt: timeOrNull(job.endedAtMs),
  };
}

/** A job and what has become of it, its spec in the words in which people write it. */
export function jobView(
  job: Job,
  attempts: readonly Attempt[],
  nowMs: number,
  feasibility: Feasibility | null = null,
): JobView {
  return {
    ...jobSummary(job),
    deadlineAt: timeOrNull(deadlineAtMs(job)),
    late: isLate(job),
    decisionId: job.decisionId,
    attempts: attempts.length,
    costMicroUsd: chargedFor(attempts, job.spec, nowMs),
    baseline: baselineView(job.baseline),
    outlook: outlookView(job.outlook),
    service: serviceView(job, attempts, nowMs),
    spec: formatJobSpec(job.spec),
    feasibility: feasibility === null ? null : feasibilityView(feasibility),
    withheld: [],
  };
}

function outlookView(outlook: Reconsideration | null): JobView['outlook'] {
  if (outlook === null) return null;
  const { atMs, noReturnAtMs, nextLookAtMs, waitingFor, ...said } = outlook;
  return {
    ...said,
    at: timeOf(atMs),
    noReturnAt: timeOrNull(noReturnAtMs),
    waitingFor: waitingFor === null ? null : { ...waitingFor, offers: [...waitingFor.offers] },
    nextLookAt: timeOf(nextLookAtMs),
  };
}

function serviceView(
  { spec, endedAtMs }: Job,
  attempts: readonly Attempt[],
  nowMs: number,
): JobView['service'] {
  if (spec.replicas === null) return null;
  const starts = attempts.flatMap(({ report }) => report.startedAtMs ?? []);
  const toMs = endedAtMs ?? nowMs;
  const fromMs = Math.min(toMs, ...starts);
  return {
    ...spec.replicas,
    ready: attempts.filter(isReady).length,
    availabilityBps: availabilityBps(attempts, spec.replicas.target, fromMs, toMs),
  };
}

export function attemptView(attempt: Attempt, nowMs: number): AttemptView {
  const { offer, report, errorKind, errorText } = attempt;
  return {
    id: attempt.id,
    number: attempt.number,
    role: attempt.role,
    slot: attempt.slot,
    round: attempt.round,
    decisionId: attempt.decisionId,
    offerId: offer.id,
    provider: offer.providerId,
    region: offer.region,
    market: offer.market,
    phase: attempt.phase,
    phaseSince: timeOf(attempt.phaseSinceMs),
    outcome: attempt.outcome,
    error: errorKind === null && errorText === null ? null : { kind: errorKind, text: errorText },
    pricePerHourMicroUsd: offer.pricePerHour,
    costMicroUsd: attemptCost(attempt, nowMs),
    commitment: attempt.agreed?.coverage?.commitment ?? null,
    billedFrom: timeOrNull(attempt.billedFromMs),
    billedTo: timeOrNull(attempt.billedToMs),
    workloadStartedAt: timeOrNull(report.startedAtMs),
    heardAt: timeOrNull(report.exit?.atMs ?? report.heartbeatAtMs),
    exit:
      report.exit === null
        ? null
        : { code: report.exit.code, reason: report.exit.reason, at: timeOf(report.exit.atMs) },
    externalId: attempt.externalId,
    createdAt: timeOf(attempt.createdAtMs),
  };
}

export function eventView(event: StoredEvent): EventView {
  return {
    sequence: event.sequence,
    at: timeOf(event.atMs),
    type: event.type,
    jobId: event.jobId,
    attemptId: event.attemptId,
    data: { ...event.data },
  };
}
