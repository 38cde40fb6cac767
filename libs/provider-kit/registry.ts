import type { ProviderId } from '#libs/domain';
import type { ProviderAdapter } from './adapter';

/** The adapters in use, by provider. A plain array behind a look-up; every adapter in it is guarded. */
export class AdapterRegistry {
  private readonly byId: ReadonlyMap<ProviderId, ProviderAdapter>;

  constructor(adapters: readonly ProviderAdapter[]) {
    this.byId = new Map(adapters.map((adapter) => [adapter.descriptor.id, adapter]));
  }

  /** Throws for a provider that is not configured: an attempt there can only be moved again once it is. */
  for(providerId: ProviderId): ProviderAdapter {
    const adapter = this.byId.get(providerId);
    if (adapter === undefined) throw new Error(`provider ${providerId} is not configured`);
    return adapter;
  }

  all(): readonly ProviderAdapter[] {
    return [...this.byId.values()];
  }
}
