import {
  addKnowledge,
  asProviderId,
  type Attempt,
  type AttemptId,
  type HealthSnapshot,
  type Knowledge,
} from '#libs/domain';
import type { AttemptRow } from '../entities/attempts';
import {
  MAX_COMPANIONS,
  MAX_HEALTH_LEVELS,
  type AttemptLesson,
  type CallTally,
  type Health,
  type KeyedLesson,
  type LearningStage,
  type Unlearned,
} from '../health-ports';
import { firstRow, json, prepared, type Database, type Sql } from '../transaction';
import { attemptColumns, attemptOf } from './attempt-row';
import { isVersion, knowledgeIn, snapshotOf, type LevelRow } from './health-version';

/** Tallies that nobody has taken for so long are dropped: the health monitor has been away. */
const KEEP_TALLIES_MS = 7 * 86_400_000;

const stageNumber: { readonly [S in LearningStage]: number } = { lease: 1, all: 2 };

type UnlearnedRow = AttemptRow & { readonly learned: number };

interface EditionRow {
  readonly version: number;
  readonly epoch: string;
}

const editionNow = prepared('SELECT version, epoch FROM health_version WHERE id = 1');

const current = prepared(`SELECT v.version, v.epoch, l.key, l.body
  FROM (SELECT version, epoch FROM health_version WHERE id = 1) AS v LEFT JOIN health_level l ON l.to_version IS NULL ORDER BY l.key`);

/** Takes the next version and, until the transaction ends, the right to write it. */
const nextVersion = `INSERT INTO health_version (id, version, epoch) VALUES (1, 1, gen_random_uuid()::text)
  ON CONFLICT (id) DO UPDATE SET version = health_version.version + 1 RETURNING version`;

const closeLevels = `UPDATE health_level SET to_version = $2, to_at_ms = $3
  WHERE to_version IS NULL AND key = ANY ($1::text[])`;

const openLevels = `INSERT INTO health_level (key, from_version, body)
  SELECT key, $2, body FROM unnest($1::text[], $3::jsonb[]) AS l(key, body)`;

const companions = prepared(`SELECT ${attemptColumns} FROM attempt
  WHERE coalesce(offer->>'hostedBy', provider_id) || '/' || (offer->>'region') = $1
    AND billed_from_ms <= $3 AND (billed_to_ms IS NULL OR billed_to_ms >= $2)
  ORDER BY billed_from_ms DESC, id LIMIT ${MAX_COMPANIONS}`);

const forget = `UPDATE health_level SET to_version = $1, to_at_ms = $2
  WHERE to_version IS NULL AND key IN (
    SELECT key FROM (
      SELECT key, coalesce(body->>'asOfMs', body->>'countedAtMs')::float8 AS as_of_ms,
        row_number() OVER (ORDER BY coalesce(body->>'asOfMs', body->>'countedAtMs')::float8 DESC, key) AS place
      FROM health_level WHERE to_version IS NULL
    ) AS known WHERE as_of_ms < $3 OR place > ${MAX_HEALTH_LEVELS})
  RETURNING key`;

/** Replaying a decision needs the levels that it was made from. */
const dropReplaced = `DELETE FROM health_level WHERE (key, from_version) IN (
    SELECT l.key, l.from_version FROM health_level l
    WHERE l.to_at_ms < $1 AND NOT EXISTS (
      SELECT FROM decision d
      WHERE d.health_version >= l.from_version AND d.health_version < l.to_version)
    ORDER BY l.to_at_ms LIMIT $2) RETURNING key`;

export class PostgresHealth implements Health {
  private known: { readonly edition: string; readonly health: HealthSnapshot } | null = null;

  constructor(private readonly database: Database) {}

  async snapshot(): Promise<HealthSnapshot> {
    const edition = await firstRow<EditionRow>(this.database, editionNow, []);
    if (this.known !== null && this.known.edition === editionOf(edition)) return this.known.health;
    const rows = await this.database.rows<LevelRow & EditionRow>(current);
    const health = snapshotOf(rows.filter(({ key }) => key !== null));
    const loaded = rows[0] ?? null;
    this.known = { edition: editionOf(loaded), health: isVersion(health, loaded?.version ?? 0) };
    return this.known.health;
  }

  async learn(
    lessons: readonly AttemptLesson[],
    others: readonly KeyedLesson[],
    nowMs: number,
  ): Promise<number> {
    return this.database.transaction(async (sql) => {
      const fresh = await markLearned(sql, lessons);
      const news = lessons.filter(({ attemptId }) => fresh.has(attemptId));
      await addLessons(sql, [...news.flatMap((each) => each.lessons), ...others], nowMs);
      return news.length;
    });
  }

  async toLearn(id: AttemptId): Promise<Unlearned | null> {
    const row = await firstRow<UnlearnedRow>(
      this.database,
      `SELECT ${attemptColumns}, learned FROM attempt WHERE id = $1 AND phase = 'released' AND learned < 2`,
      [id],
    );
    return row === null ? null : unlearnedOf(row);
  }

