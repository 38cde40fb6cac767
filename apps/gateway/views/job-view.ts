import {
  formatJobSpec,
  type AttemptView,
  type EventView,
  type JobSummary,
  type JobView,
} from '#libs/contracts';
import { attemptCost, deadlineAtMs, isLate, spentOn, type Attempt, type Job } from '#libs/domain';
import type { StoredEvent } from '#libs/storage';
import { baselineView } from './decision-view';
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
export function jobView(job: Job, attempts: readonly Attempt[], nowMs: number): JobView {
  return {
    ...jobSummary(job),
    deadlineAt: timeOrNull(deadlineAtMs(job)),
    late: isLate(job),
    decisionId: job.decisionId,
    attempts: attempts.length,
    costMicroUsd: spentOn(attempts, nowMs),
    baseline: baselineView(job.baseline),
    spec: formatJobSpec(job.spec),
    withheld: [],
  };
}

export function attemptView(attempt: Attempt, nowMs: number): AttemptView {
  const { offer, report, errorKind, errorText } = attempt;
  return {
    id: attempt.id,
    number: attempt.number,
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
