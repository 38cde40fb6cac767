import {
  CIRCUIT_OPEN,
  DEFAULT_HALF_LIFE_MS,
  MS_PER_HOUR,
  addLifetimes,
  decayed,
  endedWaits,
  healthKey,
  markets,
  noKnowledge,
  noLifetimes,
  startupQuantileMs,
  totalsOf,
  waitQuantileMs,
  type HealthSnapshot,
  type Knowledge,
  type LifetimeCounts,
  type Market,
  type Offer,
  type WaitCounts,
} from '#libs/domain';
import type { ProviderView } from '#libs/contracts';
import type { ProviderDescriptor } from '#libs/provider-kit';
import type { Clock } from '#libs/runtime';
import type { Stores, StoredSuspension, SupplyTimes } from '#libs/storage';

/** A provider that is configured, and whether it is the real one. */
export interface ConfiguredProvider {
  readonly descriptor: ProviderDescriptor;
  readonly mode: ProviderView['mode'];
}

type MarketHealth = ProviderView['health'][number];

/** A circuit that was open until longer ago than this is not told of any more: nobody has called since. */
const CIRCUIT_TOLD_FOR_MS = 3_600_000;
const SUSPENSIONS_READ = 1_000;

/** Everything that is looked at to say how providers are doing, at one moment. */
interface Sights {
  readonly offers: readonly Offer[];
  readonly health: HealthSnapshot;
  readonly supply: Readonly<Record<string, SupplyTimes>>;
  readonly suspensions: readonly StoredSuspension[];
  readonly nowMs: number;
}

/** Every configured provider: what it sells now, how it has been doing, and what is kept out of placement. */
export class ProvidersStatus {
  constructor(
    private readonly providers: readonly ConfiguredProvider[],
    private readonly stores: Pick<Stores, 'offers' | 'health' | 'supply' | 'suspensions'>,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<readonly ProviderView[]> {
    const { stores } = this;
    const nowMs = this.clock.nowMs();
    const sights: Sights = {
      offers: (await stores.offers.book()).offers,
      health: await stores.health.snapshot(),
      supply: await stores.supply.times(nowMs, DEFAULT_HALF_LIFE_MS),
      suspensions: await stores.suspensions.list(nowMs - CIRCUIT_TOLD_FOR_MS, SUSPENSIONS_READ),
      nowMs,
    };
    const refreshed = await stores.offers.refreshedAtMs();
    return this.providers.map((provider) => {
      const refreshedAtMs = refreshed.get(provider.descriptor.id);
      const refreshedAt =
        refreshedAtMs === undefined ? null : new Date(refreshedAtMs).toISOString();
      return { ...viewOf(provider, sights), refreshedAt };
    });
  }
}

function viewOf(
  { descriptor, mode }: ConfiguredProvider,
  { offers, health, supply, suspensions, nowMs }: Sights,
): Omit<ProviderView, 'refreshedAt'> {
  const { id } = descriptor;
  const own = offers.filter(({ providerId }) => providerId === id);
  const concerning = suspensions.filter((each) => concerns(each, descriptor));
  return {
    id,
    name: descriptor.displayName,
    kind: descriptor.kind,
    mode,
    offers: own.length,
    availableOffers: own.filter(({ available }) => available).length,
    circuit: circuitOf(concerning, nowMs),
    calls: callsOf(health[id], nowMs),
    suspensions: concerning.filter((each) => isInForce(each, nowMs)).map(suspensionView),
    health: markets
      .filter(
        (market) =>
          own.some((offer) => offer.market === market) ||
          health[healthKey({ providerId: id, market })] !== undefined,
      )
      .map((market) =>
        marketHealth(market, healthKey({ providerId: id, market }), health, supply, nowMs),
      ),
  };
}

function concerns({ key }: StoredSuspension, { id }: ProviderDescriptor): boolean {
  return key === id || key.startsWith(`${id}/`);
}

function isInForce({ fromMs, untilMs, liftedAtMs }: StoredSuspension, nowMs: number): boolean {
  return fromMs <= nowMs && nowMs < Math.min(untilMs, liftedAtMs ?? Infinity);
}

/** As far as the record tells: open while its suspension lasts, half-open after that until a call has been answered. */
function circuitOf(
  suspensions: readonly StoredSuspension[],
  nowMs: number,
): ProviderView['circuit'] {
  const last = suspensions.find(({ reason }) => reason === CIRCUIT_OPEN);
  if (last === undefined || last.liftedAtMs !== null) return 'closed';
  return isInForce(last, nowMs) ? 'open' : 'half-open';
}

function callsOf(known: Knowledge | undefined, nowMs: number): ProviderView['calls'] {
  if (known === undefined || known.calls === 0) return null;
  const { calls, unanswered } = decayed(known, nowMs);
  return { made: shown(calls), unanswered: shown(unanswered) };
}

function suspensionView({
  scope,
  key,
  reason,
  untilMs,
}: StoredSuspension): ProviderView['suspensions'][number] {
  return { scope, key, reason, until: new Date(untilMs).toISOString() };
}

function marketHealth(
  market: Market,
  key: string,
  health: HealthSnapshot,
  supply: Sights['supply'],
  nowMs: number,
): MarketHealth {
  const known = decayed(health[key] ?? noKnowledge(nowMs), nowMs);
  const { exposureMs, events } = totalsOf(known.leases);
  const { starts, startFailures, recoveries } = known;
  const { up, down } = supplyOf(key, supply);
  return {
    market,
    leaseMs: Math.round(exposureMs),
    interruptions: shown(events),
    starts: shown(endedWaits(starts)),
    startFailures: shown(startFailures),
    interruptionsPerHour: ratio(events * MS_PER_HOUR, exposureMs),
    meanUpTimeMs: meanMs(known.leases),
    startupP50Ms: finite(waitQuantileMs(starts, 0.5)),
    startupP99Ms: finite(startupQuantileMs([known], 0.99)),
    recoveryMs: meanWaitMs(recoveries),
    refusedShare: ratio(known.refusals, known.requests),
    lieShare: ratio(known.lies, known.checks),
    noticeMs: ratio(known.noticeMs, known.notices),
    availableMs: meanMs(up),
    awayMs: meanMs(down),
  };
}

/** Over all regions and kinds of machine of a market. */
function supplyOf(key: string, supply: Sights['supply']): SupplyTimes {
  return Object.entries(supply)
    .filter(([level]) => level.startsWith(`${key}/`))
    .reduce<SupplyTimes>(
      (total, [, { up, down }]) => ({
        up: addLifetimes(total.up, up),
        down: addLifetimes(total.down, down),
      }),
      { up: noLifetimes(), down: noLifetimes() },
    );
}

/** Null where nothing was measured. */
function ratio(sum: number, of: number): number | null {
  return of > 0 ? sum / of : null;
}

function meanMs(counts: LifetimeCounts): number | null {
  const { exposureMs, events } = totalsOf(counts);
  return ratio(exposureMs, events);
}

function meanWaitMs(waits: WaitCounts): number | null {
  return ratio(waits.totalMs, endedWaits(waits));
}

/** A start that is slower than anything seen has no figure. */
function finite(ms: number | null): number | null {
  return ms !== null && Number.isFinite(ms) ? ms : null;
}

/** Counts that fade are not whole; two digits are enough to see that. */
function shown(count: number): number {
  return Math.round(count * 100) / 100;
}
