import { createHash } from 'node:crypto';
import {
  asOfferId,
  asProviderId,
  canonicalJson,
  type MicroUsd,
  type Offer,
  type OfferId,
  type ProviderId,
} from '#libs/domain';
import type { BookChange, BookPatchPage, OfferBook, Offers } from '../ports';
import { firstRow, json, type Database, type Sql } from '../transaction';
import { appendPrices } from './prices';

/** Rows of one insert; a whole catalogue in one statement would be a parameter of many megabytes. */
const CHUNK = 5_000;

/** Refreshes of all providers queue here, so that versions become visible in their order. */
const BOOK_LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('fairlead.offer-book', 0))`;

interface Digested {
  readonly offer: Offer;
  readonly digest: string;
}

export class PostgresOffers implements Offers {
  constructor(private readonly database: Database) {}

  version(): Promise<number> {
    return latestVersion(this.database);
  }

  async changesSince(version: number): Promise<BookChange> {
    const rows = await this.database.rows<{ offer_id: string; was_there: boolean }>(
      `SELECT offer_id, bool_or(from_version <= $1) AS was_there FROM offer_version
       WHERE from_version > $1 OR to_version > $1 GROUP BY offer_id ORDER BY offer_id`,
      [version],
    );
    return {
      changed: rows.filter((row) => row.was_there).map((row) => asOfferId(row.offer_id)),
      hasNew: rows.some((row) => !row.was_there),
    };
  }

  async patch(
    { since, until }: { readonly since: number; readonly until: number },
    after: OfferId | null,
    limit: number,
  ): Promise<BookPatchPage> {
    const rows = await this.database.rows<{ offer_id: string; body: Offer | null }>(
      `SELECT changed.offer_id, o.body FROM (
         SELECT DISTINCT offer_id FROM offer_version
         WHERE ((from_version > $1 AND from_version <= $2) OR (to_version > $1 AND to_version <= $2))
           AND ($3::text IS NULL OR offer_id > $3)
         ORDER BY offer_id LIMIT $4) AS changed
       LEFT JOIN offer_version o ON o.offer_id = changed.offer_id
         AND o.from_version <= $2 AND (o.to_version IS NULL OR o.to_version > $2)
       ORDER BY changed.offer_id`,
      [since, until, after, limit],
    );
    const last = rows.length < limit ? undefined : rows.at(-1);
    return {
      gone: rows.flatMap(({ offer_id: id, body }) => (body === null ? [asOfferId(id)] : [])),
      come: rows.flatMap(({ body }) => body ?? []),
      next: last === undefined ? null : asOfferId(last.offer_id),
    };
  }

  async book(): Promise<OfferBook> {
    return readBook(
      this.database,
      `(SELECT coalesce(max(version), 0) AS version FROM book_version)`,
      'to_version IS NULL',
      [],
    );
  }

  async bookAt(version: number): Promise<OfferBook> {
    return readBook(
      this.database,
      '(SELECT $1::integer AS version)',
      'from_version <= $1 AND (to_version IS NULL OR to_version > $1)',
      [version],
    );
  }

  async bookAtTime(atMs: number): Promise<OfferBook> {
    const row = await firstRow<{ version: number }>(
      this.database,
      'SELECT coalesce(max(version), 0) AS version FROM book_version WHERE at_ms <= $1',
      [atMs],
    );
    return this.bookAt(row?.version ?? 0);
  }

  async refreshedAtMs(): Promise<ReadonlyMap<ProviderId, number>> {
    const rows = await this.database.rows<{ provider_id: string; refreshed_at_ms: number }>(
      'SELECT provider_id, refreshed_at_ms FROM offer_feed',
    );
    return new Map(rows.map((row) => [asProviderId(row.provider_id), row.refreshed_at_ms]));
  }

  async replace(providerId: ProviderId, offers: readonly Offer[], nowMs: number): Promise<number> {
    const wanted = new Map(
      offers.map((offer): [string, Digested] => [offer.id, { offer, digest: digestOf(offer) }]),
    );
    return this.database.transaction(async (sql) => {
      await sql.rows(BOOK_LOCK);
      await sql.rows(
        `INSERT INTO offer_feed (provider_id, refreshed_at_ms) VALUES ($1, $2)
         ON CONFLICT (provider_id) DO UPDATE SET refreshed_at_ms = excluded.refreshed_at_ms`,
        [providerId, nowMs],
      );
      const known = await sql.rows<{ offer_id: string; digest: string }>(
        'SELECT offer_id, digest FROM offer_version WHERE provider_id = $1 AND to_version IS NULL',
        [providerId],
      );
      const same = new Set(
        known.filter((row) => wanted.get(row.offer_id)?.digest === row.digest).map(idOf),
      );
      const closed = known.map(idOf).filter((id) => !same.has(id));
      const opened = [...wanted.values()].filter(({ offer }) => !same.has(offer.id));
      const version = await latestVersion(sql);
      if (closed.length === 0 && opened.length === 0) return version;
      await sql.rows('INSERT INTO book_version (version, provider_id, at_ms) VALUES ($1, $2, $3)', [
        version + 1,
        providerId,
        nowMs,
      ]);
      await sql.rows(
        'UPDATE offer_version SET to_version = $1 WHERE to_version IS NULL AND provider_id = $2 AND offer_id = ANY ($3)',
        [version + 1, providerId, closed],
      );
      await insertOffers(sql, version + 1, providerId, opened);
      await appendPrices(sql, nowMs, pricesAfter(closed, opened));
      return version + 1;
    });
  }
}

/** What a refresh makes of prices: those of new and changed offers, and none for what is no longer sold. */
function pricesAfter(
  closed: readonly string[],
  opened: readonly Digested[],
): readonly { readonly id: string; readonly pricePerHour: MicroUsd | null }[] {
  const now = new Set<string>(opened.map(({ offer }) => offer.id));
  return [
    ...opened.map(({ offer: { id, pricePerHour } }) => ({ id, pricePerHour })),
    ...closed.filter((id) => !now.has(id)).map((id) => ({ id, pricePerHour: null })),
  ];
}

function idOf(row: { readonly offer_id: string }): string {
  return row.offer_id;
}

async function latestVersion(sql: Sql): Promise<number> {
  const text = 'SELECT coalesce(max(version), 0) AS version FROM book_version';
  return (await firstRow<{ version: number }>(sql, text, []))?.version ?? 0;
}

async function insertOffers(
  sql: Sql,
  version: number,
  providerId: ProviderId,
  opened: readonly Digested[],
): Promise<void> {
  for (let start = 0; start < opened.length; start += CHUNK) {
    const chunk = opened.slice(start, start + CHUNK);
    await sql.rows(
      `INSERT INTO offer_version (offer_id, from_version, provider_id, digest, body)
       SELECT id, $1, $2, digest, body FROM unnest($3::text[], $4::text[], $5::jsonb[]) AS o(id, digest, body)`,
      [
        version,
        providerId,
        chunk.map(({ offer }) => offer.id),
        chunk.map(({ digest }) => digest),
        chunk.map(({ offer }) => json(offer)),
      ],
    );
  }
}

/** Version and offers in one statement, so that they belong together. */
async function readBook(
  sql: Sql,
  version: string,
  condition: string,
  values: readonly unknown[],
): Promise<OfferBook> {
  const rows = await sql.rows<{ version: number; body: Offer | null }>(
    `SELECT v.version, o.body FROM ${version} AS v
       LEFT JOIN offer_version o ON ${condition} ORDER BY o.offer_id`,
    values,
  );
  return {
    version: rows[0]?.version ?? 0,
    offers: rows.flatMap(({ body }) => (body === null ? [] : [body])),
  };
}

function digestOf(offer: Offer): string {
  return createHash('sha256').update(canonicalJson(offer)).digest('base64');
}
