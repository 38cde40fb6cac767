import {
  asOfferId,
  microUsd,
  type MicroUsd,
  type OfferId,
  type PriceDay,
  type PricePoint,
  type ProviderId,
} from '#libs/domain';
import type { FeedPrice, KnownPrice, Prices } from '../price-ports';
import { firstRow, type Database, type Sql } from '../transaction';

/** Rows of one statement. */
const CHUNK = 5_000;

interface PointRow {
  readonly offer_id: string;
  readonly at_ms: number;
  readonly price_per_hour: number | null;
}

interface DayRow {
  readonly offer_id: string;
  readonly day_ms: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly close: number | null;
  readonly changes: number;
}

export class PostgresPrices implements Prices {
  constructor(private readonly database: Database) {}

  async learn(source: string, prices: readonly FeedPrice[], readAtMs: number): Promise<void> {
    for (const chunk of chunksOf([...lastOfEach(prices)]))
      await this.database.rows(
        `INSERT INTO feed_price (source, offer_id, provider_id, price_per_hour, read_at_ms)
         SELECT $1, p.id, split_part(p.id, '/', 1), p.price, $2 FROM unnest($3::text[], $4::bigint[]) AS p(id, price)
         ON CONFLICT (source, offer_id) DO UPDATE
           SET price_per_hour = excluded.price_per_hour, read_at_ms = excluded.read_at_ms`,
        [
          source,
          readAtMs,
          chunk.map(({ offerId }) => offerId),
          chunk.map(({ pricePerHour }) => pricePerHour),
        ],
      );
  }

  async forget(source: string, readBeforeMs: number): Promise<number> {
    const rows = await this.database.rows(
      'DELETE FROM feed_price WHERE source = $1 AND read_at_ms < $2 RETURNING offer_id',
      [source, readBeforeMs],
    );
    return rows.length;
  }

  async known(providerId: ProviderId): Promise<readonly KnownPrice[]> {
    const rows = await this.database.rows<PointRow & { source: string; read_at_ms: number }>(
      `SELECT DISTINCT ON (offer_id) offer_id, source, price_per_hour, read_at_ms FROM feed_price
       WHERE provider_id = $1 ORDER BY offer_id, read_at_ms DESC, source`,
      [providerId],
    );
    return rows.map((row) => ({
      offerId: asOfferId(row.offer_id),
      source: row.source,
      pricePerHour: microUsd(row.price_per_hour ?? 0),
      readAtMs: row.read_at_ms,
    }));
  }

  async addPoints(points: readonly PricePoint[]): Promise<void> {
    for (const chunk of chunksOf(points))
      await this.database.rows(
        `INSERT INTO price_point (offer_id, at_ms, price_per_hour)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING`,
        columnsOf(chunk),
      );
  }

