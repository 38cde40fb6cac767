import {
  asDecisionId,
  asJobId,
  DEFAULT_PREFERENCES,
  type DecisionId,
  type Job,
} from '#libs/domain';
import type { EventBell } from '../event-bell';
import {
  StaleRevision,
  type DecisionEntry,
  type DecisionFilter,
  type DecisionRecord,
  type Decisions,
  type NewEvent,
  type StoredDecision,
} from '../ports';
import { firstRow, json, prepared, type Database } from '../transaction';
import { eventsJson, insertEvents } from './events';
import { healthAt, healthVersionOf, snapshotOf } from './health-version';
import { updateJob, updateJobValues } from './job-row';

const record = prepared(`WITH
  moved AS (${updateJob()} RETURNING id),
  kept AS (
    INSERT INTO decision (id, job_id, at_ms, confirmed_at_ms, book_version, body, health_version)
    SELECT $14, moved.id, $15::bigint, $15::bigint, $16::integer, $17::jsonb, ($17::jsonb->>'healthVersion')::integer
    FROM moved
  ),
  dropped AS (DELETE FROM decision USING moved WHERE decision.id = $18 AND job_id = moved.id),
  news AS (${insertEvents('moved', '$13')})
  SELECT moved.id FROM moved`);

const confirm = prepared(`WITH
  moved AS (${updateJob()} RETURNING id, decision_id),
  seen AS (
    UPDATE decision SET confirmed_at_ms = $13::bigint FROM moved WHERE decision.id = moved.decision_id
  )
  SELECT id FROM moved`);

const read = prepared('SELECT body, confirmed_at_ms FROM decision WHERE id = $1');

interface EntryRow {
  readonly id: string;
  readonly job_id: string;
  readonly project: string;
  readonly at_ms: number;
  readonly book_version: number;
}

/** A decision as it is kept: measurements of the database are named by their version, any others kept whole. */
type KeptDecision = DecisionRecord & { readonly healthVersion?: number | null };

function keptOf(decision: DecisionRecord): KeptDecision {
  const healthVersion = healthVersionOf(decision.health);
  return healthVersion === null ? decision : { ...decision, health: {}, healthVersion };
}

interface DecisionRow {
  readonly body: KeptDecision;
  readonly confirmed_at_ms: number;
}

/** What decisions did not say before jobs were reconsidered. */
const beforeReconsiderations: Pick<DecisionRecord, 'kind' | 'leftMs' | 'reserves' | 'preferences'> =
  { kind: 'placement', leftMs: null, reserves: [], preferences: DEFAULT_PREFERENCES };

export class PostgresDecisions implements Decisions {
  constructor(
    private readonly database: Database,
    private readonly bell: EventBell,
  ) {}

  async record(
    decision: DecisionRecord,
    job: Job,
    events: readonly NewEvent[],
    replaces: DecisionId | null = null,
  ): Promise<Job> {
    const next: Job = { ...job, decisionId: decision.id };
    const values = [
      ...updateJobValues(next),
      eventsJson(events),
      decision.id,
      decision.atMs,
      decision.bookVersion,
      json(keptOf(decision)),
      replaces,
    ];
    const rows = await this.database.rows<{ readonly id: string }>(record, values);
    if (rows.length === 0) throw new StaleRevision(`job ${job.id}`);
    if (events.length > 0) this.bell.ring();
    return { ...next, revision: job.revision + 1 };
  }

  async confirm(job: Job, atMs: number): Promise<Job> {
    const values = [...updateJobValues(job), atMs];
    const rows = await this.database.rows<{ readonly id: string }>(confirm, values);
    if (rows.length === 0) throw new StaleRevision(`job ${job.id}`);
    return { ...job, revision: job.revision + 1 };
  }

  async get(id: DecisionId): Promise<StoredDecision | null> {
    const row = await firstRow<DecisionRow>(this.database, read, [id]);
    if (row === null) return null;
    const { healthVersion = null, ...body } = row.body;
    const health =
      healthVersion === null
        ? snapshotOf(Object.entries(body.health).map(([key, level]) => ({ key, body: level })))
        : await healthAt(this.database, healthVersion);
    return { ...beforeReconsiderations, ...body, health, confirmedAtMs: row.confirmed_at_ms };
  }

  async list(
    { projects, fromMs, toMs }: DecisionFilter,
    limit: number,
  ): Promise<readonly DecisionEntry[]> {
    const rows = await this.database.rows<EntryRow>(
      `SELECT d.id, d.job_id, j.project, d.at_ms, d.book_version
       FROM decision d JOIN job j ON j.id = d.job_id
       WHERE ($1::text[] IS NULL OR j.project = ANY ($1))
         AND d.at_ms >= coalesce($2::bigint, 0) AND d.at_ms < coalesce($3::bigint, 9223372036854775807)
       ORDER BY d.at_ms DESC, d.id DESC LIMIT $4`,
      [projects, fromMs, toMs, limit],
    );
    return rows.map((row) => ({
      id: asDecisionId(row.id),
      jobId: asJobId(row.job_id),
      project: row.project,
      atMs: row.at_ms,
      bookVersion: row.book_version,
    }));
  }
}
