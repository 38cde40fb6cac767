import { asJobId, type Suspension, type SuspensionScope } from '#libs/domain';
import type { Lift, StoredSuspension, Suspensions } from '../health-ports';
import { json, type Database } from '../transaction';

interface SuspensionRow {
  readonly id: number;
  readonly scope: string;
  readonly key: string;
  readonly job_id: string | null;
  readonly from_ms: number;
  readonly until_ms: number;
  readonly reason: string;
  readonly added_by: string | null;
  readonly lifted_at_ms: number | null;
}

/** Inserts the suspensions of a JSON parameter once for each row of `source`. For use as a CTE. */
export function insertSuspensions(source: string, parameter: string, by = 'NULL::text'): string {
  return `INSERT INTO suspension (scope, key, job_id, from_ms, until_ms, reason, added_by)
    SELECT s->>'scope', s->>'key', s->>'jobId', (s->>'fromMs')::bigint, (s->>'untilMs')::bigint, s->>'reason', ${by}
    FROM ${source}, json_array_elements(${parameter}::json) AS s`;
}

/** When a suspension was lifted by a row that came after it. */
const liftedAt = `(SELECT min(l.from_ms) FROM suspension l
  WHERE l.lifts AND l.scope = s.scope AND l.key = s.key AND l.id > s.id AND l.from_ms < s.until_ms
    AND (l.lifted_reason IS NULL OR l.lifted_reason = s.reason))`;

export class PostgresSuspensions implements Suspensions {
  constructor(private readonly database: Database) {}

  async inForce(nowMs: number): Promise<readonly Suspension[]> {
    const rows = await this.database.rows<SuspensionRow>(
      `SELECT s.* FROM suspension s
       WHERE NOT s.lifts AND s.until_ms > $1 AND s.from_ms <= $1
         AND NOT coalesce(${liftedAt} <= $1, false) ORDER BY s.id`,
      [nowMs],
    );
    return rows.map(suspensionOf);
  }

  async add(suspensions: readonly Suspension[], by: string | null = null): Promise<void> {
    if (suspensions.length === 0) return;
    const insert = insertSuspensions('(VALUES (1)) AS once', '$1', '$2::text');
    await this.database.rows(insert, [json(suspensions), by]);
  }

  /** Lasts as long as what it lifts, so that the one is not deleted before the other. */
  async lift({ scope, key, ofReason, atMs, by, because }: Lift): Promise<number> {
    const [row] = await this.database.rows<{ count: number }>(
      `WITH ended AS (
         SELECT s.until_ms FROM suspension s
         WHERE NOT s.lifts AND s.scope = $1 AND s.key = $2 AND s.until_ms > $4 AND s.from_ms <= $4
           AND ($3::text IS NULL OR s.reason = $3) AND NOT coalesce(${liftedAt} <= $4, false)
       ), lifting AS (
         INSERT INTO suspension (scope, key, from_ms, until_ms, reason, added_by, lifts, lifted_reason)
         SELECT $1, $2, $4, max(until_ms), $5, $6, true, $3 FROM ended HAVING count(*) > 0
       )
       SELECT count(*)::integer AS count FROM ended`,
      [scope, key, ofReason, atMs, because, by],
    );
    return row?.count ?? 0;
  }

  async list(endsAfterMs: number, limit: number): Promise<readonly StoredSuspension[]> {
    const rows = await this.database.rows<SuspensionRow>(
      `SELECT s.*, ${liftedAt} AS lifted_at_ms FROM suspension s
       WHERE NOT s.lifts AND s.until_ms > $1 ORDER BY s.id DESC LIMIT $2`,
      [endsAfterMs, limit],
    );
    return rows.map((row) => ({
      ...suspensionOf(row),
      id: String(row.id),
      by: row.added_by,
      liftedAtMs: row.lifted_at_ms,
    }));
  }
}

function suspensionOf(row: SuspensionRow): Suspension {
  return {
    scope: row.scope as SuspensionScope,
    key: row.key,
    jobId: row.job_id === null ? null : asJobId(row.job_id),
    fromMs: row.from_ms,
    untilMs: row.until_ms,
    reason: row.reason,
  };
}