  async points(
    offerId: OfferId,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly PricePoint[]> {
    const rows = await this.database.rows<PointRow>(
      `SELECT * FROM (
         (SELECT * FROM price_point WHERE offer_id = $1 AND at_ms < $2 ORDER BY at_ms DESC LIMIT 1)
         UNION ALL
         (SELECT * FROM price_point WHERE offer_id = $1 AND at_ms >= $2 AND at_ms < $3)
       ) AS p ORDER BY at_ms DESC LIMIT $4`,
      [offerId, fromMs, toMs, limit],
    );
    return rows.map(pointOf).reverse();
  }

  async days(
    offerId: OfferId,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly PriceDay[]> {
    const rows = await this.database.rows<DayRow>(
      `SELECT * FROM price_day WHERE offer_id = $1 AND day_ms >= $2 AND day_ms < $3 ORDER BY day_ms DESC LIMIT $4`,
      [offerId, fromMs, toMs, limit],
    );
    return rows.map(dayOf).reverse();
  }

  async withOldPoints(beforeMs: number, limit: number): Promise<readonly OfferId[]> {
    const rows = await this.database.rows<{ offer_id: string }>(
      `SELECT offer_id FROM price_point WHERE at_ms < $1 GROUP BY offer_id HAVING count(*) > 1 ORDER BY offer_id LIMIT $2`,
      [beforeMs, limit],
    );
    return rows.map((row) => asOfferId(row.offer_id));
  }

  async compact(offerId: OfferId, days: readonly PriceDay[], beforeMs: number): Promise<void> {
    await this.database.transaction(async (sql) => {
      await insertDays(sql, offerId, days);
      await sql.rows(
        `DELETE FROM price_point WHERE offer_id = $1 AND at_ms < (
           SELECT max(at_ms) FROM price_point WHERE offer_id = $1 AND at_ms < $2)`,
        [offerId, beforeMs],
      );
    });
  }

  /** The last point of an offer that is sold stays: it says what the price is. */
  async prune(beforeMs: number, limit: number): Promise<number> {
    const row = await firstRow<{ count: number }>(
      this.database,
      `WITH days AS (
         DELETE FROM price_day WHERE (offer_id, day_ms) IN (
           SELECT offer_id, day_ms FROM price_day WHERE day_ms < $1 ORDER BY day_ms LIMIT $2) RETURNING 1
       ), ended AS (
         DELETE FROM price_point WHERE (offer_id, at_ms) IN (
           SELECT p.offer_id, p.at_ms FROM price_point p WHERE p.at_ms < $1 AND p.price_per_hour IS NULL
             AND NOT EXISTS (SELECT FROM price_point e WHERE e.offer_id = p.offer_id AND e.at_ms < p.at_ms)
           ORDER BY p.at_ms LIMIT $2) RETURNING 1
       )
       SELECT ((SELECT count(*) FROM days) + (SELECT count(*) FROM ended))::integer AS count`,
      [beforeMs, limit],
    );
    return row?.count ?? 0;
  }
}

async function insertDays(sql: Sql, offerId: OfferId, days: readonly PriceDay[]): Promise<void> {
  await sql.rows(
    `INSERT INTO price_day (offer_id, day_ms, min, median, max, close, changes)
     SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::integer[])
     ON CONFLICT (offer_id, day_ms) DO UPDATE SET min = excluded.min, median = excluded.median, max = excluded.max,
       close = excluded.close, changes = excluded.changes`,
    [
      offerId,
      days.map(({ dayMs }) => dayMs),
      days.map(({ min }) => min),
      days.map(({ median }) => median),
      days.map(({ max }) => max),
      days.map(({ close }) => close),
      days.map(({ changes }) => changes),
    ],
  );
}

/**
 * Adds what a refresh of the book has changed to the price series, where it is another price than before: most changes of an
 * offer are about whether it can be had. Within the refresh's own transaction.
 */
export async function appendPrices(
  sql: Sql,
  atMs: number,
  prices: readonly { readonly id: string; readonly pricePerHour: MicroUsd | null }[],
): Promise<void> {
  for (const chunk of chunksOf(prices))
    await sql.rows(
      `INSERT INTO price_point (offer_id, at_ms, price_per_hour)
       SELECT n.id, $1, n.price FROM unnest($2::text[], $3::bigint[]) AS n(id, price)
       LEFT JOIN LATERAL (SELECT p.price_per_hour FROM price_point p
         WHERE p.offer_id = n.id AND p.at_ms <= $1 ORDER BY p.at_ms DESC LIMIT 1) AS last ON true
       WHERE last.price_per_hour IS DISTINCT FROM n.price
       ON CONFLICT (offer_id, at_ms) DO UPDATE SET price_per_hour = excluded.price_per_hour`,
      [atMs, chunk.map(({ id }) => id), chunk.map(({ pricePerHour }) => pricePerHour)],
    );
}

function columnsOf(points: readonly PricePoint[]): readonly unknown[] {
  return [
    points.map(({ offerId }) => offerId),
    points.map(({ atMs }) => atMs),
    points.map(({ pricePerHour }) => pricePerHour),
  ];
}

/** A page may name an offer twice; one statement may not touch a row twice. */
function lastOfEach(prices: readonly FeedPrice[]): Iterable<FeedPrice> {
  return new Map(prices.map((price) => [price.offerId, price])).values();
}

function chunksOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / CHUNK);
  return Array.from({ length: count }, (_, i) => items.slice(i * CHUNK, (i + 1) * CHUNK));
}

function pointOf(row: PointRow): PricePoint {
  return {
    offerId: asOfferId(row.offer_id),
    atMs: row.at_ms,
    pricePerHour: row.price_per_hour === null ? null : microUsd(row.price_per_hour),
  };
}

function dayOf(row: DayRow): PriceDay {
  return {
    offerId: asOfferId(row.offer_id),
    dayMs: row.day_ms,
    min: microUsd(row.min),
    median: microUsd(row.median),
    max: microUsd(row.max),
    close: row.close === null ? null : microUsd(row.close),
    changes: row.changes,
  };
}
