import type {
  FeedFreshness,
  FeedState,
  FeedTerms,
  FxSnapshot,
  MicroUsd,
  OfferId,
  PriceDay,
  PricePoint,
  PriceSheet,
  ProviderId,
} from '#libs/domain';

/**
 * The stores of what prices are made from: feeds and how far they were read, prices and their history, rates of tokens and
 * currencies, and price sheets. Same rules as in `ports.ts`. Cost-oracle is the only writer; everybody may read.
 */

export abstract class Feeds {
  /**
   * Takes a feed for one try where it is due at `nowMs`: nobody else gets it before `untilMs`, however the try ends. Returns
   * its state, or null when it is not due or somebody else has it. A feed that is not known yet is made, due at once; one whose
   * terms have changed has the new ones from now on.
   */
  abstract claim(terms: FeedTerms, nowMs: number, untilMs: number): Promise<FeedState | null>;
  /** The state of a feed whoever has it, made where it is not known: for sources that are read on a schedule of their own. */
  abstract open(terms: FeedTerms, nowMs: number): Promise<FeedState>;
  /** Writes how far the holder of the claim has come. */
  abstract save(state: FeedState): Promise<void>;
  /** Makes a feed due at once; false when it is not known. */
  abstract hurry(id: string, nowMs: number): Promise<boolean>;
  /** All of them, by id. */
  abstract list(): Promise<readonly FeedState[]>;
  /** Of every feed that was read to its end at least once. */
  abstract freshness(): Promise<FeedFreshness>;
}

/** What a feed says that an offer costs. */
export interface FeedPrice {
  readonly offerId: OfferId;
  readonly pricePerHour: MicroUsd;
}

export interface KnownPrice extends FeedPrice {
  /** The feed's id. */
  readonly source: string;
  readonly readAtMs: number;
}

export abstract class Prices {
  /** Stores what a page of a `prices` feed says. Repeatable. */
  abstract learn(source: string, prices: readonly FeedPrice[], readAtMs: number): Promise<void>;
  /** Drops prices of a source that were last read before: a whole pass did not find them any more. Returns how many. */
  abstract forget(source: string, readBeforeMs: number): Promise<number>;
  /** One price for each offer of a provider that a feed knows, the youngest where several do. By offer id. */
  abstract known(providerId: ProviderId): Promise<readonly KnownPrice[]>;
  /** Adds past prices; those of a moment that has one already are left out. Repeatable. */
  abstract addPoints(points: readonly PricePoint[]): Promise<void>;
  /**
   * The points of an offer in the half-open interval, in order, preceded by the last one before it, so that the price at its
   * start is known. At most `limit`, the youngest.
   */
  abstract points(
    offerId: OfferId,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly PricePoint[]>;
  /** The days of an offer that were put together already and begin in the half-open interval, in order. At most `limit`, the youngest. */
  abstract days(
    offerId: OfferId,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly PriceDay[]>;
  /** Offers with more than one point before `beforeMs`, at most `limit`, by id. */
  abstract withOldPoints(beforeMs: number, limit: number): Promise<readonly OfferId[]>;
  /**
   * Puts days in the place of an offer's points before `beforeMs`, all but the last of them, which says what the price was then.
   * In one transaction. A day that is there already is replaced.
   */
  abstract compact(offerId: OfferId, days: readonly PriceDay[], beforeMs: number): Promise<void>;
  /** Deletes days, and points of offers that were no longer sold, from before; at most `limit` rows of each. Returns how many. */
  abstract prune(beforeMs: number, limit: number): Promise<number>;
}

/** What a source says that a token is worth. */
export interface StoredQuote {
  readonly source: string;
  readonly token: string;
  readonly usd: number;
  readonly readAtMs: number;
}

export interface StoredRate {
  readonly token: string;
  readonly atMs: number;
  readonly usdMicro: MicroUsd;
  readonly sigmaDaily: number | null;
  readonly sources: readonly string[];
}

export abstract class FxRates {
  /** Replaces what the source said before of these tokens. */
  abstract quote(quotes: readonly StoredQuote[]): Promise<void>;
  /** The last quote of each source for a token that was read at or after `sinceMs`, by source. */
  abstract quotes(token: string, sinceMs: number): Promise<readonly StoredQuote[]>;
  /** Keeps a rate that sources agreed on: the last one of each hour is kept. */
  abstract record(rate: StoredRate): Promise<void>;
  /** The rates of a token since, in order, one for each hour at most. */
  abstract history(token: string, sinceMs: number): Promise<readonly StoredRate[]>;
  /** The last good rate of every token that some source quotes. */
  abstract snapshot(): Promise<FxSnapshot>;
  /** Deletes rates from before, but never the last one of a token; at most `limit`. Returns how many. */
  abstract prune(beforeMs: number, limit: number): Promise<number>;
}

export interface StoredSheet {
  readonly sheet: PriceSheet;
  readonly uploadedAtMs: number;
  readonly uploadedBy: string;
}

export abstract class PriceSheets {
  /** Stores or replaces the sheet of that name. */
  abstract put(sheet: StoredSheet): Promise<void>;
  abstract get(name: string): Promise<StoredSheet | null>;
  /** By name; all of them, since they are made by hand. */
  abstract list(): Promise<readonly StoredSheet[]>;
  /** False when there is none. */
  abstract remove(name: string): Promise<boolean>;
}