  async unlearned(settledBeforeMs: number, limit: number): Promise<readonly Unlearned[]> {
    const rows = await this.database.rows<UnlearnedRow>(
      `SELECT ${attemptColumns}, learned FROM attempt
       WHERE phase = 'released' AND learned < 2 AND (learned = 0 OR phase_since_ms < $1)
       ORDER BY phase_since_ms, id LIMIT $2`,
      [settledBeforeMs, limit],
    );
    return rows.map(unlearnedOf);
  }

  async companions(domain: string, fromMs: number, toMs: number): Promise<readonly Attempt[]> {
    const rows = await this.database.rows<AttemptRow>(companions, [domain, fromMs, toMs]);
    return rows.map(attemptOf);
  }

  async tally(tallies: readonly CallTally[]): Promise<void> {
    if (tallies.length === 0) return;
    await this.database.rows(
      `WITH untaken AS (
         DELETE FROM call_tally WHERE at_ms < (SELECT min(at_ms) FROM unnest($4::bigint[]) AS t(at_ms)) - ${KEEP_TALLIES_MS}
       )
       INSERT INTO call_tally (provider_id, calls, unanswered, at_ms)
       SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[])`,
      [
        tallies.map(({ providerId }) => providerId),
        tallies.map(({ calls }) => calls),
        tallies.map(({ unanswered }) => unanswered),
        tallies.map(({ atMs }) => atMs),
      ],
    );
  }

  async takeTallies(
    limit: number,
    nowMs: number,
    teach: (tallies: readonly CallTally[]) => readonly KeyedLesson[],
  ): Promise<number> {
    return this.database.transaction(async (sql) => {
      const rows = await sql.rows<{
        provider_id: string;
        calls: number;
        unanswered: number;
        at_ms: number;
      }>(
        `DELETE FROM call_tally WHERE id IN (
           SELECT id FROM call_tally ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING provider_id, calls, unanswered, at_ms`,
        [limit],
      );
      const taken = rows.map((row) => ({
        providerId: asProviderId(row.provider_id),
        calls: row.calls,
        unanswered: row.unanswered,
        atMs: row.at_ms,
      }));
      await addLessons(sql, teach(taken), nowMs);
      return taken.length;
    });
  }

  async prune(
    beforeMs: number,
    replacedBeforeMs: number,
    limit: number,
    nowMs: number,
  ): Promise<number> {
    return this.database.transaction(async (sql) => {
      const version = await firstRow<{ version: number }>(sql, nextVersion, []);
      const forgotten = await sql.rows(forget, [version?.version ?? 1, nowMs, beforeMs]);
      const dropped = await sql.rows(dropReplaced, [replacedBeforeMs, limit]);
      return forgotten.length + dropped.length;
    });
  }
}

/** Versions count from one in each database, so the epoch tells those of one that was put in its place apart. */
function editionOf(row: EditionRow | null): string {
  return row === null ? '' : `${row.epoch}/${row.version}`;
}

function unlearnedOf(row: UnlearnedRow): Unlearned {
  return { attempt: attemptOf(row), stage: row.learned === 0 ? 'nothing' : 'lease' };
}

/** Brings the attempts to their lessons' stages and returns those that were behind them. */
async function markLearned(
  sql: Sql,
  lessons: readonly AttemptLesson[],
): Promise<ReadonlySet<string>> {
  if (lessons.length === 0) return new Set();
  const rows = await sql.rows<{ id: string }>(
    `UPDATE attempt SET learned = l.stage
     FROM unnest($1::text[], $2::integer[]) AS l(id, stage)
     WHERE attempt.id = l.id AND attempt.learned < l.stage RETURNING attempt.id`,
    [lessons.map(({ attemptId }) => attemptId), lessons.map(({ stage }) => stageNumber[stage])],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Adds to each level what is new of it, as the next version; the lock on the version keeps others from adding meanwhile. */
async function addLessons(sql: Sql, lessons: readonly KeyedLesson[], nowMs: number): Promise<void> {
  if (lessons.length === 0) return;
  const version = (await firstRow<{ version: number }>(sql, nextVersion, []))?.version ?? 1;
  const keys = [...new Set(lessons.map(({ key }) => key))];
  const rows = await sql.rows<LevelRow>(
    'SELECT key, body FROM health_level WHERE to_version IS NULL AND key = ANY ($1::text[])',
    [keys],
  );
  const levels = new Map<string, Knowledge>(rows.map(({ key, body }) => [key, knowledgeIn(body)]));
  for (const { key, lesson } of lessons) {
    const known = levels.get(key);
    levels.set(key, known === undefined ? lesson : addKnowledge(known, lesson));
  }
  await sql.rows(closeLevels, [keys, version, nowMs]);
  const bodies = keys.map((key) => json(levels.get(key)));
  await sql.rows(openLevels, [keys, version, bodies]);
}
