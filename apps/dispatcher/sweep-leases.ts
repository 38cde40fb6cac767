import type { ProviderId } from '#libs/domain';
import { guardedCall, type AdapterRegistry } from '#libs/provider-kit';
import type { Clock } from '#libs/runtime';
import type { Attempts } from '#libs/storage';

/** Clause five of the money contract: what the provider holds for us and no unreleased attempt owns is released. */
export class SweepLeases {
  constructor(
    private readonly attempts: Attempts,
    private readonly adapters: AdapterRegistry,
    private readonly clock: Clock,
  ) {}

  /** Returns the lease keys that were orphans; one that does not go is found again by the next sweep. */
  async run(providerId: ProviderId): Promise<readonly string[]> {
    const adapter = this.adapters.for(providerId);
    const ctx = guardedCall(this.clock.nowMs());
    const leases = await adapter.listLeases(ctx);
    const owned = await this.attempts.holding(leases.map(({ leaseKey }) => leaseKey));
    const orphans = leases.filter(({ leaseKey }) => !owned.has(leaseKey));
    for (const { leaseKey, externalId } of orphans) {
      await adapter.release(
        { leaseKey, externalId, region: null },
        guardedCall(this.clock.nowMs()),
      );
    }
    return orphans.map(({ leaseKey }) => leaseKey);
  }
}
