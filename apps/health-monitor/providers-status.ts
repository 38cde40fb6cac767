import {
  healthKey,
  markets,
  NO_HEALTH,
  type HealthSnapshot,
  type Offer,
  type Suspension,
} from '#libs/domain';
import type { ProviderView } from '#libs/contracts';
import type { ProviderDescriptor } from '#libs/provider-kit';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

/** A provider that is configured, and whether it is the real one. */
export interface ConfiguredProvider {
  readonly descriptor: ProviderDescriptor;
  readonly mode: ProviderView['mode'];
}

/** Every configured provider: what it sells now, how it has been doing, and what is kept out of placement. */
export class ProvidersStatus {
  constructor(
    private readonly providers: readonly ConfiguredProvider[],
    private readonly stores: Pick<Stores, 'offers' | 'health' | 'suspensions'>,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<readonly ProviderView[]> {
    const { offers } = await this.stores.offers.book();
    const health = await this.stores.health.snapshot();
    const suspensions = await this.stores.suspensions.inForce(this.clock.nowMs());
    const refreshed = await this.stores.offers.refreshedAtMs();
    return this.providers.map(({ descriptor, mode }) => {
      const own = offers.filter(({ providerId }) => providerId === descriptor.id);
      const refreshedAtMs = refreshed.get(descriptor.id);
      return {
        id: descriptor.id,
        name: descriptor.displayName,
        kind: descriptor.kind,
        mode,
        offers: own.length,
        availableOffers: own.filter(({ available }) => available).length,
        refreshedAt: refreshedAtMs === undefined ? null : new Date(refreshedAtMs).toISOString(),
        suspensions: suspensions.filter((each) => concerns(each, descriptor)).map(suspensionView),
        health: healthOf(descriptor, own, health),
      };
    });
  }
}

function concerns({ key }: Suspension, { id }: ProviderDescriptor): boolean {
  return key === id || key.startsWith(`${id}/`);
}

function suspensionView({
  scope,
  key,
  reason,
  untilMs,
}: Suspension): ProviderView['suspensions'][number] {
  return { scope, key, reason, until: new Date(untilMs).toISOString() };
}

/** Only the markets that it sells in, or that were measured. */
function healthOf(
  { id }: ProviderDescriptor,
  own: readonly Offer[],
  health: HealthSnapshot,
): ProviderView['health'] {
  return markets
    .filter(
      (market) =>
        own.some((offer) => offer.market === market) ||
        health[healthKey({ providerId: id, market })] !== undefined,
    )
    .map((market) => {
      const { leaseMs, interruptions, starts, startFailures } =
        health[healthKey({ providerId: id, market })] ?? NO_HEALTH;
      return { market, leaseMs, interruptions, starts, startFailures };
    });
}
