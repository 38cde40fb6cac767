import { asJobId, type Suspension, type SuspensionScope } from '#libs/domain';
import type { Suspensions } from '../ports';
import { json, type Database } from '../transaction';

interface SuspensionRow {
  readonly scope: string;
  readonly key: string;
  readonly job_id: string | null;
  readonly from_ms: number;
  readonly until_ms: number;
  readonly reason: string;
}

/** Inserts the suspensions of a JSON parameter once for each row of `source`. For use as a CTE. */
export function insertSuspensions(source: string, parameter: string): string {
  return `INSERT INTO suspension (scope, key, job_id, from_ms, until_ms, reason)
    SELECT s->>'scope', s->>'key', s->>'jobId', (s->>'fromMs')::bigint, (s->>'untilMs')::bigint, s->>'reason'
    FROM ${source}, json_array_elements(${parameter}::json) AS s`;
}

export class PostgresSuspensions implements Suspensions {
  constructor(private readonly database: Database) {}

  async inForce(nowMs: number): Promise<readonly Suspension[]> {
    const rows = await this.database.rows<SuspensionRow>(
      `SELECT scope, key, job_id, from_ms, until_ms, reason FROM suspension
       WHERE until_ms > $1 AND from_ms <= $1 ORDER BY id`,
      [nowMs],
    );
    return rows.map((row) => ({
      scope: row.scope as SuspensionScope,
      key: row.key,
      jobId: row.job_id === null ? null : asJobId(row.job_id),
      fromMs: row.from_ms,
      untilMs: row.until_ms,
      reason: row.reason,
    }));
  }

  async add(suspensions: readonly Suspension[]): Promise<void> {
    if (suspensions.length === 0) return;
    const insert = insertSuspensions('(VALUES (1)) AS once', '$1');
    await this.database.rows(insert, [json(suspensions)]);
  }
}
