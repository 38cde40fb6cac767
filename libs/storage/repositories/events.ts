import { asAttemptId, asJobId, type JobId } from '#libs/domain';
import type { Events, NewEvent, StoredEvent } from '../ports';
import { json, type Database } from '../transaction';

interface EventRow {
  readonly sequence: number;
  readonly job_id: string;
  readonly attempt_id: string | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at_ms: number;
}

const MAX_EVENTS = 1_000;

/**
 * Inserts the events of a JSON parameter in their order, once for each row of `source` (a table or CTE with one row, or none
 * to insert nothing). For use as a CTE of the statement that causes them.
 */
export function insertEvents(source: string, parameter: string): string {
  return `INSERT INTO event (job_id, attempt_id, type, data, at_ms)
    SELECT e->>'jobId', e->>'attemptId', e->>'type', e->'data', (e->>'atMs')::bigint
    FROM ${source}, json_array_elements(${parameter}::json) WITH ORDINALITY AS news(e, place)
    ORDER BY place`;
}

export function eventsJson(events: readonly NewEvent[]): string | null {
  return json(events);
}

export class PostgresEvents implements Events {
  constructor(private readonly database: Database) {}

  async after(
    afterSequence: number,
    jobId: JobId | null,
    limit: number,
  ): Promise<readonly StoredEvent[]> {
    const rows = await this.database.rows<EventRow>('SELECT * FROM events_after($1, $2, $3)', [
      afterSequence,
      jobId,
      Math.min(MAX_EVENTS, limit),
    ]);
    return rows.map((row) => ({
      sequence: row.sequence,
      jobId: asJobId(row.job_id),
      attemptId: row.attempt_id === null ? null : asAttemptId(row.attempt_id),
      type: row.type,
      data: row.data,
      atMs: row.at_ms,
    }));
  }
}
