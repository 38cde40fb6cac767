import {
  SHARED_PLAN,
  choosePlacement,
  marketTables,
  poolNow,
  poolsOf,
  solveValueTable,
  suppliesOf,
  type Place,
  type SupplyNow,
  type ValueTable,
} from '#libs/domain';
import {
  IDLE,
  type MarketHistory,
  type Placement,
  type TraceJob,
  type TracePolicy,
} from './trace-policy';
import { Watch } from './watch';

const MS_PER_S = 1_000;
/** Knowledge is taken into the plan this often; in between, plans are shared. */
const LEARN_EVERY_S = 4 * 3_600;
/** Plans kept at a time; one is up to 40 MB, most are far smaller. */
const MAX_PLANS = 40;
/** Sizes of plans, each so much larger than the last: jobs of like size share one. */
const SIZE_RATIO = 1.25;
const SMALLEST_S = 3_600;
/** Prices in a plan are rounded to this, so that plans outlive the small moves of a spot price. */
const PRICE_GRAIN_USD = 0.02;

/** What has been learned of one market, a function of its zones and the tick alone, and the plans made from it. */
class Learned {
  private readonly watches: readonly Watch[];
  private readonly plans = new Map<string, ValueTable>();

  constructor(history: MarketHistory) {
    const ticksPerEpoch = Math.max(1, Math.round(LEARN_EVERY_S / history.tickS));
    this.ticksPerEpoch = ticksPerEpoch;
    this.watches = history.zones.map((_, zone) => new Watch(zone, ticksPerEpoch));
  }

  readonly ticksPerEpoch: number;

  watch(history: MarketHistory, zone: number): Watch {
    const watch = this.watches[zone];
    if (watch === undefined) throw new Error(`no zone ${zone}`);
    watch.upTo(history, history.nowTick);
    return watch;
  }

  plan(
    history: MarketHistory,
    job: TraceJob,
    spot: readonly number[],
    reliable: number | null,
  ): ValueTable {
    const reliableUsd =
      reliable === null ? Infinity : (history.zones[reliable]?.onDemandUsdPerHour ?? Infinity);
    const epoch = Math.floor(history.nowTick / this.ticksPerEpoch);
    const workS = roundedUp(job.workS);
    const slackS = roundedUp(job.deadlineS - job.workS);
    const prices = spot.map(
      (zone) =>
        Math.round(history.spotUsdPerHour(zone, history.nowTick) / PRICE_GRAIN_USD) *
        PRICE_GRAIN_USD,
    );
    const meanEgressUsd = (fare: (zone: number) => number): number =>
      spot.reduce((sum, zone) => sum + fare(zone), 0) / Math.max(1, spot.length);
    const leaveReliableUsd =
      reliable === null ? 0 : meanEgressUsd((to) => job.egressUsd(reliable, to));
    const key = JSON.stringify([
      epoch,
      workS,
      slackS,
      job.changeoverS,
      spot,
      prices,
      reliableUsd,
      leaveReliableUsd,
    ]);
    const known = this.plans.get(key);
    if (known !== undefined) return known;
    const states = history.zones.flatMap(
      (_, zone) => this.watch(history, zone).knownAt(epoch) ?? [],
    );
    const market = marketTables(states);
    const supplies = suppliesOf(
      spot.map((zone, index) => ({
        id: String(zone),
        usdPerHour: prices[index] ?? 0,
        arrivalUsd: meanEgressUsd((from) => job.egressUsd(from, zone)),
        watched: this.watch(history, zone).knownAt(epoch),
      })),
      market,
    );
    const made = solveValueTable(poolsOf(supplies), {
      workMs: workS * MS_PER_S,
      slackMs: slackS * MS_PER_S,
      changeoverMs: job.changeoverS * MS_PER_S,
      reliableUsdPerHour: reliableUsd,
      leaveReliableUsd,
      waitingUsdPerHour: 0,
      size: SHARED_PLAN,
    });
    this.plans.set(key, made);
    const [oldest] = this.plans.keys();
    if (this.plans.size > MAX_PLANS && oldest !== undefined) this.plans.delete(oldest);
    return made;
  }
}

function roundedUp(seconds: number): number {
  return (
    SMALLEST_S *
    SIZE_RATIO ** Math.max(0, Math.ceil(Math.log(seconds / SMALLEST_S) / Math.log(SIZE_RATIO)))
  );
}

const learned = new WeakMap<object, Learned>();

/** The product's placement, asked at every tick with what is known then. */
export const ours: TracePolicy = {
  name: 'ours',
  begin: (job, history) => {
    const known = learned.get(history.zones) ?? new Learned(history);
    learned.set(history.zones, known);
    const { zones, tickS } = history;
    const spot = job.candidates.filter((zone) => zones[zone]?.sellsSpot === true);
    const onDemand = [...job.candidates]
      .filter((zone) => Number.isFinite(zones[zone]?.onDemandUsdPerHour ?? Infinity))
      .sort((a, b) => (zones[a]?.onDemandUsdPerHour ?? 0) - (zones[b]?.onDemandUsdPerHour ?? 0));
    const reliable = onDemand[0] ?? null;
    let predictedCostUsd: number | undefined;
    const run = {
      get predictedCostUsd(): number {
        return predictedCostUsd ?? NaN;
      },
      decide: (view: Parameters<ReturnType<TracePolicy['begin']>['decide']>[0]): Placement => {
        const table = known.plan(history, job, spot, reliable);
        const nowOf = (zone: number): SupplyNow => ({
          isAvailable: history.isAvailable(zone, view.tick),
          ageMs: known.watch(history, zone).ageMs(view.tick, tickS),
        });
        const zoneOf = (place: Place): number =>
          place.at === 'supply'
            ? Number(place.id)
            : place.at === 'reliable'
              ? (reliable ?? -1)
              : -1;
        const place: Place =
          view.mode === 'idle'
            ? { at: 'nowhere' }
            : view.mode === 'on-demand'
              ? { at: 'reliable' }
              : { at: 'supply', id: String(view.zone) };
        const choice = choosePlacement(table, {
          workLeftMs: view.leftS * MS_PER_S,
          remainingMs: view.remainingS * MS_PER_S,
          place,
          isFromReliable: view.location === reliable && !spot.includes(view.location),
          changeoverLeftMs: view.changeoverLeftS * MS_PER_S,
          supply: (id) => nowOf(Number(id)),
          pool: (index) =>
            poolNow((table.pools[index]?.members ?? []).map(({ id }) => nowOf(Number(id)))),
          moveUsd: (to) => (view.location < 0 ? 0 : job.egressUsd(view.location, zoneOf(to))),
          lookMs: tickS * MS_PER_S,
        });
        predictedCostUsd ??= choice.expectedUsd;
        if (choice.place.at === 'nowhere') return IDLE;
        const zone = zoneOf(choice.place);
        return (
          (choice.place.at === 'reliable' ? history.onDemandIn[zone] : history.spotIn[zone]) ?? IDLE
        );
      },
    };
    return run;
  },
};
