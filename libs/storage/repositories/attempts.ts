import {
  NO_REPORT,
  asAttemptId,
  asJobId,
  asProviderId,
  type Attempt,
  type AttemptId,
  type AttemptRole,
  type Job,
  type JobId,
  type LeasedOffer,
  type Offer,
  type ProviderId,
} from '#libs/domain';
import type { AttemptRow } from '../entities/attempts';
import type { EventBell } from '../event-bell';
import {
  MAX_LEASED_OFFERS,
  StaleRevision,
  type Attempts,
  type NewEvent,
  type ReportChange,
} from '../ports';
import {
  UNIQUE_VIOLATION,
  conditionOf,
  firstRow,
  json,
  prepared,
  type Database,
  type Prepared,
  type Sql,
} from '../transaction';
import {
  attemptColumns,
  attemptOf,
  attemptsOf,
  fixedColumns,
  fixedValues,
  updatableColumns,
  updatableValues,
} from './attempt-row';
import { eventsJson, insertEvents } from './events';
import { updateJob, updateJobValues } from './job-row';
import { insertSuspensions } from './suspensions';

type IdRow = { readonly id: string };

const read = prepared(`SELECT ${attemptColumns} FROM attempt WHERE id = $1`);
const readLocked = prepared(`${read.text} FOR NO KEY UPDATE`);

/** The attempt and the others of its round, locked in one order, whoever asks. */
const readRoundLocked = prepared(`SELECT ${attemptColumns} FROM attempt
  WHERE (job_id, round) = (SELECT job_id, round FROM attempt WHERE id = $1)
  ORDER BY id FOR NO KEY UPDATE`);

const readRole = prepared('SELECT role FROM attempt WHERE id = $1');

/** What an attempt of such a role may do depends on the others of its round. */
const sharedRoles: ReadonlySet<string> = new Set<AttemptRole>(['first', 'second', 'node']);

const overdue = prepared(
  'SELECT id, provider_id FROM attempt WHERE due_at_ms <= $1 ORDER BY due_at_ms, id LIMIT $2',
);

const leased = prepared(`SELECT attempt.job_id, attempt.offer
  FROM attempt JOIN job ON job.id = attempt.job_id
  WHERE attempt.phase <> 'released' AND job.project = $1 AND attempt.job_id <> $2
  ORDER BY attempt.created_at_ms, attempt.id LIMIT $3`);

const planned = [...fixedColumns, ...updatableColumns, 'report', 'revision'] as const;
type PlannedColumn = (typeof planned)[number];

const jsonColumns: ReadonlySet<PlannedColumn> = new Set<PlannedColumn>([
  'offer',
  'agreed',
  'leaving',
  'report',
]);
const integerColumns: ReadonlySet<PlannedColumn> = new Set<PlannedColumn>([
  'number',
  'slot',
  'round',
  'failed_calls',
  'revision',
]);

/** The job's parameters, `$13` events, `$14` the attempts as rows in JSON. */
const plan = prepared(`WITH
  moved AS (${updateJob()} RETURNING id),
  left_line AS (DELETE FROM job_line USING moved WHERE job_id = moved.id),
  news AS (${insertEvents('moved', '$13')}),
  added AS (
    INSERT INTO attempt (${planned.join(', ')})
    SELECT ${planned.map((column) => `added.${column}`).join(', ')}
    FROM moved, jsonb_to_recordset($14::jsonb) AS added(${planned
      .map((column) => `${column} ${typeOf(column)}`)
      .join(', ')})
  )
  SELECT id FROM moved`);

function typeOf(column: PlannedColumn): string {
  if (jsonColumns.has(column)) return 'jsonb';
  if (integerColumns.has(column)) return 'integer';
  return column.endsWith('_ms') || column.endsWith('_per_hour') ? 'bigint' : 'text';
}

