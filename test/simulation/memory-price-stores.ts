import {
  feedFreshness,
  newFeedState,
  type FeedFreshness,
  type FeedState,
  type FeedTerms,
  type FxSnapshot,
  type OfferId,
  type PriceDay,
  type PricePoint,
  type ProviderId,
} from '#libs/domain';
import type {
  FeedPrice,
  Feeds,
  FxRates,
  KnownPrice,
  Prices,
  PriceSheets,
  StoredQuote,
  StoredRate,
  StoredSheet,
} from '#libs/storage';

const HOUR_MS = 3_600_000;

/** The rows of the stores that prices are made from. */
export class MemoryPriceTables {
  readonly feeds = new Map<string, FeedState>();
  readonly known = new Map<string, KnownPrice>();
  /** Of each offer, in order. */
  readonly series = new Map<OfferId, readonly PricePoint[]>();
  days: PriceDay[] = [];
  readonly quotes = new Map<string, StoredQuote>();
  rates: StoredRate[] = [];
  readonly sheets = new Map<string, StoredSheet>();

  /** Adds what a refresh of the book has changed, where it is another price than before. */
  append(atMs: number, prices: readonly Omit<PricePoint, 'atMs'>[]): void {
    for (const { offerId, pricePerHour } of prices) {
      const series = this.seriesOf(offerId);
      const before = series.findLast((point) => point.atMs <= atMs);
      if ((before?.pricePerHour ?? null) === pricePerHour) continue;
      const others = series.filter((point) => point.atMs !== atMs);
      this.setSeries(offerId, [...others, { offerId, atMs, pricePerHour }]);
    }
  }

  seriesOf(offerId: OfferId): readonly PricePoint[] {
    return this.series.get(offerId) ?? [];
  }

  setSeries(offerId: OfferId, points: readonly PricePoint[]): void {
    if (points.length === 0) this.series.delete(offerId);
    else
      this.series.set(
        offerId,
        [...points].sort((a, b) => a.atMs - b.atMs),
      );
  }
}

export interface MemoryPriceStores {
  readonly feeds: Feeds;
  readonly prices: Prices;
  readonly fxRates: FxRates;
  readonly priceSheets: PriceSheets;
}

/** The stores that prices are made from, in memory; held to the same suite as Postgres. */
export function memoryPriceStores(tables: MemoryPriceTables): MemoryPriceStores {
  return {
    feeds: new MemoryFeeds(tables),
    prices: new MemoryPrices(tables),
    fxRates: new MemoryFxRates(tables),
    priceSheets: new MemoryPriceSheets(tables),
  };
}

class MemoryFeeds implements Feeds {
  constructor(private readonly tables: MemoryPriceTables) {}

  async open(terms: FeedTerms, nowMs: number): Promise<FeedState> {
    return this.opened(terms, nowMs);
  }

  private opened(terms: FeedTerms, nowMs: number): FeedState {
    const { id, kind, everyMs, staleAfterMs } = terms;
    const known = this.tables.feeds.get(id) ?? newFeedState(terms, nowMs);
    const state = { ...known, kind, everyMs, staleAfterMs };
    this.tables.feeds.set(id, state);
    return state;
  }

  async claim(terms: FeedTerms, nowMs: number, untilMs: number): Promise<FeedState | null> {
    const state = this.opened(terms, nowMs);
    const isDue = state.nextTryAtMs <= nowMs;
    const saved = isDue ? { ...state, nextTryAtMs: untilMs } : state;
    this.tables.feeds.set(state.id, saved);
    return isDue ? saved : null;
  }

  async save(state: FeedState): Promise<void> {
    const known = this.tables.feeds.get(state.id);
    if (known === undefined) return;
    const { kind, everyMs, staleAfterMs } = known;
    this.tables.feeds.set(state.id, { ...state, kind, everyMs, staleAfterMs });
  }

  async hurry(id: string, nowMs: number): Promise<boolean> {
    const known = this.tables.feeds.get(id);
    if (known === undefined) return false;
    this.tables.feeds.set(id, { ...known, nextTryAtMs: Math.min(known.nextTryAtMs, nowMs) });
    return true;
  }

