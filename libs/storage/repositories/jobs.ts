import {
  asAttemptId,
  asJobId,
  asOfferId,
  baselineCost,
  type AttemptId,
  type Job,
  type JobId,
  type MicroUsd,
  type OfferId,
} from '#libs/domain';
import type { JobRow } from '../entities/jobs';
import type { EventBell } from '../event-bell';
import {
  StaleRevision,
  type JobFilter,
  type Jobs,
  type NewEvent,
  type Page,
  type Submission,
  type SubmitResult,
} from '../ports';
import { firstRow, prepared, type Database, type Sql } from '../transaction';
import { attemptsOf } from './attempt-row';
import { budgetState, periodAt } from './budgets';
import { eventsJson, insertEvents } from './events';
import { listJobs } from './list-jobs';
import { jobColumns, jobOf, updateJob, updateJobValues } from './job-row';
import { storeSubmission } from './submit-job';

type IdRow = { readonly id: string };

const read = prepared(`SELECT ${jobColumns} FROM job WHERE id = $1`);

const overdue = prepared(
  'SELECT id FROM job WHERE due_at_ms <= $1 ORDER BY due_at_ms, id LIMIT $2',
);

/** `$1` the job, `$2` its key, `$3` offers. Each offer costs one look at the head of its line. */
const spokenFor = prepared(`SELECT wanted.id FROM unnest($3::text[]) AS wanted(id) WHERE EXISTS (
  SELECT FROM job_line
  WHERE offer_id = wanted.id AND (line_key, job_id) < ($2::bigint, $1::text))`);

const awaited = prepared('SELECT offer_id FROM job_line WHERE job_id = $1 ORDER BY offer_id');

/** `$13` events, `$14` whether the places in line change, `$15` the new ones. */
const updateInLine = (more: readonly string[] = []) => `WITH
  moved AS (${updateJob(more)} RETURNING id, line_key),
  left_line AS (
    DELETE FROM job_line USING moved
    WHERE $14::boolean AND job_id = moved.id AND NOT (offer_id = ANY ($15::text[]))
  ),
  in_line AS (
    INSERT INTO job_line (job_id, offer_id, line_key)
    SELECT moved.id, offer_id, moved.line_key FROM moved, unnest($15::text[]) AS offer_id
    ON CONFLICT (job_id, offer_id) DO UPDATE SET line_key = excluded.line_key
      WHERE job_line.line_key <> excluded.line_key
  ),
  news AS (${insertEvents('moved', '$13')})`;

const update = prepared(`${updateInLine()} SELECT id FROM moved`);

/**
 * Besides, `$16` the real cost, `$17` the baseline's, `$18` and `$19` project and period of a job without a reservation. The cost
 * takes the place of the reservation, so that what has not been booked of it yet stays counted. The row is locked against
 * charges that are being booked.
 */
const updateAndSettle = prepared(`${updateInLine(['cost = $16', 'baseline_cost = $17'])},
  known AS (SELECT project, period, amount FROM budget_reservation WHERE job_id = $1 FOR UPDATE),
  place AS (
    SELECT coalesce(known.project, $18::text) AS project, coalesce(known.period, $19::text) AS period,
      coalesce(known.amount, 0) AS amount
    FROM moved LEFT JOIN known ON true
  ),
  costed AS (
    INSERT INTO budget_reservation AS r (job_id, project, period, amount, booked, settled)
    SELECT $1, project, period, $16::bigint, 0, true FROM place
    ON CONFLICT (job_id) DO UPDATE SET amount = excluded.amount, settled = true
    RETURNING booked
  ),
  counted AS (
    INSERT INTO budget_period AS p (project, period, committed, spent)
    SELECT project, period, greatest($16::bigint - booked, 0) - greatest(amount - booked, 0), 0
    FROM place, costed
    ON CONFLICT (project, period) DO UPDATE SET committed = p.committed + excluded.committed
  )
  SELECT id FROM moved`);

const wakeHeads = prepared(`WITH heads AS (
    SELECT DISTINCT ON (offer_id) job_id FROM job_line WHERE offer_id = ANY ($1)
    ORDER BY offer_id, line_key, job_id
  )
  UPDATE job SET due_at_ms = $2, revision = revision + 1
  WHERE id IN (SELECT job_id FROM heads) AND due_at_ms > $2
  RETURNING id`);

export class PostgresJobs implements Jobs {
  constructor(
    private readonly database: Database,
    private readonly bell: EventBell,
  ) {}

  async submit(submission: Submission): Promise<SubmitResult> {
    const { job, idempotency, reservation } = submission;
    const admission = await storeSubmission(this.database, submission);
    if (admission.is === 'stored') {
      this.bell.ring();
      return { kind: 'created', job };
    }
    if (admission.is === 'key-taken' && idempotency !== null) return this.earlier(idempotency);
    const budget =
      reservation === null
        ? null
        : await budgetState(this.database, reservation.project, reservation.period);
    if (budget === null) throw new Error(`job ${job.id}: refused by a budget that is gone`);
    return { kind: 'over-budget', budget };
  }

  async get(id: JobId): Promise<Job | null> {
    const row = await firstRow<JobRow>(this.database, read, [id]);
    return row === null ? null : jobOf(row);
  }

  list(filter: JobFilter, cursor: string | null, limit: number): Promise<Page<Job>> {
    return listJobs(this.database, filter, cursor, limit);
  }

