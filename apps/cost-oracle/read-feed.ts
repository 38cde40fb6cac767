import { feedFreshness, isStale, pageRead, readFailed, type FeedState } from '#libs/domain';
import { ProviderError, type AnyFeedPage, type GuardedFeed } from '#libs/provider-kit';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';
import type { AgreeRates } from './agree-rates';
import { wakeWaiting } from './wake-waiting';

/** How often each feed is looked at; most looks find that it is not due. */
export const LOOK_AT_FEEDS_EVERY_MS = 15_000;
/** A feed belongs to one reader for so long, from page to page: longer than a page can take, so that a crash costs no more. */
const CLAIM_MS = 5 * 60_000;
/** Pages of one run; a longer pass goes on with the next, so that no feed holds up the others for long. */
const PAGES_PER_RUN = 100;

/**
 * Read a feed on from where it was, page by page, where it is due. Each page is stored before the cursor moves past it, so that a
 * crash reads a page twice and never skips one. A failure keeps the cursor and is tried again later.
 */
export class ReadFeed {
  constructor(
    private readonly stores: Pick<Stores, 'feeds' | 'prices' | 'fxRates' | 'jobs'>,
    private readonly feeds: ReadonlyMap<string, GuardedFeed>,
    private readonly agreeRates: AgreeRates,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  /** Repeatable; a feed that is not due, or that somebody else reads, is left alone. */
  async run(id: string): Promise<void> {
    const feed = this.feeds.get(id);
    if (feed === undefined) return;
    const nowMs = this.clock.nowMs();
    let state = await this.stores.feeds.claim(feed.terms, nowMs, nowMs + CLAIM_MS);
    for (let pages = 1; state !== null && pages <= PAGES_PER_RUN; pages += 1)
      state = await this.readPage(feed, state, pages === PAGES_PER_RUN);
  }

  /** The state to go on from, or null when the run is over. */
  private async readPage(
    feed: GuardedFeed,
    state: FeedState,
    isLast: boolean,
  ): Promise<FeedState | null> {
    const page = await this.pageOf(feed, state);
    if (page === null) return null;
    const nowMs = this.clock.nowMs();
    await this.store(feed.terms.id, page, nowMs);
    const next = pageRead(state, { ...page, items: page.items.length }, nowMs);
    const goesOn = !page.done && !isLast;
    await this.stores.feeds.save(goesOn ? { ...next, nextTryAtMs: nowMs + CLAIM_MS } : next);
    if (page.done) await this.passEnded(feed, page, state, nowMs);
    return goesOn ? next : null;
  }

  private async pageOf(feed: GuardedFeed, state: FeedState): Promise<AnyFeedPage | null> {
    try {
      return await feed.readPage(state.cursor, this.clock.nowMs());
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const { kind, message: text, retryAfterMs } = error;
      const failed = readFailed(state, { kind, text, retryAfterMs }, this.clock.nowMs());
      await this.stores.feeds.save(failed);
      return null;
    }
  }

  private async store(source: string, page: AnyFeedPage, readAtMs: number): Promise<void> {
    if (page.kind === 'prices') return this.stores.prices.learn(source, page.items, readAtMs);
    if (page.kind === 'spot-history') return this.stores.prices.addPoints(page.items);
    const quotes = page.items.map((item) => ({ ...item, source, readAtMs }));
    await this.stores.fxRates.quote(quotes);
    await this.agreeRates.run(quotes.map(({ token }) => token));
  }

  /** Prices that a whole pass did not name are gone; the offers are made anew from the rest, and jobs that waited for it look again. */
  private async passEnded(
    { terms: { id }, owner }: GuardedFeed,
    { kind }: AnyFeedPage,
    before: FeedState,
    nowMs: number,
  ): Promise<void> {
    if (kind !== 'prices') return;
    await this.stores.prices.forget(id, before.passStartedAtMs ?? nowMs);
    const tag = `${id}-${nowMs}`;
    this.doorbell.ring({ queue: 'refresh-offers', id: owner, providerId: null, atMs: nowMs, tag });
    const freshness = feedFreshness(before);
    if (freshness !== null && isStale(freshness, nowMs))
      await wakeWaiting(this.stores, this.doorbell, null, { nowMs, tag: `fresh-${nowMs}` });
  }
}
