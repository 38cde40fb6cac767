import type { DecisionId, Job } from '#libs/domain';
import type { EventBell } from '../event-bell';
import {
  StaleRevision,
  type DecisionRecord,
  type Decisions,
  type NewEvent,
  type StoredDecision,
} from '../ports';
import { firstRow, json, prepared, type Database } from '../transaction';
import { eventsJson, insertEvents } from './events';
import { updateJob, updateJobValues } from './job-row';

const record = prepared(`WITH
  moved AS (${updateJob()} RETURNING id),
  kept AS (
    INSERT INTO decision (id, job_id, at_ms, confirmed_at_ms, book_version, body)
    SELECT $13, moved.id, $14::bigint, $14::bigint, $15::integer, $16::jsonb FROM moved
  ),
  news AS (${insertEvents('moved', '$12')})
  SELECT id FROM moved`);

const confirm = prepared(`WITH
  moved AS (${updateJob()} RETURNING id, decision_id),
  seen AS (
    UPDATE decision SET confirmed_at_ms = $12::bigint FROM moved WHERE decision.id = moved.decision_id
  )
  SELECT id FROM moved`);

const read = prepared('SELECT body, confirmed_at_ms FROM decision WHERE id = $1');

interface DecisionRow {
  readonly body: DecisionRecord;
  readonly confirmed_at_ms: number;
}

export class PostgresDecisions implements Decisions {
  constructor(
    private readonly database: Database,
    private readonly bell: EventBell,
  ) {}

  async record(decision: DecisionRecord, job: Job, events: readonly NewEvent[]): Promise<Job> {
    const next: Job = { ...job, decisionId: decision.id };
    const values = [
      ...updateJobValues(next),
      eventsJson(events),
      decision.id,
      decision.atMs,
      decision.bookVersion,
      json(decision),
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
    return row === null ? null : { ...row.body, confirmedAtMs: row.confirmed_at_ms };
  }
}
