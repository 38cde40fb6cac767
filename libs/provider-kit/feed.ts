import type { FeedTerms, MicroUsd, OfferId, PricePoint, ProviderId } from '#libs/domain';
import { timedOut, toProviderError } from './bounded';
import { ProviderError } from './errors';
import type { CallMetrics } from './guard';
import { RateLimit, type RateLimitSettings } from './rate-limit';
import type { Timers } from './timers';

/** What one entry of each kind of feed is. */
export interface FeedItems {
  /** What an offer costs now. Offers that a whole pass does not name have no price there any more. */
  readonly prices: { readonly offerId: OfferId; readonly pricePerHour: MicroUsd };
  /** What an offer cost from a moment on. */
  readonly 'spot-history': PricePoint;
  /** What a token or currency is worth in dollars now. */
  readonly fx: { readonly token: string; readonly usd: number };
}

export interface FeedPage<Item> {
  readonly items: readonly Item[];
  /** Handed to the next read. When `done`, where the next pass begins: null reads everything again, anything else only what is new. */
  readonly cursor: string | null;
  /** Whether this was the last page of the pass. */
  readonly done: boolean;
}

/** How a feed reaches its source. */
export interface FeedCall {
  readonly nowMs: number;
  /**
   * Sends one request: in its turn under the feed's rate limit, and aborted when its time is up. What it throws leaves as
   * `ProviderError`. A page may take several.
   */
  ask<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface FeedOf<Kind extends keyof FeedItems> extends FeedTerms {
  readonly kind: Kind;
  /** Whose it is, for figures and traces: a provider, or the source of an `fx` feed. */
  readonly owner: ProviderId;
  readonly rateLimit: RateLimitSettings;
  /** Bound of one request. */
  readonly requestTimeoutMs: number;
  /**
   * Reads one page from `cursor` on (null: from the start). Repeatable: a page may be read again after a crash, and gives the
   * same items or younger ones. Throws `ProviderError`; the same cursor is then tried again later. Never waits, retries,
   * caches or reads the environment.
   */
  read(cursor: string | null, call: FeedCall): Promise<FeedPage<FeedItems[Kind]>>;
}

/** A source of prices or rates that is read page by page. Each is one small file: the core does the rest. */
export type PriceFeed = { [Kind in keyof FeedItems]: FeedOf<Kind> }[keyof FeedItems];

/** A page of a feed, with the kind that says what its items are. */
export type AnyFeedPage = {
  [Kind in keyof FeedItems]: FeedPage<FeedItems[Kind]> & { readonly kind: Kind };
}[keyof FeedItems];

/** Requests of one page; a source that pages without end is refused. */
const MAX_REQUESTS_PER_PAGE = 50;

/** A feed with what none may have itself: rate limit, time limit, bound on requests, figures. */
export interface GuardedFeed {
  readonly terms: FeedTerms;
  readonly owner: ProviderId;
  readPage(cursor: string | null, nowMs: number): Promise<AnyFeedPage>;
}

/** Adds them. Whatever leaves is a `ProviderError`. */
export function guardFeed(
  feed: PriceFeed,
  deps: { readonly timers: Timers; readonly metrics: CallMetrics },
): GuardedFeed {
  const limit = new RateLimit(feed.rateLimit, deps.timers);
  const { id, kind, everyMs, staleAfterMs, owner } = feed;
  return {
    terms: { id, kind, everyMs, staleAfterMs },
    owner,
    readPage: async (cursor, nowMs) => {
      const startedAtMs = deps.timers.nowMs();
      const call = boundedCall(feed, limit, deps.timers, nowMs);
      const report = (errorKind: ProviderError['kind'] | null): void =>
        deps.metrics.observeCall({
          providerId: owner,
          verb: 'readFeed',
          errorKind,
          durationMs: deps.timers.nowMs() - startedAtMs,
        });
      try {
        const page = await readAs(feed, cursor, call);
        report(null);
        return page;
      } catch (error) {
        const failure = toProviderError(error, owner, 'readFeed');
        report(failure.kind);
        throw failure;
      }
    },
  };
}

/** The kind goes with the page, so that whoever stores it need not know the feed. */
async function readAs(
  feed: PriceFeed,
  cursor: string | null,
  call: FeedCall,
): Promise<AnyFeedPage> {
  switch (feed.kind) {
    case 'prices':
      return { kind: feed.kind, ...(await feed.read(cursor, call)) };
    case 'spot-history':
      return { kind: feed.kind, ...(await feed.read(cursor, call)) };
    case 'fx':
      return { kind: feed.kind, ...(await feed.read(cursor, call)) };
  }
}

function boundedCall(feed: PriceFeed, limit: RateLimit, timers: Timers, nowMs: number): FeedCall {
  let requests = 0;
  return {
    nowMs,
    ask: async (request) => {
      requests += 1;
      if (requests > MAX_REQUESTS_PER_PAGE)
        throw new ProviderError(
          'unmapped',
          `${feed.id} takes more than ${MAX_REQUESTS_PER_PAGE} requests for a page`,
        );
      const exit = await limit.enter(new AbortController().signal, false);
      try {
        return await timedOut(request, { timeoutMs: feed.requestTimeoutMs, timers });
      } catch (error) {
        throw toProviderError(error, feed.owner, 'readFeed');
      } finally {
        exit();
      }
    },
  };
}
