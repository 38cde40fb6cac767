import {
  LIFETIME_EDGES_MS,
  addLifetimes,
  asOfferId,
  asProviderId,
  decayFactor,
  healthKeysOf,
  noLifetimes,
  scaledLifetimes,
  withRunning,
  withStretch,
  type LifetimeCounts,
  type Offer,
  type OfferId,
} from '#libs/domain';
import type {
  AvailabilityChange,
  StoredRun,
  Supply,
  SupplyCursor,
  SupplyLesson,
  SupplyTimes,
} from '../health-ports';
import { firstRow, json, prepared, type Database, type Sql } from '../transaction';

/** Versions that differ from the one before in whether the offer is available, then offers that are gone from the book. */
const changes =
  prepared(`SELECT t.offer_id, t.body, (t.body->>'available')::boolean AS available, b.at_ms,
    t.from_version AS version
  FROM offer_version t JOIN book_version b ON b.version = t.from_version
    LEFT JOIN offer_version p ON p.offer_id = t.offer_id AND p.to_version = t.from_version
  WHERE t.from_version > $1 AND t.from_version <= $2
    AND (p.offer_id IS NULL OR p.body->>'available' <> t.body->>'available')
  UNION ALL
  SELECT t.offer_id, t.body, false, b.at_ms, t.to_version
  FROM offer_version t JOIN book_version b ON b.version = t.to_version
  WHERE t.to_version > $1 AND t.to_version <= $2 AND NOT EXISTS (
    SELECT FROM offer_version n WHERE n.offer_id = t.offer_id AND n.from_version = t.to_version)
  ORDER BY version, offer_id`);

interface RunRow {
  readonly offer_id: string;
  readonly provider_id: string;
  readonly key: string;
  readonly available: boolean;
  readonly since_ms: number;
  readonly aged: boolean;
}

const runColumns = 'offer_id, provider_id, key, available, since_ms, aged';

interface RunningRow {
  readonly key: string;
  readonly available: boolean;
  readonly aged: boolean;
  readonly bin: number;
  readonly runs: number;
  readonly total_age_ms: number;
}

/** Runs that go on, by level and by how far they have come. */
const running = prepared(`SELECT key, available, aged, bin - 1 AS bin, count(*)::integer AS runs,
    sum(age_ms)::float8 AS total_age_ms
  FROM (
    SELECT key, available, aged, age_ms,
      width_bucket(age_ms, ARRAY[${LIFETIME_EDGES_MS.join(', ')}]::float8[]) AS bin
    FROM (SELECT key, available, aged, greatest(0, $1::bigint - since_ms)::float8 AS age_ms FROM offer_run) AS aging
  ) AS binned GROUP BY key, available, aged, bin`);

interface TimesRow {
  readonly key: string;
  readonly as_of_ms: number;
  readonly up: LifetimeCounts;
  readonly down: LifetimeCounts;
}

/** After so many half-lives evidence weighs less than a thousandth. */
const FORGET_AFTER_HALF_LIVES = 10;

const noTimes: SupplyTimes = { up: noLifetimes(), down: noLifetimes() };

export class PostgresSupply implements Supply {
  constructor(private readonly database: Database) {}

  cursor(): Promise<SupplyCursor | null> {
    return readCursor(this.database, '');
  }

  async changes(afterVersion: number, toVersion: number): Promise<readonly AvailabilityChange[]> {
    const rows = await this.database.rows<{
      offer_id: string;
      body: Offer;
      available: boolean;
      at_ms: number;
    }>(changes, [afterVersion, toVersion]);
    return rows.map(({ offer_id, body, available, at_ms }) => ({
      offerId: asOfferId(offer_id),
      providerId: body.providerId,
      key: supplyKeyOf(body),
      available,
      atMs: at_ms,
    }));
  }

  async runs(offers: readonly OfferId[]): Promise<readonly StoredRun[]> {
    const rows = await this.database.rows<RunRow>(
      `SELECT ${runColumns} FROM offer_run WHERE offer_id = ANY ($1::text[]) ORDER BY offer_id`,
      [offers],
    );
    return rows.map(runOf);
  }

  async record(lesson: SupplyLesson): Promise<boolean> {
    const { from, to, runs, ended, forgetAwayBeforeMs, halfLifeMs } = lesson;
    return this.database.transaction(async (sql) => {
      const at = await readCursor(sql, 'FOR UPDATE');
      if (at?.bookVersion !== from?.bookVersion) return false;
      if (!(await moveCursor(sql, from, to))) return false;
      await writeRuns(sql, runs);
      const forgotten = await sql.rows<RunRow>(
        `DELETE FROM offer_run WHERE NOT available AND since_ms < $1 RETURNING ${runColumns}`,
        [forgetAwayBeforeMs],
      );
      const times = new Map(Object.entries(ended));
      for (const row of forgotten) addForgotten(times, row, to.atMs);
      await addTimes(sql, times, to.atMs, halfLifeMs);
      await forgetFaded(sql, to.atMs - FORGET_AFTER_HALF_LIVES * halfLifeMs);
      return true;
    });
  }

