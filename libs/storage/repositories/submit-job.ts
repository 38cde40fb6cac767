import type { Submission } from '../ports';
import { conditionOf, firstRow, json, prepared, type Sql } from '../transaction';
import { eventsJson, insertEvents } from './events';

/** SQLSTATE of the database function `refuse`. */
const REFUSED = 'FL001';

const storeJob = (source: string) => `INSERT INTO job
    (id, project, workload, labels, spec, submitted_at_ms, submitted_by, state, outcome, ended_at_ms,
     cancel_requested_at_ms, decision_id, line_key, baseline, revision, due_at_ms)
    SELECT $1, $2, $3, $4::jsonb, $5::jsonb, $6::bigint, $7, $8, $9, $10::bigint,
      $11::bigint, $12, $13::bigint, $14::jsonb, $15::integer, $16::bigint FROM ${source}`;

/** Without a key and a reservation nothing can refuse the job. */
const plainSubmission = prepared(`WITH
  admitted AS (SELECT true),
  stored AS (${storeJob('admitted')}),
  news AS (${insertEvents('admitted', '$17')})
  SELECT false AS crossed`);

/**
 * One statement, and so one transaction: it claims the key, then adds the reservation to the period's row while the sum stays
 * within the hard limit, then stores the rest. Other submissions of the project wait at that row, which is why no race can
 * overshoot the limit. When a step fails `refuse` undoes the ones before it.
 */
const guardedSubmission = prepared(`WITH
  claimed AS (
    INSERT INTO idempotency_key (scope, key, body_digest, job_id, created_at_ms)
    SELECT $18::text, $19::text, $20::text, $1, $6::bigint WHERE $18::text IS NOT NULL
    ON CONFLICT (scope, key) DO NOTHING
    RETURNING true
  ),
  free AS (
    SELECT CASE WHEN $18::text IS NULL OR EXISTS (SELECT FROM claimed) THEN true
      ELSE refuse('key-taken') END AS ok
  ),
  funded AS (
    INSERT INTO budget_period AS p (project, period, committed, spent)
    SELECT $21::text, $22::text, $23::bigint, 0 FROM free
    WHERE ok AND $21::text IS NOT NULL
      AND $23::bigint <= coalesce((SELECT hard_limit FROM budget WHERE project = $21::text), $23::bigint)
    ON CONFLICT (project, period) DO UPDATE SET committed = p.committed + excluded.committed
      WHERE p.committed + excluded.committed <= coalesce(
        (SELECT hard_limit FROM budget WHERE project = $21::text), p.committed + excluded.committed)
    RETURNING p.committed
  ),
  admitted AS (
    SELECT CASE WHEN $21::text IS NULL OR EXISTS (SELECT FROM funded) THEN true
      ELSE refuse('over-budget') END AS ok FROM free
  ),
  stored AS (${storeJob('admitted WHERE ok')}),
  reserved AS (
    INSERT INTO budget_reservation (job_id, project, period, amount, settled)
    SELECT $1, $21::text, $22::text, $23::bigint, false FROM admitted WHERE ok AND $21::text IS NOT NULL
  ),
  news AS (${insertEvents('admitted', '$17')})
  SELECT coalesce(committed > soft_limit AND committed - $23::bigint <= soft_limit, false) AS crossed
  FROM admitted
    LEFT JOIN funded ON true
    LEFT JOIN budget ON budget.project = $21::text
  WHERE ok`);

export type Admission =
  | { readonly is: 'stored'; readonly softLimitCrossed: boolean }
  | { readonly is: 'key-taken' | 'over-budget' };

/** Stores a submission in one round trip, whole or not at all. */
export async function storeSubmission(sql: Sql, submission: Submission): Promise<Admission> {
  const { idempotency, reservation } = submission;
  const isPlain = idempotency === null && reservation === null;
  const values = [...jobValues(submission), ...(isPlain ? [] : guardValues(submission))];
  try {
    const statement = isPlain ? plainSubmission : guardedSubmission;
    const row = await firstRow<{ crossed: boolean }>(sql, statement, values);
    return { is: 'stored', softLimitCrossed: row?.crossed ?? false };
  } catch (error) {
    const { code, constraint } = conditionOf(error);
    if (code === REFUSED && (constraint === 'key-taken' || constraint === 'over-budget'))
      return { is: constraint };
    throw error;
  }
}

function jobValues({ job, events }: Submission): readonly unknown[] {
  const { spec } = job;
  return [
    job.id,
    spec.project,
    spec.workload,
    json(spec.labels),
    json(spec),
    job.submittedAtMs,
    job.submittedBy,
    job.state,
    job.outcome,
    job.endedAtMs,
    job.cancelRequestedAtMs,
    job.decisionId,
    job.lineKey,
    json(job.baseline),
    job.revision,
    job.dueAtMs,
    eventsJson(events),
  ];
}

function guardValues({ idempotency, reservation }: Submission): readonly unknown[] {
  return [
    idempotency?.scope ?? null,
    idempotency?.key ?? null,
    idempotency?.bodyDigest ?? null,
    reservation?.project ?? null,
    reservation?.period ?? null,
    reservation?.amount ?? 0,
  ];
}
