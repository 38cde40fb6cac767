import {
  NO_REPORT,
  asAttemptId,
  asDecisionId,
  asJobId,
  microUsd,
  type AgreedTerms,
  type Attempt,
  type AttemptOutcome,
  type AttemptPhase,
  type AttemptRole,
  type JobId,
  type Leaving,
  type Offer,
  type ProviderErrorKind,
  type WorkloadReport,
} from '#libs/domain';
import type { AttemptRow } from '../entities/attempts';
import { json, prepared, storableText, type Sql } from '../transaction';

export const attemptColumns = `id, job_id, decision_id, number, role, slot, round, offer, agreed, phase, phase_since_ms, outcome, error_kind, error_text,
  abandon_as, leaving, external_id, unseen_since_ms, failed_calls, billed_from_ms, billed_to_ms, observed_price_per_hour,
  notice_at_ms, max_lease_ms, max_lease_means, report, created_at_ms, revision, due_at_ms`;

export function attemptOf(row: AttemptRow): Attempt {
  return {
    id: asAttemptId(row.id),
    jobId: asJobId(row.job_id),
    decisionId: asDecisionId(row.decision_id),
    number: row.number,
    role: row.role as AttemptRole,
    slot: row.slot,
    round: row.round,
    offer: row.offer as Offer,
    ...(row.agreed === null ? {} : { agreed: row.agreed as AgreedTerms }),
    phase: row.phase as AttemptPhase,
    phaseSinceMs: row.phase_since_ms,
    outcome: row.outcome as AttemptOutcome | null,
    errorKind: row.error_kind as ProviderErrorKind | null,
    errorText: row.error_text,
    abandonAs: row.abandon_as as AttemptOutcome | null,
    leaving: row.leaving as Leaving | null,
    externalId: row.external_id,
    unseenSinceMs: row.unseen_since_ms,
    failedCalls: row.failed_calls,
    billedFromMs: row.billed_from_ms,
    billedToMs: row.billed_to_ms,
    observedPricePerHour:
      row.observed_price_per_hour === null ? null : microUsd(row.observed_price_per_hour),
    noticeAtMs: row.notice_at_ms,
    maxLeaseMs: row.max_lease_ms,
    maxLeaseMeans: row.max_lease_means as Attempt['maxLeaseMeans'],
    report: { ...NO_REPORT, ...(row.report as WorkloadReport) },
    createdAtMs: row.created_at_ms,
    revision: row.revision,
    dueAtMs: row.due_at_ms,
  };
}

/** What an update may change, in the order of `updatableColumns`. The report is not among it. */
export function updatableValues(attempt: Attempt): readonly unknown[] {
  return [
    attempt.phase,
    attempt.phaseSinceMs,
    attempt.outcome,
    attempt.errorKind,
    attempt.errorText === null ? null : storableText(attempt.errorText),
    attempt.abandonAs,
    json(attempt.leaving),
    attempt.externalId === null ? null : storableText(attempt.externalId),
    attempt.unseenSinceMs,
    attempt.failedCalls,
    attempt.billedFromMs,
    attempt.billedToMs,
    attempt.observedPricePerHour,
    attempt.noticeAtMs,
    attempt.maxLeaseMs,
    attempt.maxLeaseMeans,
    attempt.dueAtMs,
  ];
}

export const updatableColumns = [
  'phase',
  'phase_since_ms',
  'outcome',
  'error_kind',
  'error_text',
  'abandon_as',
  'leaving',
  'external_id',
  'unseen_since_ms',
  'failed_calls',
  'billed_from_ms',
  'billed_to_ms',
  'observed_price_per_hour',
  'notice_at_ms',
  'max_lease_ms',
  'max_lease_means',
  'due_at_ms',
] as const;

/** What never changes, in the order of `fixedColumns`. */
export function fixedValues(attempt: Attempt): readonly unknown[] {
  return [
    attempt.id,
    attempt.jobId,
    attempt.offer.providerId,
    attempt.decisionId,
    attempt.number,
    attempt.role,
    attempt.slot,
    attempt.round,
    json(attempt.offer),
    json(attempt.agreed),
    attempt.createdAtMs,
  ];
}

export const fixedColumns = [
  'id',
  'job_id',
  'provider_id',
  'decision_id',
  'number',
  'role',
  'slot',
  'round',
  'offer',
  'agreed',
  'created_at_ms',
] as const;

const ofJob = prepared(`SELECT ${attemptColumns} FROM attempt WHERE job_id = $1 ORDER BY number`);

/** Oldest first. */
export async function attemptsOf(sql: Sql, jobId: JobId): Promise<readonly Attempt[]> {
  return (await sql.rows<AttemptRow>(ofJob, [jobId])).map(attemptOf);
}
