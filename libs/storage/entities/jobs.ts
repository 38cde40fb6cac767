import { EntitySchema } from 'typeorm';
import { jobOutcomes, jobStates } from '#libs/domain';
import { columns, named, nullable, oneOf } from './columns';

/** Columns beside the spec repeat what lists filter by, or say what has become of the job. */
export interface JobRow {
  readonly id: string;
  readonly project: string;
  readonly workload: string;
  readonly labels: unknown;
  readonly spec: unknown;
  readonly submitted_at_ms: number;
  readonly submitted_by: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly ended_at_ms: number | null;
  readonly cancel_requested_at_ms: number | null;
  readonly decision_id: string | null;
  readonly line_key: number;
  readonly baseline: unknown;
  readonly outlook: unknown;
  readonly revision: number;
  readonly due_at_ms: number | null;
}

export const jobEntity = new EntitySchema({
  name: 'job',
  columns: {
    id: columns.id,
    project: columns.text,
    workload: columns.text,
    labels: columns.json,
    spec: columns.json,
    submittedAtMs: named('submitted_at_ms', columns.bigint),
    submittedBy: named('submitted_by', columns.text),
    state: columns.text,
    outcome: nullable(columns.text),
    endedAtMs: named('ended_at_ms', nullable(columns.bigint)),
    cancelRequestedAtMs: named('cancel_requested_at_ms', nullable(columns.bigint)),
    decisionId: named('decision_id', nullable(columns.text)),
    lineKey: named('line_key', columns.bigint),
    baseline: nullable(columns.json),
    /** What the last reconsideration said. */
    outlook: nullable(columns.json),
    /** What the job has cost in the end; set when it is settled. */
    cost: nullable(columns.bigint),
    /** What the same work would have cost at the baseline; set when it is settled, null where there is no baseline. */
    baselineCost: named('baseline_cost', nullable(columns.bigint)),
    revision: columns.int,
    dueAtMs: named('due_at_ms', nullable(columns.bigint)),
  },
  checks: [
    { name: 'job_state', expression: oneOf('state', jobStates) },
    { name: 'job_outcome', expression: oneOf('outcome', jobOutcomes) },
  ],
  indices: [
    { name: 'job_newest', columns: ['submittedAtMs', 'id'] },
    { name: 'job_newest_of_project', columns: ['project', 'submittedAtMs', 'id'] },
    { name: 'job_due', columns: ['dueAtMs', 'id'], where: '"due_at_ms" IS NOT NULL' },
    {
      name: 'job_unplaced',
      columns: ['lineKey', 'id'],
      where: `"state" = ANY (ARRAY['queued'::text, 'recovering'::text])`,
    },
    // A GIN index, which TypeORM cannot describe; the migration makes it.
    { name: 'job_labels', columns: ['labels'], synchronize: false },
  ],
});

/** A job's places in the lines of the offers that it waits for. */
export const jobLineEntity = new EntitySchema({
  name: 'job_line',
  columns: {
    jobId: named('job_id', columns.id),
    offerId: named('offer_id', columns.id),
    lineKey: named('line_key', columns.bigint),
  },
  indices: [{ name: 'job_line_of_offer', columns: ['offerId', 'lineKey', 'jobId'] }],
});

export const idempotencyKeyEntity = new EntitySchema({
  name: 'idempotency_key',
  columns: {
    scope: columns.id,
    key: columns.id,
    bodyDigest: named('body_digest', columns.text),
    jobId: named('job_id', columns.text),
    createdAtMs: named('created_at_ms', columns.bigint),
  },
  indices: [{ name: 'idempotency_key_created', columns: ['createdAtMs'] }],
});
