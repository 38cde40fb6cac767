import {
  extraFor,
  marketTables,
  planSupply,
  rateWithStart,
  residualLifeMs,
  suppliesOf,
  type LifetimeTable,
  type SupplyPlace,
  type SupplyPlan,
} from '#libs/domain';
import type { Fleet, Service, ServingPolicy, ServingRun, ServingView } from './serving-policy';
import type { MarketHistory } from './trace-policy';
import { Watch } from './watch';

const MS_PER_S = 1_000;
const HORIZON_MS = 7 * 24 * 3_600_000;
/** What was seen of the zones is taken into account this often. */
const LEARN_EVERY_S = 4 * 3_600;
/** The availability that the service promises, and the extra that it starts with. */
const PROMISED_BPS = 9_800;
const WISHED_EXTRA = 2;
/** Losses that are remembered of a zone. */
const MAX_LOSSES = 100;
/** How many more a zone is taken to have until a launch fails. */
const UNKNOWN_ROOM = 1_000;

/** The product's rule for services that promise an availability, asked at every tick with what is known then. */
export const oursServing: ServingPolicy = {
  name: 'ours',
  begin: (service, history) => new OursRun(service, history),
};

class OursRun implements ServingRun {
  private readonly watches: ReadonlyMap<number, Watch>;
  private readonly ticksPerEpoch: number;
  private readonly lossesAtMs: number[] = [];
  private readonly refusedAtMs = new Map<number, number>();
  private readonly lossesIn = new Map<number, readonly number[]>();
  private upTimes: ReadonlyMap<number, LifetimeTable> = new Map();
  private epoch = -1;

  constructor(
    private readonly service: Service,
    private readonly history: MarketHistory,
  ) {
    this.ticksPerEpoch = Math.max(1, Math.round(LEARN_EVERY_S / history.tickS));
    this.watches = new Map(
      service.spotZones.map((zone) => [zone, new Watch(zone, this.ticksPerEpoch)]),
    );
  }

  decide(view: ServingView, fleet: Fleet): void {
    this.learn(view);
    const { fallback, spotZones } = this.service;
    const full = new Set<number>();
    let plan = this.plan(view, full);
    for (const _ of spotZones) {
      const failed = plan.add.find((id) => !fleet.launch('spot', Number(id)));
      if (failed === undefined) break;
      full.add(Number(failed));
      this.refusedAtMs.set(Number(failed), this.nowMs(view));
      plan = this.plan(view, full);
    }
    for (const id of [...plan.dropStarting, ...plan.dropReady]) fleet.stop('spot', Number(id));
    const held = (): number =>
      (view.readyOnDemand[fallback] ?? 0) + (view.startingOnDemand[fallback] ?? 0);
    while (held() < plan.reliable.atLeast && fleet.launch('on-demand', fallback));
    while (held() > plan.reliable.atMost && fleet.stop('on-demand', fallback));
  }

  private nowMs({ tick }: ServingView): number {
    return tick * this.history.tickS * MS_PER_S;
  }

  private noteLoss(zone: number, nowMs: number): void {
    this.lossesIn.set(zone, [...(this.lossesIn.get(zone) ?? []).slice(1 - MAX_LOSSES), nowMs]);
  }

  private learn(view: ServingView): void {
    const nowMs = this.nowMs(view);
    for (const zone of this.service.spotZones) {
      const lost = view.preempted[zone] ?? 0;
      for (let one = 0; one < lost; one += 1) this.lossesAtMs.push(nowMs);
      if (lost > 0) this.noteLoss(zone, nowMs);
      this.watches.get(zone)?.upTo(this.history, view.tick);
    }
    const epoch = Math.floor(view.tick / this.ticksPerEpoch);
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    const watched = [...this.watches].map(([zone, watch]) => ({
      id: String(zone),
      usdPerHour: 0,
      arrivalUsd: 0,
      watched: watch.knownAt(epoch),
    }));
    const market = marketTables(watched.flatMap((one) => one.watched ?? []));
    const supplies = suppliesOf(watched, market);
    this.upTimes = new Map(supplies.map(({ id, upTimes }) => [Number(id), upTimes]));
  }

  private plan(view: ServingView, full: ReadonlySet<number>): SupplyPlan {
    const { changeoverS, spotZones, fallback } = this.service;
    const nowMs = this.nowMs(view);
    const changeoverMs = changeoverS * MS_PER_S;
    const record = { lossesAtMs: this.lossesAtMs, sinceMs: 0, nowMs, changeoverMs };
    const extra = extraFor(record, WISHED_EXTRA, PROMISED_BPS);
    return planSupply(
      { target: view.target, extra },
      spotZones.map((zone) => this.place(zone, view, full)),
      this.history.zones[fallback]?.onDemandUsdPerHour ?? Infinity,
      nowMs,
    );
  }

  private place(zone: number, view: ServingView, full: ReadonlySet<number>): SupplyPlace {
    const { tickS } = this.history;
    const perHour = this.history.spotUsdPerHour(zone, view.tick);
    const ageMs = this.watches.get(zone)?.ageMs(view.tick, tickS) ?? 0;
    const table = this.upTimes.get(zone);
    const residualMs = table === undefined ? HORIZON_MS : residualLifeMs(table, ageMs, HORIZON_MS);
    const changeoverMs = this.service.changeoverS * MS_PER_S;
    return {
      id: String(zone),
      perHour,
      newPerHour: rateWithStart(perHour, changeoverMs, residualMs),
      room: this.history.isAvailable(zone, view.tick) && !full.has(zone) ? UNKNOWN_ROOM : 0,
      ready: view.readySpot[zone] ?? 0,
      starting: view.startingSpot[zone] ?? 0,
      lossesAtMs: this.lossesIn.get(zone) ?? [],
      refusedAtMs: this.refusedAtMs.get(zone) ?? null,
    };
  }
}
