import {
  isKnowledge,
  knowledgeOf,
  type HealthCounters,
  type HealthSnapshot,
  type Knowledge,
} from '#libs/domain';
import type { Sql } from '../transaction';

/** A level as it is stored: knowledge, or the counters of before ages were learned, and when those were taken over. */
type StoredLevel = Knowledge | (HealthCounters & { readonly countedAtMs?: number });

export interface LevelRow {
  readonly key: string;
  readonly body: StoredLevel;
}

export function knowledgeIn(body: StoredLevel): Knowledge {
  return isKnowledge(body) ? body : knowledgeOf(body, body.countedAtMs ?? 0);
}

export function snapshotOf(rows: readonly LevelRow[]): HealthSnapshot {
  return Object.fromEntries(rows.map(({ key, body }) => [key, knowledgeIn(body)]));
}

/** The version that each snapshot was loaded at. */
const versions = new WeakMap<HealthSnapshot, number>();

/** Remembers that a snapshot is what the database says of a version, so that a decision made from it need not keep it. */
export function isVersion(health: HealthSnapshot, version: number): HealthSnapshot {
  versions.set(health, version);
  return health;
}

/** The version that a snapshot was loaded at, or null for one that did not come from the database. */
export function healthVersionOf(health: HealthSnapshot): number | null {
  return versions.get(health) ?? null;
}

/** What was known at a version, as far as it is kept. */
export async function healthAt(sql: Sql, version: number): Promise<HealthSnapshot> {
  const rows = await sql.rows<LevelRow>(
    `SELECT key, body FROM health_level
     WHERE from_version <= $1 AND (to_version IS NULL OR to_version > $1) ORDER BY key`,
    [version],
  );
  return isVersion(snapshotOf(rows), version);
}