  async times(nowMs: number, halfLifeMs: number): Promise<Readonly<Record<string, SupplyTimes>>> {
    const ended = await this.database.rows<TimesRow>('SELECT * FROM supply_times ORDER BY key');
    const going = await this.database.rows<RunningRow>(running, [nowMs]);
    const times = new Map(ended.map((row) => [row.key, decayedTo(row, nowMs, halfLifeMs)]));
    for (const row of going) {
      const { up, down } = times.get(row.key) ?? noTimes;
      const more = {
        bin: row.bin,
        runs: row.runs,
        totalAgeMs: row.total_age_ms,
        aged: row.aged,
      };
      const added = row.available
        ? { up: withRunning(up, more), down }
        : { up, down: withRunning(down, more) };
      times.set(row.key, added);
    }
    return Object.fromEntries(times);
  }
}

/** The level that an offer's comings and goings count for: its kind of machine in its region. */
function supplyKeyOf(offer: Offer): string {
  return healthKeysOf({ ...offer, hostId: null }).at(-1) ?? offer.providerId;
}

function runOf(row: RunRow): StoredRun {
  return {
    offerId: asOfferId(row.offer_id),
    providerId: asProviderId(row.provider_id),
    key: row.key,
    available: row.available,
    sinceMs: row.since_ms,
    aged: row.aged,
  };
}

async function readCursor(sql: Sql, lock: string): Promise<SupplyCursor | null> {
  const row = await firstRow<{ book_version: number; at_ms: number }>(
    sql,
    `SELECT book_version, at_ms FROM supply_cursor WHERE id = 1 ${lock}`,
    [],
  );
  return row === null ? null : { bookVersion: row.book_version, atMs: row.at_ms };
}

/** Of two that look at the book for the first time at once, one finds the row there. */
async function moveCursor(sql: Sql, from: SupplyCursor | null, to: SupplyCursor): Promise<boolean> {
  const text =
    from === null
      ? 'INSERT INTO supply_cursor (id, book_version, at_ms) VALUES (1, $1, $2) ON CONFLICT DO NOTHING RETURNING id'
      : 'UPDATE supply_cursor SET book_version = $1, at_ms = $2 WHERE id = 1 RETURNING id';
  return (await sql.rows(text, [to.bookVersion, to.atMs])).length > 0;
}

async function writeRuns(sql: Sql, runs: readonly StoredRun[]): Promise<void> {
  await sql.rows(
    `INSERT INTO offer_run (${runColumns})
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::boolean[])
     ON CONFLICT (offer_id) DO UPDATE SET provider_id = excluded.provider_id, key = excluded.key,
       available = excluded.available, since_ms = excluded.since_ms, aged = excluded.aged`,
    [
      runs.map(({ offerId }) => offerId),
      runs.map(({ providerId }) => providerId),
      runs.map(({ key }) => key),
      runs.map(({ available }) => available),
      runs.map(({ sinceMs }) => sinceMs),
      runs.map(({ aged }) => aged),
    ],
  );
}

/** An offer that nobody watches any more: what it has been away for stays, as time without an end. */
function addForgotten(times: Map<string, SupplyTimes>, row: RunRow, nowMs: number): void {
  const { up, down } = times.get(row.key) ?? noTimes;
  const toAgeMs = nowMs - row.since_ms;
  const stretch = { fromAgeMs: 0, toAgeMs, ended: false, aged: row.aged };
  times.set(row.key, { up, down: withStretch(down, stretch) });
}

async function addTimes(
  sql: Sql,
  times: ReadonlyMap<string, SupplyTimes>,
  atMs: number,
  halfLifeMs: number,
): Promise<void> {
  if (times.size === 0) return;
  const keys = [...times.keys()];
  const known = await sql.rows<TimesRow>(
    'SELECT * FROM supply_times WHERE key = ANY ($1::text[])',
    [keys],
  );
  const before = new Map(known.map((row) => [row.key, decayedTo(row, atMs, halfLifeMs)]));
  const next = keys.map((key): SupplyTimes => {
    const [a, b] = [before.get(key) ?? noTimes, times.get(key) ?? noTimes];
    return { up: addLifetimes(a.up, b.up), down: addLifetimes(a.down, b.down) };
  });
  await sql.rows(
    `INSERT INTO supply_times (key, as_of_ms, up, down)
     SELECT key, $2, up, down FROM unnest($1::text[], $3::jsonb[], $4::jsonb[]) AS t(key, up, down)
     ON CONFLICT (key) DO UPDATE SET as_of_ms = excluded.as_of_ms, up = excluded.up, down = excluded.down`,
    [keys, atMs, next.map(({ up }) => json(up)), next.map(({ down }) => json(down))],
  );
}

/** Levels at which nothing has changed for so long that what was seen weighs nothing. */
async function forgetFaded(sql: Sql, beforeMs: number): Promise<void> {
  if (beforeMs > 0)
    await sql.rows('DELETE FROM supply_times WHERE as_of_ms < $1', [Math.floor(beforeMs)]);
}

function decayedTo(
  { as_of_ms, up, down }: TimesRow,
  nowMs: number,
  halfLifeMs: number,
): SupplyTimes {
  const factor = decayFactor(nowMs - as_of_ms, halfLifeMs);
  return { up: scaledLifetimes(up, factor), down: scaledLifetimes(down, factor) };
}