  async update(next: Job, change: Parameters<Jobs['update']>[1]): Promise<Job> {
    const { events, awaited, settled } = change;
    const values = [
      ...updateJobValues(next),
      eventsJson(events),
      awaited !== undefined,
      [...new Set(awaited ?? [])],
    ];
    const rows =
      settled === undefined
        ? await this.database.rows<IdRow>(update, values)
        : await this.settle(next, settled, values);
    if (rows.length === 0) throw new StaleRevision(`job ${next.id}`);
    if (events.length > 0) this.bell.ring();
    return { ...next, revision: next.revision + 1 };
  }

  async spokenFor(
    job: Pick<Job, 'id' | 'lineKey'>,
    offers: readonly OfferId[],
  ): Promise<ReadonlySet<string>> {
    const rows = await this.database.rows<IdRow>(spokenFor, [job.id, job.lineKey, offers]);
    return new Set(rows.map(({ id }) => id));
  }

  async wakeHeads(offers: readonly OfferId[], nowMs: number): Promise<readonly JobId[]> {
    if (offers.length === 0) return [];
    const rows = await this.database.rows<IdRow>(wakeHeads, [offers, nowMs]);
    return rows.map(({ id }) => asJobId(id));
  }

  /** The job is locked before its attempts are looked for, so that one that is just being planned is found as well. */
  async requestCancel(
    id: JobId,
    nowMs: number,
    events: readonly NewEvent[],
  ): Promise<{ readonly job: Job; readonly attempts: readonly AttemptId[] } | null> {
    return this.database.transaction(async (sql) => {
      const lock = `SELECT ${jobColumns} FROM job WHERE id = $1 FOR NO KEY UPDATE`;
      const known = await firstRow<JobRow>(sql, lock, [id]);
      if (known === null || known.outcome !== null)
        return known === null ? null : { job: jobOf(known), attempts: [] };
      const attempts = await abandonAll(sql, id, nowMs);
      const isFirst = known.cancel_requested_at_ms === null;
      const marked = await firstRow<JobRow>(
        sql,
        `WITH marked AS (
           UPDATE job SET cancel_requested_at_ms = coalesce(cancel_requested_at_ms, $2), state = 'stopping',
             due_at_ms = CASE WHEN $3 THEN $2 ELSE due_at_ms END, revision = revision + 1
           WHERE id = $1 RETURNING ${jobColumns}
         ),
         news AS (${insertEvents('marked', '$4')})
         SELECT * FROM marked`,
        [id, nowMs, attempts.length === 0, eventsJson(isFirst ? events : [])],
      );
      if (isFirst && events.length > 0) this.bell.ring();
      return { job: jobOf(marked ?? known), attempts };
    });
  }

  async overdue(nowMs: number, limit: number): Promise<readonly JobId[]> {
    const rows = await this.database.rows<IdRow>(overdue, [nowMs, limit]);
    return rows.map(({ id }) => asJobId(id));
  }

  async awaited(id: JobId): Promise<readonly OfferId[]> {
    const rows = await this.database.rows<{ readonly offer_id: string }>(awaited, [id]);
    return rows.map((row) => asOfferId(row.offer_id));
  }

  /** The revision grows, so that a step that still thinks with the old book or policies does not put the time back. */
  async wakeWaiting(
    offers: readonly OfferId[] | null,
    nowMs: number,
    limit: number,
  ): Promise<readonly JobId[]> {
    const rows = await this.database.rows<IdRow>(
      `WITH waiting AS (
         SELECT id, line_key FROM job
         WHERE state IN ('queued', 'recovering') AND due_at_ms > $1
           AND ($3::text[] IS NULL OR id IN (SELECT job_id FROM job_line WHERE offer_id = ANY ($3)))
         ORDER BY line_key, id LIMIT $2 FOR NO KEY UPDATE
       ), woken AS (
         UPDATE job SET due_at_ms = $1, revision = revision + 1 FROM waiting WHERE job.id = waiting.id
       )
       SELECT id FROM waiting ORDER BY line_key, id`,
      [nowMs, limit, offers],
    );
    return rows.map(({ id }) => asJobId(id));
  }

  private async earlier(
    idempotency: NonNullable<Submission['idempotency']>,
  ): Promise<SubmitResult> {
    const row = await firstRow<JobRow & { readonly body_digest: string }>(
      this.database,
      `SELECT ${jobColumns}, body_digest FROM job
         JOIN idempotency_key k ON k.job_id = job.id WHERE k.scope = $1 AND k.key = $2`,
      [idempotency.scope, idempotency.key],
    );
    return row !== null && row.body_digest === idempotency.bodyDigest
      ? { kind: 'repeated', job: jobOf(row) }
      : { kind: 'key-reused' };
  }

  /** The baseline is priced here, once, because only at the end is it known how long the work took. */
  private async settle(
    next: Job,
    settled: MicroUsd,
    values: readonly unknown[],
  ): Promise<readonly IdRow[]> {
    const attempts = await attemptsOf(this.database, next.id);
    const baseline = next.baseline && baselineCost(next.baseline, next.spec, attempts);
    return this.database.rows<IdRow>(updateAndSettle, [
      ...values,
      settled,
      baseline,
      next.spec.project,
      periodAt(next.submittedAtMs),
    ]);
  }
}

async function abandonAll(sql: Sql, id: JobId, nowMs: number): Promise<readonly AttemptId[]> {
  const rows = await sql.rows<IdRow>(
    `UPDATE attempt SET abandon_as = coalesce(abandon_as, 'cancelled'), due_at_ms = $2, revision = revision + 1
     WHERE job_id = $1 AND phase <> 'released' RETURNING id`,
    [id, nowMs],
  );
  return rows.map((row) => asAttemptId(row.id));
}
