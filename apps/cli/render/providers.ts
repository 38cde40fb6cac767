import type { ProviderView } from '#libs/contracts';
import { duration, relative } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** One row for each provider, and its suspensions below. */
export function renderProviders(
  providers: readonly ProviderView[],
  nowMs: number,
  paint: Paint,
): string {
  if (providers.length === 0) return 'no providers';
  const rows = providers.map((provider) => [
    provider.id,
    provider.kind,
    provider.mode === 'live' ? 'live' : paint.faint(provider.mode),
    `${provider.availableOffers} of ${provider.offers}`,
    provider.refreshedAt === null ? 'never' : relative(provider.refreshedAt, nowMs),
    ...healthOf(provider),
  ]);
  const grid = table(
    [
      { title: 'PROVIDER' },
      { title: 'KIND' },
      { title: 'MODE' },
      { title: 'AVAILABLE', align: 'right' },
      { title: 'REFRESHED' },
      { title: 'LEASED', align: 'right' },
      { title: 'STARTS', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'INTERRUPTED', align: 'right' },
    ],
    rows,
  );
  return [grid, ...providers.flatMap((provider) => suspensionsOf(provider, nowMs, paint))].join(
    '\n',
  );
}

/** Over all markets of a provider. */
function healthOf({ health }: ProviderView): readonly string[] {
  const sum = (pick: (entry: (typeof health)[number]) => number) =>
    health.reduce((total, entry) => total + pick(entry), 0);
  return [
    duration(sum(({ leaseMs }) => leaseMs)),
    String(sum(({ starts }) => starts)),
    String(sum(({ startFailures }) => startFailures)),
    String(sum(({ interruptions }) => interruptions)),
  ];
}

function suspensionsOf({ suspensions }: ProviderView, nowMs: number, paint: Paint) {
  return suspensions.map(({ scope, key, reason, until }) =>
    paint.warn(`suspended: ${scope} ${key}, ends ${relative(until, nowMs)} (${reason})`),
  );
}
