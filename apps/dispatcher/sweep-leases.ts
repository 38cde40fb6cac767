import type { ProviderId } from '#libs/domain';
import { guardedCall, ProviderError, type AdapterRegistry } from '#libs/provider-kit';
import type { Clock } from '#libs/runtime';
import type { Attempts } from '#libs/storage';

/** Clause five of the money contract: what the provider holds for us and no unreleased attempt owns is released. */
export class SweepLeases {
  constructor(
    private readonly attempts: Attempts,
    private readonly adapters: AdapterRegistry,
    private readonly clock: Clock,
  ) {}

  /** Returns the lease keys that were orphans. One that cannot be released holds up no other; the next sweep finds it again. */
  async run(providerId: ProviderId): Promise<readonly string[]> {
    const adapter = this.adapters.for(providerId);
    const leases = await adapter.listLeases(guardedCall(this.clock.nowMs()));
    const owned = await this.attempts.holding(leases.map(({ leaseKey }) => leaseKey));
    const orphans = leases.filter(({ leaseKey }) => !owned.has(leaseKey));
    for (const { leaseKey, externalId } of orphans) {
      const ref = { leaseKey, externalId, region: null };
      await adapter.release(ref, guardedCall(this.clock.nowMs())).catch(passRefusal);
    }
    return orphans.map(({ leaseKey }) => leaseKey);
  }
}

function passRefusal(error: unknown): void {
  if (!(error instanceof ProviderError)) throw error;
}
