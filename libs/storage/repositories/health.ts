import type { AttemptId, HealthCounters, HealthSnapshot } from '#libs/domain';
import type { Health } from '../ports';
import type { Database } from '../transaction';

interface HealthRow {
  readonly key: string;
  readonly lease_ms: number;
  readonly interruptions: number;
  readonly starts: number;
  readonly start_ms_total: number;
  readonly start_failures: number;
}

export class PostgresHealth implements Health {
  constructor(private readonly database: Database) {}

  async snapshot(): Promise<HealthSnapshot> {
    const rows = await this.database.rows<HealthRow>('SELECT * FROM health ORDER BY key');
    return Object.fromEntries(rows.map((row) => [row.key, countersOf(row)]));
  }

  async learn(attemptId: AttemptId, key: string, lesson: HealthCounters): Promise<void> {
    await this.database.rows(
      `WITH fresh AS (
         INSERT INTO health_lesson (attempt_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING key
       )
       INSERT INTO health AS h (key, lease_ms, interruptions, starts, start_ms_total, start_failures)
       SELECT key, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint FROM fresh
       ON CONFLICT (key) DO UPDATE SET
         lease_ms = h.lease_ms + excluded.lease_ms,
         interruptions = h.interruptions + excluded.interruptions,
         starts = h.starts + excluded.starts,
         start_ms_total = h.start_ms_total + excluded.start_ms_total,
         start_failures = h.start_failures + excluded.start_failures`,
      [
        attemptId,
        key,
        lesson.leaseMs,
        lesson.interruptions,
        lesson.starts,
        lesson.startMsTotal,
        lesson.startFailures,
      ],
    );
  }
}

function countersOf(row: HealthRow): HealthCounters {
  return {
    leaseMs: row.lease_ms,
    interruptions: row.interruptions,
    starts: row.starts,
    startMsTotal: row.start_ms_total,
    startFailures: row.start_failures,
  };
}