function plannedRow(attempt: Attempt): Readonly<Record<string, unknown>> {
  const values = [
    ...fixedValues(attempt),
    ...updatableValues(attempt),
    attempt.report,
    attempt.revision,
  ];
  return Object.fromEntries(
    planned.map((column, index) => {
      const value = values[index];
      // Columns of JSON are given as text elsewhere; inside a row they are part of it.
      const isText = jsonColumns.has(column) && typeof value === 'string';
      return [column, isText ? (JSON.parse(value) as unknown) : value];
    }),
  );
}

const UPDATED_FROM = 9;

/**
 * The job's row is locked first where it is going to change, in the order in which everybody takes these two locks; counting
 * the locked rows is what makes the attempt's update wait for them. The job changes only when there is something to say, and
 * then its revision grows: whoever thinks about the job must think again.
 * `$1` id, `$2` revision, `$3` job, `$4` its state or null to leave it, `$5` whether to wake it, `$6` now, `$7` events, `$8` suspensions.
 */
const update = prepared(`WITH
  job_changes AS (
    SELECT id FROM job WHERE id = $3 AND outcome IS NULL AND (state <> $4::text OR $5::boolean)
    FOR NO KEY UPDATE
  ),
  moved AS (
    UPDATE attempt SET revision = revision + 1,
      ${updatableColumns.map((column, index) => `${column} = $${UPDATED_FROM + index}`).join(', ')}
    WHERE id = $1 AND revision = $2 AND (SELECT count(*) FROM job_changes) >= 0
    RETURNING job_id, report
  ),
  told AS (
    UPDATE job SET state = coalesce($4::text, state), revision = revision + 1,
      due_at_ms = CASE WHEN $5::boolean THEN least(due_at_ms, $6::bigint) ELSE due_at_ms END
    FROM moved, job_changes WHERE job.id = moved.job_id
  ),
  news AS (${insertEvents('moved', '$7')}),
  suspended AS (${insertSuspensions('moved', '$8')})
  SELECT report FROM moved`);

const writeReport = prepared(`WITH
  moved AS (
    UPDATE attempt SET report = $2::jsonb, abandon_as = coalesce(abandon_as, $3),
      revision = revision + CASE WHEN $5::boolean THEN 1 ELSE 0 END,
      due_at_ms = CASE WHEN $5::boolean AND phase <> 'released'
        THEN least(due_at_ms, $6::bigint) ELSE due_at_ms END
    WHERE id = $1
    RETURNING ${attemptColumns}
  ),
  news AS (${insertEvents('moved', '$4')})
  SELECT ${attemptColumns} FROM moved`);

export class PostgresAttempts implements Attempts {
  constructor(
    private readonly database: Database,
    private readonly bell: EventBell,
  ) {}

  async get(id: AttemptId): Promise<Attempt | null> {
    return attemptBy(this.database, read, id);
  }

  ofJob(jobId: JobId): Promise<readonly Attempt[]> {
    return attemptsOf(this.database, jobId);
  }

  plan(job: Job, attempt: Attempt, events: readonly NewEvent[]): Promise<void> {
    return this.planRound(job, [attempt], events);
  }

  async planRound(
    job: Job,
    attempts: readonly Attempt[],
    events: readonly NewEvent[],
  ): Promise<void> {
    const rows = await this.insertPlanned(job, attempts, events);
    if (rows.length === 0) throw new StaleRevision(`job ${job.id}`);
    this.bell.ring();
  }

  async update(next: Attempt, change: Parameters<Attempts['update']>[1]): Promise<Attempt> {
    const row = await firstRow<Pick<AttemptRow, 'report'>>(this.database, update, [
      next.id,
      next.revision,
      next.jobId,
      change.jobState,
      change.wakeJob,
      change.nowMs,
      eventsJson(change.events),
      json(change.suspensions),
      ...updatableValues(next),
    ]);
    if (row === null) throw new StaleRevision(`attempt ${next.id}`);
    if (change.events.length > 0) this.bell.ring();
    const report = { ...NO_REPORT, ...(row.report as Attempt['report']) };
    return { ...next, report, revision: next.revision + 1 };
  }

