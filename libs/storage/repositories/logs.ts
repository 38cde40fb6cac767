import type { AttemptId } from '#libs/domain';
import { firstRow, type Database } from '../transaction';
import { MAX_LOG_BYTES, type Logs } from '../workload-ports';

/** One chunk is read at least, whatever its size. */
const MAX_CHUNKS_PER_READ = 1_000;

export class PostgresLogs implements Logs {
  constructor(
    private readonly database: Database,
    private readonly maxBytes: number = MAX_LOG_BYTES,
  ) {}

  /** Two writers of one stream take turns: the length moves only from what this one has seen, and the loser appends nothing. */
  async append(
    attemptId: AttemptId,
    offset: number,
    bytes: Uint8Array,
    nowMs: number,
  ): Promise<number> {
    const length = await this.lengthOf(attemptId);
    const end = offset + bytes.byteLength;
    if (offset > length || end <= length) return length;
    const kept = bytes.subarray(length - offset, Math.max(length, this.maxBytes) - offset);
    const moved = await this.database.rows(
      `WITH moved AS (
         INSERT INTO log_stream AS s (attempt_id, length, updated_at_ms) SELECT $1, $3::bigint, $5::bigint
         WHERE $2::bigint = 0 OR EXISTS (SELECT FROM log_stream WHERE attempt_id = $1)
         ON CONFLICT (attempt_id) DO UPDATE SET length = excluded.length, updated_at_ms = excluded.updated_at_ms
           WHERE s.length = $2::bigint
         RETURNING attempt_id
       ), kept AS (
         INSERT INTO log_chunk (attempt_id, byte_offset, bytes)
         SELECT attempt_id, $2::bigint, $4::bytea FROM moved WHERE octet_length($4::bytea) > 0
       )
       SELECT attempt_id FROM moved`,
      [attemptId, length, end, Buffer.from(kept), nowMs],
    );
    return moved.length > 0 ? end : this.lengthOf(attemptId);
  }

  async read(attemptId: AttemptId, offset: number, limit: number): Promise<Uint8Array> {
    const rows = await this.database.rows<{ byte_offset: number; bytes: Buffer }>(
      `SELECT byte_offset, bytes FROM log_chunk
       WHERE attempt_id = $1 AND byte_offset < $2::bigint + $3::bigint AND byte_offset >= coalesce(
         (SELECT max(byte_offset) FROM log_chunk WHERE attempt_id = $1 AND byte_offset <= $2::bigint), 0)
       ORDER BY byte_offset LIMIT ${MAX_CHUNKS_PER_READ}`,
      [attemptId, offset, limit],
    );
    const first = rows[0]?.byte_offset ?? offset;
    const whole = Buffer.concat(rows.map(({ bytes }) => bytes));
    return whole.subarray(offset - first, offset - first + limit);
  }

  private async lengthOf(attemptId: AttemptId): Promise<number> {
    const text = 'SELECT length FROM log_stream WHERE attempt_id = $1';
    return (await firstRow<{ length: number }>(this.database, text, [attemptId]))?.length ?? 0;
  }
}
