import type { ProviderView, SuspensionView } from '#libs/contracts';
import { duration, relative } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

type MarketHealth = ProviderView['health'][number];

/** One row for each market of each provider, and its circuit and suspensions below. */
export function renderProviders(
  providers: readonly ProviderView[],
  nowMs: number,
  paint: Paint,
): string {
  if (providers.length === 0) return 'no providers';
  const rows = providers.flatMap((provider) => rowsOf(provider, nowMs, paint));
  const grid = table(
    [
      { title: 'PROVIDER' },
      { title: 'MODE' },
      { title: 'AVAILABLE', align: 'right' },
      { title: 'REFRESHED' },
      { title: 'MARKET' },
      { title: 'LEASED', align: 'right' },
      { title: 'LOST', align: 'right' },
      { title: 'PER HOUR', align: 'right' },
      { title: 'UP-TIME', align: 'right' },
      { title: 'STARTS', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'START P50', align: 'right' },
      { title: 'P99', align: 'right' },
      { title: 'AWAY', align: 'right' },
    ],
    rows,
  );
  return [grid, ...providers.flatMap((provider) => notesOf(provider, nowMs, paint))].join('\n');
}

function rowsOf(provider: ProviderView, nowMs: number, paint: Paint): readonly string[][] {
  const about = [
    provider.id,
    provider.mode === 'live' ? 'live' : paint.faint(provider.mode),
    `${provider.availableOffers} of ${provider.offers}`,
    provider.refreshedAt === null ? 'never' : relative(provider.refreshedAt, nowMs),
  ];
  if (provider.health.length === 0) return [[...about, ...Array<string>(10).fill('')]];
  return provider.health.map((market, index) => [
    ...(index === 0 ? about : about.map(() => '')),
    ...healthOf(market, paint),
  ]);
}

/** What was not measured says so: it is not zero. */
function healthOf(market: MarketHealth, paint: Paint): readonly string[] {
  const unmeasured = paint.faint('not measured');
  const timeOr = (ms: number | null): string => (ms === null ? unmeasured : duration(ms));
  return [
    market.market,
    duration(market.leaseMs),
    tally(market.interruptions),
    market.interruptionsPerHour === null ? unmeasured : market.interruptionsPerHour.toPrecision(2),
    timeOr(market.meanUpTimeMs),
    tally(market.starts),
    tally(market.startFailures),
    timeOr(market.startupP50Ms),
    timeOr(market.startupP99Ms),
    timeOr(market.awayMs),
  ];
}

/** Counts fade, so that they need not be whole. */
function tally(count: number): string {
  return String(Math.round(count * 10) / 10);
}

function notesOf(provider: ProviderView, nowMs: number, paint: Paint): readonly string[] {
  const circuits = {
    closed: [],
    open: [`${provider.id} does not answer and is left alone`],
    'half-open': [`${provider.id} did not answer; the next call tries it again`],
  } as const;
  const suspensions = provider.suspensions.map(
    ({ scope, key, reason, until }) =>
      `suspended: ${scope} ${key}, ends ${relative(until, nowMs)} (${reason})`,
  );
  return [...circuits[provider.circuit], ...suspensions].map((note) => paint.warn(note));
}

/** One row for each, newest first. */
export function renderSuspensions(
  suspensions: readonly SuspensionView[],
  nowMs: number,
  paint: Paint,
): string {
  if (suspensions.length === 0) return 'nothing is kept out of placement';
  return table(
    [
      { title: 'SCOPE' },
      { title: 'WHAT' },
      { title: 'REASON' },
      { title: 'BEGAN' },
      { title: 'ENDS' },
      { title: 'BY' },
    ],
    suspensions.map(({ scope, key, job, reason, from, until, by, resumedAt }) => [
      scope,
      job === null ? key : `${key} for ${job}`,
      reason,
      relative(from, nowMs),
      resumedAt === null ? relative(until, nowMs) : `resumed ${relative(resumedAt, nowMs)}`,
      by ?? paint.faint('the router'),
    ]),
  );
}
