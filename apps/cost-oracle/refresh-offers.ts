import {
  feedFreshness,
  isStale,
  listingSource,
  pageRead,
  readFailed,
  withSheets,
  type FeedState,
  type FeedTerms,
  type Offer,
  type ProviderId,
} from '#libs/domain';
import {
  guardedCall,
  ProviderError,
  type AdapterRegistry,
  type PriceLookup,
  type ProviderAdapter,
} from '#libs/provider-kit';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';
import { wakeWaiting } from './wake-waiting';

/** How often a provider is asked what it sells. */
export const REFRESH_EVERY_MS = 60_000;
/** What it said is decided by for so long: thirty refreshes may fail before its offers are refused. */
export const LISTING_STALE_AFTER_MS = 30 * REFRESH_EVERY_MS;

/** Ask one provider what it sells now, lay price feeds and sheets over it, and wake the jobs that wait for what has changed. */
export class RefreshOffers {
  constructor(
    private readonly stores: Pick<
      Stores,
      'offers' | 'jobs' | 'feeds' | 'prices' | 'priceSheets' | 'fxRates'
    >,
    private readonly adapters: AdapterRegistry,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  /** Returns the version of the book afterwards. A provider that does not answer leaves its last offers as they are. */
  async run(providerId: ProviderId): Promise<number> {
    const adapter = this.adapters.for(providerId);
    const state = await this.stores.feeds.open(termsOf(providerId), this.clock.nowMs());
    const listed = await this.listed(adapter, state);
    const nowMs = this.clock.nowMs();
    const offers = await this.withContracts(adapter, listed, nowMs);
    const before = await this.stores.offers.version();
    const version = await this.stores.offers.replace(providerId, offers, nowMs);
    const page = { cursor: null, done: true, items: offers.length };
    await this.stores.feeds.save(pageRead(state, page, nowMs));
    if (version !== before) await this.wakeForChanges(before, version);
    if (wasStale(state, nowMs)) await this.wakeAll(nowMs);
    return version;
  }

  /** A failure is kept with the feed, and thrown: whoever asked has to know as well. */
  private async listed(adapter: ProviderAdapter, state: FeedState): Promise<readonly Offer[]> {
    const known = await this.stores.prices.known(adapter.descriptor.id);
    const byOffer = new Map(known.map((price) => [price.offerId, price]));
    const prices: PriceLookup = (offerId) => byOffer.get(offerId);
    try {
      return await adapter.listOffers({ ...guardedCall(this.clock.nowMs()), prices });
    } catch (error) {
      if (error instanceof ProviderError) {
        const { kind, message: text, retryAfterMs } = error;
        const failed = readFailed(state, { kind, text, retryAfterMs }, this.clock.nowMs());
        await this.stores.feeds.save(failed);
      }
      throw error;
    }
  }

  private async withContracts(
    { descriptor: { id, kind, billing } }: ProviderAdapter,
    listed: readonly Offer[],
    nowMs: number,
  ): Promise<readonly Offer[]> {
    const sheets = (await this.stores.priceSheets.list()).map(({ sheet }) => sheet);
    if (sheets.length === 0) return listed;
    return withSheets(
      listed,
      sheets,
      { id, kind, billing },
      await this.stores.fxRates.snapshot(),
      nowMs,
    );
  }

  /**
   * Whoever is in line for an offer that is different now looks again; a new offer may serve anybody. What else a change may
   * mean to somebody, such as a price that is no longer too high, is found when they look again by themselves.
   */
  private async wakeForChanges(before: number, version: number): Promise<void> {
    const { changed, hasNew } = await this.stores.offers.changesSince(before);
    const news = { nowMs: this.clock.nowMs(), tag: `book-${version}` };
    await wakeWaiting(this.stores, this.doorbell, hasNew ? null : changed, news);
  }

  /** Offers that were refused as stale may be had again, though nothing about them has changed. */
  private wakeAll(nowMs: number): Promise<void> {
    return wakeWaiting(this.stores, this.doorbell, null, { nowMs, tag: `fresh-${nowMs}` });
  }
}

function termsOf(providerId: ProviderId): FeedTerms {
  return {
    id: listingSource(providerId),
    kind: 'listing',
    everyMs: REFRESH_EVERY_MS,
    staleAfterMs: LISTING_STALE_AFTER_MS,
  };
}

function wasStale(state: FeedState, nowMs: number): boolean {
  const freshness = feedFreshness(state);
  return freshness !== null && isStale(freshness, nowMs);
}
