import type { ProviderId } from '#libs/domain';
import { guardedCall, type AdapterRegistry } from '#libs/provider-kit';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

/** How many waiting jobs one change of the book wakes; the rest follow with the next refresh or their own due time. */
const WAKE_LIMIT = 1_000;

/** Ask one provider what it sells now, and wake the jobs that wait for what has changed. */
export class RefreshOffers {
  constructor(
    private readonly stores: Pick<Stores, 'offers' | 'jobs'>,
    private readonly adapters: AdapterRegistry,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  /** Returns the version of the book afterwards. A provider that does not answer leaves its last offers as they are. */
  async run(providerId: ProviderId): Promise<number> {
    const adapter = this.adapters.for(providerId);
    const offers = await adapter.listOffers(guardedCall(this.clock.nowMs()));
    const before = await this.stores.offers.version();
    const version = await this.stores.offers.replace(providerId, offers, this.clock.nowMs());
    if (version !== before) await this.wakeWaiting(before, version);
    return version;
  }

  /**
   * Whoever is in line for an offer that is different now looks again; a new offer may serve anybody. What else a change may
   * mean to somebody, such as a price that is no longer too high, is found when they look again by themselves.
   */
  private async wakeWaiting(before: number, version: number): Promise<void> {
    const nowMs = this.clock.nowMs();
    const { changed, hasNew } = await this.stores.offers.changesSince(before);
    const meant = hasNew ? null : changed;
    for (const id of await this.stores.jobs.wakeWaiting(meant, nowMs, WAKE_LIMIT)) {
      this.doorbell.ring({
        queue: 'decide',
        id,
        providerId: null,
        atMs: nowMs,
        tag: `book-${version}`,
      });
    }
  }
}
