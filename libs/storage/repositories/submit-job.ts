import type { Submission } from '../ports';
import { conditionOf, json, prepared, type Sql } from '../transaction';
import { insertSoftLimitNews } from './budgets';
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
  SELECT true AS stored`);

/** Of the project that `$21` names. */
const hardLimit = '(SELECT hard_limit FROM budget WHERE project = $21::text)';

/**
 * One statement, and so one transaction: it claims the key, then adds the reservation to the period's row while the sum stays
 * within the hard limit, then stores the rest. Other submissions of the project wait at that row, which is why no race can
 * overshoot the limit. When a step fails `refuse` undoes the ones before it. A reservation without an amount passes only where
 * there is no hard limit. News of the soft limit come after those of the job.
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
    SELECT $21::text, $22::text, coalesce($23::bigint, 0), 0 FROM free
    WHERE ok AND $21::text IS NOT NULL
      AND (${hardLimit} IS NULL OR $23::bigint <= ${hardLimit})
    ON CONFLICT (project, period) DO UPDATE SET committed = p.committed + excluded.committed
      WHERE ${hardLimit} IS NULL OR p.committed + $23::bigint <= ${hardLimit}
    RETURNING p.committed
  ),
  admitted AS (
    SELECT CASE WHEN $21::text IS NULL OR EXISTS (SELECT FROM funded) THEN true
      ELSE refuse('over-budget') END AS ok FROM free
  ),
  stored AS (${storeJob('admitted WHERE ok')}),
  reserved AS (
    INSERT INTO budget_reservation (job_id, project, period, amount, booked, settled)
    SELECT $1, $21::text, $22::text, coalesce($23::bigint, 0), 0, false FROM admitted WHERE ok AND $21::text IS NOT NULL
  ),
  news AS (${insertEvents('admitted', '$17')} RETURNING sequence),
  crossing AS (
    SELECT $1::text AS job_id, budget.project, $22::text AS period, committed, soft_limit, $6::bigint AS at_ms
    FROM funded JOIN budget ON budget.project = $21::text, (SELECT count(*) FROM news) AS told
    WHERE committed > soft_limit AND committed - $23::bigint <= soft_limit
  ),
  warned AS (${insertSoftLimitNews('crossing')})
  SELECT ok AS stored FROM admitted`);

export interface Admission {
  readonly is: 'stored' | 'key-taken' | 'over-budget';
}

/** Stores a submission in one round trip, whole or not at all. */
export async function storeSubmission(sql: Sql, submission: Submission): Promise<Admission> {
  const { idempotency, reservation } = submission;
  const isPlain = idempotency === null && reservation === null;
  const values = [...jobValues(submission), ...(isPlain ? [] : guardValues(submission))];
  try {
    const statement = isPlain ? plainSubmission : guardedSubmission;
    await sql.rows(statement, values);
    return { is: 'stored' };
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
    reservation === null ? 0 : reservation.amount,
  ];
}
