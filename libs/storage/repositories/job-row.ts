import {
  asDecisionId,
  asJobId,
  type Baseline,
  type Job,
  type JobOutcome,
  type JobSpec,
  type JobState,
  type Reconsideration,
} from '#libs/domain';
import type { JobRow } from '../entities/jobs';
import { json } from '../transaction';

/** The columns of `JobRow`, for select lists. */
export const jobColumns = `id, spec, submitted_at_ms, submitted_by, state, outcome, ended_at_ms, cancel_requested_at_ms,
  decision_id, line_key, baseline, outlook, revision, due_at_ms`;

/** A spec as stored, perhaps before the later wishes were known. */
type StoredSpec = Omit<JobSpec, LaterWish | 'sla'> &
  Partial<Pick<JobSpec, LaterWish>> & {
    readonly sla: Omit<JobSpec['sla'], LaterTerm> & Partial<Pick<JobSpec['sla'], LaterTerm>>;
  };
type LaterWish = 'nodes' | 'replicas';
type LaterTerm = 'hedgedStart';

function specOf(stored: StoredSpec): JobSpec {
  return { nodes: 1, replicas: null, ...stored, sla: { hedgedStart: 'never', ...stored.sla } };
}

export function jobOf(row: JobRow): Job {
  return {
    id: asJobId(row.id),
    spec: specOf(row.spec as StoredSpec),
    submittedAtMs: row.submitted_at_ms,
    submittedBy: row.submitted_by,
    state: row.state as JobState,
    outcome: row.outcome as JobOutcome | null,
    endedAtMs: row.ended_at_ms,
    cancelRequestedAtMs: row.cancel_requested_at_ms,
    decisionId: row.decision_id === null ? null : asDecisionId(row.decision_id),
    lineKey: row.line_key,
    baseline: row.baseline as Baseline | null,
    outlook: row.outlook as Reconsideration | null,
    revision: row.revision,
    dueAtMs: row.due_at_ms,
  };
}

/** Sets all that may change of a job from `$1` to `$12`, where the revision still matches. Continue it with RETURNING. */
export function updateJob(more: readonly string[] = []): string {
  const columns = [
    'state = $3, outcome = $4, ended_at_ms = $5, cancel_requested_at_ms = $6, decision_id = $7',
    'line_key = $8, baseline = $9, due_at_ms = $10, revision = $11::integer, outlook = $12',
    ...more,
  ];
  return `UPDATE job SET ${columns.join(', ')} WHERE id = $1 AND revision = $2`;
}

/** The parameters of `updateJob`. */
export function updateJobValues(next: Job): readonly unknown[] {
  return [
    next.id,
    next.revision,
    next.state,
    next.outcome,
    next.endedAtMs,
    next.cancelRequestedAtMs,
    next.decisionId,
    next.lineKey,
    json(next.baseline),
    next.dueAtMs,
    next.revision + 1,
    json(next.outlook),
  ];
}
