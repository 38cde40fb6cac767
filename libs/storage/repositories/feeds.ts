import {
  feedFreshness,
  newFeedState,
  type FeedFreshness,
  type FeedKind,
  type FeedState,
  type FeedTerms,
  type ProviderErrorKind,
} from '#libs/domain';
import type { Feeds } from '../price-ports';
import { firstRow, storableText, type Database } from '../transaction';

interface FeedRow {
  readonly id: string;
  readonly kind: string;
  readonly every_ms: number;
  readonly stale_after_ms: number;
  readonly cursor: string | null;
  readonly pass_started_at_ms: number | null;
  readonly read_at_ms: number | null;
  readonly tried_at_ms: number | null;
  readonly error_kind: string | null;
  readonly error_text: string | null;
  readonly failures: number;
  readonly next_try_at_ms: number;
  readonly items: number;
}

export class PostgresFeeds implements Feeds {
  constructor(private readonly database: Database) {}

  async claim(terms: FeedTerms, nowMs: number, untilMs: number): Promise<FeedState | null> {
    await this.make(terms, nowMs);
    const row = await firstRow<FeedRow>(
      this.database,
      'UPDATE feed SET next_try_at_ms = $3 WHERE id = $1 AND next_try_at_ms <= $2 RETURNING *',
      [terms.id, nowMs, untilMs],
    );
    return row === null ? null : stateOf(row);
  }

  async open(terms: FeedTerms, nowMs: number): Promise<FeedState> {
    await this.make(terms, nowMs);
    const row = await firstRow<FeedRow>(this.database, 'SELECT * FROM feed WHERE id = $1', [
      terms.id,
    ]);
    return row === null ? newFeedState(terms, nowMs) : stateOf(row);
  }

  private async make(terms: FeedTerms, nowMs: number): Promise<void> {
    const { id, kind, everyMs, staleAfterMs } = newFeedState(terms, nowMs);
    await this.database.rows(
      `INSERT INTO feed (id, kind, every_ms, stale_after_ms, failures, next_try_at_ms, items)
       VALUES ($1, $2, $3, $4, 0, $5, 0)
       ON CONFLICT (id) DO UPDATE SET kind = $2, every_ms = $3, stale_after_ms = $4
         WHERE (feed.kind, feed.every_ms, feed.stale_after_ms) <> ($2, $3, $4)`,
      [id, kind, everyMs, staleAfterMs, nowMs],
    );
  }

  async save(state: FeedState): Promise<void> {
    await this.database.rows(
      `UPDATE feed SET cursor = $2, pass_started_at_ms = $3, read_at_ms = $4, tried_at_ms = $5, error_kind = $6,
         error_text = $7, failures = $8, next_try_at_ms = $9, items = $10 WHERE id = $1`,
      [
        state.id,
        state.cursor,
        state.passStartedAtMs,
        state.readAtMs,
        state.triedAtMs,
        state.error?.kind ?? null,
        state.error === null ? null : storableText(state.error.text),
        state.failures,
        state.nextTryAtMs,
        state.items,
      ],
    );
  }

  async hurry(id: string, nowMs: number): Promise<boolean> {
    const rows = await this.database.rows(
      'UPDATE feed SET next_try_at_ms = least(next_try_at_ms, $2) WHERE id = $1 RETURNING id',
      [id, nowMs],
    );
    return rows.length > 0;
  }

  async list(): Promise<readonly FeedState[]> {
    return (await this.database.rows<FeedRow>('SELECT * FROM feed ORDER BY id')).map(stateOf);
  }

  async freshness(): Promise<FeedFreshness> {
    const fresh = (await this.list()).flatMap((state) => {
      const freshness = feedFreshness(state);
      return freshness === null ? [] : [[state.id, freshness] as const];
    });
    return Object.fromEntries(fresh);
  }
}

function stateOf(row: FeedRow): FeedState {
  return {
    id: row.id,
    kind: row.kind as FeedKind,
    everyMs: row.every_ms,
    staleAfterMs: row.stale_after_ms,
    cursor: row.cursor,
    passStartedAtMs: row.pass_started_at_ms,
    readAtMs: row.read_at_ms,
    triedAtMs: row.tried_at_ms,
    error:
      row.error_kind === null
        ? null
        : { kind: row.error_kind as ProviderErrorKind, text: row.error_text ?? '' },
    failures: row.failures,
    nextTryAtMs: row.next_try_at_ms,
    items: row.items,
  };
}
