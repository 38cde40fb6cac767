import type { ProviderId } from '#libs/domain';
import { guardedCall, type AdapterRegistry } from '#libs/provider-kit';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

/** How many waiting jobs one change of the book wakes; the rest follow with the next refresh or their own due time. */
const WAKE_LIMIT = 1_000;

/** Ask one provider what it sells now, and wake the jobs that wait when the answer has changed. */
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
    if (version !== before) await this.wakeWaiting(version);
    return version;
  }

  private async wakeWaiting(version: number): Promise<void> {
    const nowMs = this.clock.nowMs();
    for (const id of await this.stores.jobs.wakeWaiting(nowMs, WAKE_LIMIT)) {
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
