import { microUsd, type FxSnapshot } from '#libs/domain';
import type { FxRates, StoredQuote, StoredRate } from '../price-ports';
import type { Database } from '../transaction';

const HOUR_MS = 3_600_000;

interface RateRow {
  readonly token: string;
  readonly at_ms: number;
  readonly usd_micro: number;
  readonly sigma_daily: number | null;
  readonly sources: readonly string[];
}

export class PostgresFxRates implements FxRates {
  constructor(private readonly database: Database) {}

  async quote(quotes: readonly StoredQuote[]): Promise<void> {
    const byKey = new Map(quotes.map((each) => [`${each.source} ${each.token}`, each]));
    const last = [...byKey.values()];
    await this.database.rows(
      `INSERT INTO fx_quote (source, token, usd, read_at_ms)
       SELECT * FROM unnest($1::text[], $2::text[], $3::double precision[], $4::bigint[])
       ON CONFLICT (source, token) DO UPDATE SET usd = excluded.usd, read_at_ms = excluded.read_at_ms`,
      [
        last.map(({ source }) => source),
        last.map(({ token }) => token),
        last.map(({ usd }) => usd),
        last.map(({ readAtMs }) => readAtMs),
      ],
    );
  }

  async quotes(token: string, sinceMs: number): Promise<readonly StoredQuote[]> {
    const rows = await this.database.rows<{
      source: string;
      token: string;
      usd: number;
      read_at_ms: number;
    }>('SELECT * FROM fx_quote WHERE token = $1 AND read_at_ms >= $2 ORDER BY source', [
      token,
      sinceMs,
    ]);
    return rows.map(({ read_at_ms: readAtMs, ...row }) => ({ ...row, readAtMs }));
  }

  async record({ token, atMs, usdMicro, sigmaDaily, sources }: StoredRate): Promise<void> {
    await this.database.rows(
      `INSERT INTO fx_rate (token, hour_ms, at_ms, usd_micro, sigma_daily, sources) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (token, hour_ms) DO UPDATE SET at_ms = excluded.at_ms, usd_micro = excluded.usd_micro,
         sigma_daily = excluded.sigma_daily, sources = excluded.sources WHERE fx_rate.at_ms <= excluded.at_ms`,
      [token, Math.floor(atMs / HOUR_MS) * HOUR_MS, atMs, usdMicro, sigmaDaily, [...sources]],
    );
  }

  async history(token: string, sinceMs: number): Promise<readonly StoredRate[]> {
    const rows = await this.database.rows<RateRow>(
      'SELECT * FROM fx_rate WHERE token = $1 AND at_ms >= $2 ORDER BY hour_ms',
      [token, sinceMs],
    );
    return rows.map(rateOf);
  }

  async snapshot(): Promise<FxSnapshot> {
    const rows = await this.database.rows<RateRow>(
      `SELECT r.* FROM (SELECT DISTINCT token FROM fx_quote) AS t
       CROSS JOIN LATERAL (SELECT * FROM fx_rate WHERE token = t.token ORDER BY hour_ms DESC LIMIT 1) AS r
       ORDER BY r.token`,
    );
    return Object.fromEntries(
      rows.map(rateOf).map(({ token, atMs, ...rate }) => [token, { ...rate, readAtMs: atMs }]),
    );
  }

  async prune(beforeMs: number, limit: number): Promise<number> {
    const rows = await this.database.rows(
      `DELETE FROM fx_rate WHERE (token, hour_ms) IN (
         SELECT r.token, r.hour_ms FROM fx_rate r WHERE r.at_ms < $1
           AND EXISTS (SELECT FROM fx_rate n WHERE n.token = r.token AND n.hour_ms > r.hour_ms)
         ORDER BY r.hour_ms LIMIT $2) RETURNING 1`,
      [beforeMs, limit],
    );
    return rows.length;
  }
}

function rateOf(row: RateRow): StoredRate {
  return {
    token: row.token,
    atMs: row.at_ms,
    usdMicro: microUsd(row.usd_micro),
    sigmaDaily: row.sigma_daily,
    sources: row.sources,
  };
}