  async list(): Promise<readonly FeedState[]> {
    return [...this.tables.feeds.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async freshness(): Promise<FeedFreshness> {
    return Object.fromEntries(
      (await this.list()).flatMap((state) => {
        const freshness = feedFreshness(state);
        return freshness === null ? [] : [[state.id, freshness] as const];
      }),
    );
  }
}

class MemoryPrices implements Prices {
  constructor(private readonly tables: MemoryPriceTables) {}

  async learn(source: string, prices: readonly FeedPrice[], readAtMs: number): Promise<void> {
    for (const { offerId, pricePerHour } of prices)
      this.tables.known.set(`${source} ${offerId}`, { source, offerId, pricePerHour, readAtMs });
  }

  async forget(source: string, readBeforeMs: number): Promise<number> {
    const old = [...this.tables.known].filter(
      ([, price]) => price.source === source && price.readAtMs < readBeforeMs,
    );
    for (const [key] of old) this.tables.known.delete(key);
    return old.length;
  }

  async known(providerId: ProviderId): Promise<readonly KnownPrice[]> {
    const ours = [...this.tables.known.values()]
      .filter(({ offerId }) => offerId.startsWith(`${providerId}/`))
      .sort((a, b) => b.readAtMs - a.readAtMs || (a.source < b.source ? -1 : 1));
    const first = new Map<OfferId, KnownPrice>();
    for (const price of ours) if (!first.has(price.offerId)) first.set(price.offerId, price);
    return [...first.values()].sort((a, b) => (a.offerId < b.offerId ? -1 : 1));
  }

  async addPoints(points: readonly PricePoint[]): Promise<void> {
    for (const point of points) {
      const series = this.tables.seriesOf(point.offerId);
      if (series.some(({ atMs }) => atMs === point.atMs)) continue;
      this.tables.setSeries(point.offerId, [...series, point]);
    }
  }

  async points(
    offerId: OfferId,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly PricePoint[]> {
    const series = this.tables.seriesOf(offerId);
    const before = series.filter(({ atMs }) => atMs < fromMs).slice(-1);
    const within = series.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    return [...before, ...within].slice(-limit);
  }

  async days(
    offerId: OfferId,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly PriceDay[]> {
    return this.tables.days
      .filter((day) => day.offerId === offerId && day.dayMs >= fromMs && day.dayMs < toMs)
      .sort((a, b) => a.dayMs - b.dayMs)
      .slice(-limit);
  }

  async withOldPoints(beforeMs: number, limit: number): Promise<readonly OfferId[]> {
    const ids = [...this.tables.series.keys()].sort();
    const hasSeveral = (id: OfferId): boolean =>
      this.tables.seriesOf(id).filter(({ atMs }) => atMs < beforeMs).length > 1;
    return ids.filter(hasSeveral).slice(0, limit);
  }

  async compact(offerId: OfferId, days: readonly PriceDay[], beforeMs: number): Promise<void> {
    const isReplaced = (known: PriceDay): boolean =>
      known.offerId === offerId && days.some(({ dayMs }) => dayMs === known.dayMs);
    this.tables.days = [...this.tables.days.filter((known) => !isReplaced(known)), ...days];
    const series = this.tables.seriesOf(offerId);
    const last = series.findLast(({ atMs }) => atMs < beforeMs);
    const kept = series.filter(({ atMs }) => atMs >= (last?.atMs ?? 0));
    this.tables.setSeries(offerId, kept);
  }

  async prune(beforeMs: number, limit: number): Promise<number> {
    const oldDays = this.tables.days.filter(({ dayMs }) => dayMs < beforeMs).slice(0, limit);
    const ended = [...this.tables.series.values()]
      .flatMap(([first]) => first ?? [])
      .filter(({ atMs, pricePerHour }) => atMs < beforeMs && pricePerHour === null)
      .slice(0, limit);
    this.tables.days = this.tables.days.filter((day) => !oldDays.includes(day));
    for (const { offerId } of ended)
      this.tables.setSeries(offerId, this.tables.seriesOf(offerId).slice(1));
    return oldDays.length + ended.length;
  }
}

class MemoryFxRates implements FxRates {
  constructor(private readonly tables: MemoryPriceTables) {}

  async quote(quotes: readonly StoredQuote[]): Promise<void> {
    for (const quote of quotes) this.tables.quotes.set(`${quote.source} ${quote.token}`, quote);
  }

  async quotes(token: string, sinceMs: number): Promise<readonly StoredQuote[]> {
    return [...this.tables.quotes.values()]
      .filter((quote) => quote.token === token && quote.readAtMs >= sinceMs)
      .sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  async record(rate: StoredRate): Promise<void> {
    const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS);
    const same = this.tables.rates.find(
      (known) => known.token === rate.token && hourOf(known.atMs) === hourOf(rate.atMs),
    );
    if (same !== undefined && same.atMs > rate.atMs) return;
    this.tables.rates = [...this.tables.rates.filter((known) => known !== same), rate];
  }

  async history(token: string, sinceMs: number): Promise<readonly StoredRate[]> {
    return this.tables.rates
      .filter((rate) => rate.token === token && rate.atMs >= sinceMs)
      .sort((a, b) => a.atMs - b.atMs);
  }

  async snapshot(): Promise<FxSnapshot> {
    const quoted = new Set([...this.tables.quotes.values()].map(({ token }) => token));
    const ordered = this.tables.rates
      .filter(({ token }) => quoted.has(token))
      .sort((a, b) => a.atMs - b.atMs);
    const last = new Map(ordered.map((rate) => [rate.token, rate]));
    return Object.fromEntries(
      [...last.values()].map(({ token, atMs, ...rate }) => [token, { ...rate, readAtMs: atMs }]),
    );
  }

  async prune(beforeMs: number, limit: number): Promise<number> {
    const old = this.tables.rates
      .filter(
        (rate) =>
          rate.atMs < beforeMs &&
          this.tables.rates.some((other) => other.token === rate.token && other.atMs > rate.atMs),
      )
      .slice(0, limit);
    this.tables.rates = this.tables.rates.filter((rate) => !old.includes(rate));
    return old.length;
  }
}

class MemoryPriceSheets implements PriceSheets {
  constructor(private readonly tables: MemoryPriceTables) {}

  async put(sheet: StoredSheet): Promise<void> {
    this.tables.sheets.set(sheet.sheet.name, sheet);
  }

  async get(name: string): Promise<StoredSheet | null> {
    return this.tables.sheets.get(name) ?? null;
  }

  async list(): Promise<readonly StoredSheet[]> {
    return [...this.tables.sheets.values()].sort((a, b) => (a.sheet.name < b.sheet.name ? -1 : 1));
  }

  async remove(name: string): Promise<boolean> {
    return this.tables.sheets.delete(name);
  }
}