  async report(
    id: AttemptId,
    change: (attempt: Attempt, mates: readonly Attempt[]) => ReportChange | null,
    nowMs: number,
  ): Promise<Attempt | null> {
    return this.database.transaction(async (sql) => {
      const [attempt, mates] = await roundOf(sql, id);
      const wanted = attempt === null ? null : change(attempt, mates);
      if (attempt === null || wanted === null) return attempt;
      const { report, abandonAs, events } = wanted;
      const row = await firstRow<AttemptRow>(sql, writeReport, [
        id,
        json(report),
        abandonAs,
        eventsJson(events),
        isNews(attempt, wanted),
        nowMs,
      ]);
      if (events.length > 0) this.bell.ring();
      return row === null ? null : attemptOf(row);
    });
  }

  async holding(ids: readonly AttemptId[]): Promise<ReadonlySet<AttemptId>> {
    const rows = await this.database.rows<IdRow>(
      `SELECT id FROM attempt WHERE id = ANY ($1::text[]) AND phase <> 'released'`,
      [ids],
    );
    return new Set(rows.map(({ id }) => asAttemptId(id)));
  }

  async leasedBy(project: string, except: JobId): Promise<readonly LeasedOffer[]> {
    const rows = await this.database.rows<{ readonly job_id: string; readonly offer: Offer }>(
      leased,
      [project, except, MAX_LEASED_OFFERS],
    );
    return rows.map(({ job_id, offer }) => ({ jobId: asJobId(job_id), offer, leases: 1 }));
  }

  async overdue(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly id: AttemptId; readonly providerId: ProviderId }[]> {
    const rows = await this.database.rows<IdRow & { readonly provider_id: string }>(overdue, [
      nowMs,
      limit,
    ]);
    return rows.map((row) => ({
      id: asAttemptId(row.id),
      providerId: asProviderId(row.provider_id),
    }));
  }

  async unbooked(bookedBeforeMs: number, limit: number): Promise<readonly AttemptId[]> {
    const rows = await this.database.rows<IdRow>(
      `SELECT id FROM attempt
       WHERE coalesce(booked_to_ms, billed_from_ms) IS NOT NULL AND NOT booked_finally
         AND (phase = 'released' OR coalesce(booked_to_ms, billed_from_ms) < $1)
       ORDER BY coalesce(booked_to_ms, billed_from_ms), id LIMIT $2`,
      [bookedBeforeMs, limit],
    );
    return rows.map(({ id }) => asAttemptId(id));
  }

  /** The unique index on unreleased attempts refuses a second one in a slot, whoever plans it. */
  private async insertPlanned(
    job: Job,
    attempts: readonly Attempt[],
    events: readonly NewEvent[],
  ): Promise<readonly IdRow[]> {
    const values = [...updateJobValues(job), eventsJson(events), json(attempts.map(plannedRow))];
    try {
      return await this.database.rows<IdRow>(plan, values);
    } catch (error) {
      if (conditionOf(error).code === UNIQUE_VIOLATION) return [];
      throw error;
    }
  }
}

/** A start, an exit or a loss: what a step under way must not overlook. */
function isNews(before: Attempt, { report, abandonAs }: ReportChange): boolean {
  const started = report.startedAtMs !== null && before.report.startedAtMs === null;
  const exited = report.exit !== null && before.report.exit === null;
  return started || exited || abandonAs !== null;
}

/** An attempt under a lock, with the others of its round where it has any. */
async function roundOf(
  sql: Sql,
  id: AttemptId,
): Promise<readonly [Attempt | null, readonly Attempt[]]> {
  const role = await firstRow<{ readonly role: string }>(sql, readRole, [id]);
  if (role === null) return [null, []];
  if (!sharedRoles.has(role.role)) return [await attemptBy(sql, readLocked, id), []];
  const all = (await sql.rows<AttemptRow>(readRoundLocked, [id])).map(attemptOf);
  const own = all.find((attempt) => attempt.id === id) ?? null;
  return [own, all.filter((attempt) => attempt.id !== id)];
}

async function attemptBy(sql: Sql, statement: Prepared, id: AttemptId): Promise<Attempt | null> {
  const row = await firstRow<AttemptRow>(sql, statement, [id]);
  return row === null ? null : attemptOf(row);
}
