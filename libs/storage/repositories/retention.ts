import { firstRow, type Database } from '../transaction';
import type { PrunedCounts, Retention, RetentionCutoffs } from '../workload-ports';

/** Counts what a statement with `RETURNING` deleted, without sending it. */
function counting(deletion: string, before = ''): string {
  return `WITH ${before} gone AS (${deletion} RETURNING 1) SELECT count(*)::integer AS count FROM gone`;
}

/** `$1` the cut-off, `$2` how many rows at most; so in all that follow. Sequences grow with time, so only the head is looked at. */
const events = counting(`DELETE FROM event WHERE sequence IN (
  SELECT sequence FROM (SELECT sequence, at_ms FROM event ORDER BY sequence LIMIT $2) AS head WHERE at_ms < $1)`);

/** A decision is older than the end of its job, so that its own age finds the candidates. */
const decisions = counting(`DELETE FROM decision WHERE id IN (
  SELECT d.id FROM decision d JOIN job j ON j.id = d.job_id
  WHERE d.at_ms < $1 AND j.ended_at_ms < $1 ORDER BY d.at_ms LIMIT $2)`);

const suspensions = counting(`DELETE FROM suspension WHERE id IN (
  SELECT id FROM suspension WHERE until_ms < $1 ORDER BY until_ms LIMIT $2)`);

const idempotencyKeys = counting(`DELETE FROM idempotency_key WHERE (scope, key) IN (
  SELECT scope, key FROM idempotency_key WHERE created_at_ms < $1 ORDER BY created_at_ms LIMIT $2)`);

const artifacts = counting(`DELETE FROM artifact WHERE (job_id, kind, index) IN (
  SELECT a.job_id, a.kind, a.index FROM artifact a JOIN job j ON j.id = a.job_id
  WHERE a.at_ms < $1 AND j.ended_at_ms < $1 ORDER BY a.at_ms LIMIT $2)`);

const oldStreams = `SELECT s.attempt_id FROM log_stream s
  JOIN attempt a ON a.id = s.attempt_id JOIN job j ON j.id = a.job_id
  WHERE s.updated_at_ms < $1 AND j.ended_at_ms < $1 ORDER BY s.updated_at_ms LIMIT $2`;

const logChunks = counting(
  `DELETE FROM log_chunk WHERE (attempt_id, byte_offset) IN (
    SELECT c.attempt_id, c.byte_offset FROM old JOIN log_chunk c USING (attempt_id) LIMIT $2)`,
  `old AS MATERIALIZED (${oldStreams}),`,
);

/** The length goes last: a stream with chunks and without a length would begin anew in the middle of them. */
const logStreams = counting(
  `DELETE FROM log_stream s USING old WHERE s.attempt_id = old.attempt_id
    AND NOT EXISTS (SELECT FROM log_chunk c WHERE c.attempt_id = s.attempt_id)`,
  `old AS MATERIALIZED (${oldStreams}),`,
);

/** The last version of the book that is older than the cut-off, as far as the oldest tell: one more than can go, since one stays. */
const lastOldVersion = `SELECT max(version) AS version FROM (
  SELECT version, at_ms FROM book_version ORDER BY version LIMIT $2::integer + 1) AS head WHERE at_ms < $1`;

/** `$1` is a version here. Replaying a decision needs every offer of its book. */
const offerVersions = counting(`DELETE FROM offer_version WHERE (offer_id, from_version) IN (
  SELECT o.offer_id, o.from_version FROM offer_version o
  WHERE o.to_version <= $1 AND NOT EXISTS (
    SELECT FROM decision d WHERE d.book_version >= o.from_version AND d.book_version < o.to_version)
  ORDER BY o.to_version LIMIT $2)`);

/** `$1` is a version here, and stays: it is what tells how old the offers are that ended with it, and the newest is the book's. */
const bookVersions = counting(`DELETE FROM book_version WHERE version IN (
  SELECT version FROM book_version WHERE version < $1 ORDER BY version LIMIT $2)`);

export class PostgresRetention implements Retention {
  constructor(private readonly database: Database) {}

  /** Decisions go before offers, because a decision keeps the offers that it was made from. */
  async prune(cutoffs: RetentionCutoffs, limit: number): Promise<PrunedCounts> {
    const { outputsBeforeMs } = cutoffs;
    return {
      events: await this.deleted(events, cutoffs.eventsBeforeMs, limit),
      decisions: await this.deleted(decisions, cutoffs.decisionsBeforeMs, limit),
      ...(await this.pruneOffers(cutoffs.offersBeforeMs, limit)),
      suspensions: await this.deleted(suspensions, cutoffs.suspensionsBeforeMs, limit),
      idempotencyKeys: await this.deleted(idempotencyKeys, cutoffs.idempotencyKeysBeforeMs, limit),
      logChunks: await this.deleted(logChunks, outputsBeforeMs, limit),
      logStreams: await this.deleted(logStreams, outputsBeforeMs, limit),
      artifacts: await this.deleted(artifacts, outputsBeforeMs, limit),
    };
  }

  private async pruneOffers(
    beforeMs: number,
    limit: number,
  ): Promise<Pick<PrunedCounts, 'offerVersions' | 'bookVersions'>> {
    const values = [beforeMs, limit];
    const last = await firstRow<{ version: number | null }>(this.database, lastOldVersion, values);
    const version = last?.version ?? null;
    if (version === null) return { offerVersions: 0, bookVersions: 0 };
    return {
      offerVersions: await this.deleted(offerVersions, version, limit),
      bookVersions: await this.deleted(bookVersions, version, limit),
    };
  }

  private async deleted(statement: string, bound: number, limit: number): Promise<number> {
    const row = await firstRow<{ count: number }>(this.database, statement, [bound, limit]);
    return row?.count ?? 0;
  }
}
