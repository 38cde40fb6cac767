import { HistoryWindow, type Market } from './market';
import type { Fleet, Service, ServingPolicy, ServingView } from './serving-policy';

const HOUR_S = 3600;

/** What a serving run is played on: capacity per zone and tick, and replicas wanted per tick. */
export interface ServingWorld {
  readonly market: Market;
  /** Machines that spot could give, per zone and tick; 0 where it is not sold. */
  readonly capacity: readonly Uint16Array[];
  readonly target: Int32Array;
}

/**
 * How a serving run went. The first changeover, in which nothing can be ready, counts for cost and not for availability. A target that
 * rises is due a changeover later, for nobody can have started replicas before.
 */
export interface ServingResult {
  readonly costUsd: number;
  /** Counted ticks with as many ready as were due. */
  readonly servedTicks: number;
  /** Counted ticks with as many ready as the target says, just raised or not. */
  readonly strictlyServedTicks: number;
  readonly countedTicks: number;
  /** Replica-hours missing from what was due, over counted ticks. */
  readonly missingReplicaH: number;
  readonly onDemandH: number;
  readonly spotH: number;
  readonly launches: number;
  readonly failedLaunches: number;
  readonly preemptions: number;
  readonly touched: readonly boolean[];
}

/** Replicas of one kind, per zone, by the tick in which they are ready; oldest first. */
type Replicas = readonly number[][];

interface Counters {
  launches: number;
  failedLaunches: number;
  preemptions: number;
}

/** The running replicas; the policy acts on it, and reads it as its view. */
class RunningFleet implements Fleet, ServingView {
  tick = 0;
  target = 0;
  readonly readySpot: Int32Array;
  readonly startingSpot: Int32Array;
  readonly readyOnDemand: Int32Array;
  readonly startingOnDemand: Int32Array;
  readonly preempted: Int32Array;
  readonly becameReady: Int32Array;
  readonly counters: Counters = { launches: 0, failedLaunches: 0, preemptions: 0 };
  private readonly spot: Replicas;
  private readonly onDemand: Replicas;

  constructor(
    private readonly world: ServingWorld,
    private readonly changeoverTicks: number,
  ) {
    const { zones } = world.market;
    const perZone = (): Int32Array => new Int32Array(zones.length);
    this.readySpot = perZone();
    this.startingSpot = perZone();
    this.readyOnDemand = perZone();
    this.startingOnDemand = perZone();
    this.preempted = perZone();
    this.becameReady = perZone();
    this.spot = zones.map(() => []);
    this.onDemand = zones.map(() => []);
  }

  /** Take back what no longer has capacity, and make ready what has started. */
  advance(tick: number): void {
    this.tick = tick;
    this.target = this.world.target[tick] ?? 0;
    for (const [zone, replicas] of this.spot.entries()) {
      const before = this.readySpot[zone] ?? 0;
      const excess = Math.max(0, replicas.length - this.capacityOf(zone));
      replicas.length -= excess;
      this.preempted[zone] = excess;
      this.counters.preemptions += excess;
      this.count(zone);
      this.becameReady[zone] = Math.max(0, (this.readySpot[zone] ?? 0) - before);
    }
  }

  launch(mode: 'spot' | 'on-demand', zone: number): boolean {
    const replicas = mode === 'spot' ? this.spot[zone] : this.onDemand[zone];
    const isSold =
      mode === 'spot'
        ? (this.spot[zone]?.length ?? 0) < this.capacityOf(zone)
        : Number.isFinite(this.world.market.zones[zone]?.onDemandUsdPerHour ?? Infinity);
    if (replicas === undefined || !isSold) {
      this.counters.failedLaunches += 1;
      return false;
    }
    replicas.push(this.tick + this.changeoverTicks);
    this.counters.launches += 1;
    this.count(zone);
    return true;
  }

  stop(mode: 'spot' | 'on-demand', zone: number): boolean {
    const stopped = (mode === 'spot' ? this.spot[zone] : this.onDemand[zone])?.pop();
    this.count(zone);
    return stopped !== undefined;
  }

  private capacityOf(zone: number): number {
    return this.world.capacity[zone]?.[this.tick] ?? 0;
  }

  private count(zone: number): void {
    this.readySpot[zone] = readyOf(this.spot[zone], this.tick);
    this.startingSpot[zone] = (this.spot[zone]?.length ?? 0) - (this.readySpot[zone] ?? 0);
    this.readyOnDemand[zone] = readyOf(this.onDemand[zone], this.tick);
    this.startingOnDemand[zone] =
      (this.onDemand[zone]?.length ?? 0) - (this.readyOnDemand[zone] ?? 0);
  }
}

function readyOf(replicas: readonly number[] | undefined, tick: number): number {
  let ready = 0;
  for (const readyTick of replicas ?? []) if (readyTick <= tick) ready += 1;
  return ready;
}

/** Play a serving policy over the whole trace. */
export function runService(
  policy: ServingPolicy,
  service: Service,
  world: ServingWorld,
): ServingResult {
  const { market, target } = world;
  const { tickS, zones } = market;
  const changeoverTicks = Math.ceil(service.changeoverS / tickS);
  const history = new HistoryWindow(market);
  const fleet = new RunningFleet(world, changeoverTicks);
  const run = policy.begin(service, history);
  const touched = zones.map(() => false);
  let costUsd = 0;
  let onDemandH = 0;
  let spotH = 0;
  const due = dueOf(target, changeoverTicks);
  let servedTicks = 0;
  let strictlyServedTicks = 0;
  let missing = 0;
  for (let tick = 0; tick < target.length; tick += 1) {
    history.nowTick = tick;
    fleet.advance(tick);
    run.decide(fleet, fleet);
    let ready = 0;
    for (let zone = 0; zone < zones.length; zone += 1) {
      const spot = (fleet.readySpot[zone] ?? 0) + (fleet.startingSpot[zone] ?? 0);
      const onDemand = (fleet.readyOnDemand[zone] ?? 0) + (fleet.startingOnDemand[zone] ?? 0);
      ready += (fleet.readySpot[zone] ?? 0) + (fleet.readyOnDemand[zone] ?? 0);
      if (spot + onDemand > 0) touched[zone] = true;
      if (spot > 0) costUsd += (spot * (market.spotUsdPerHour[zone]?.[tick] ?? 0) * tickS) / HOUR_S;
      if (onDemand > 0)
        costUsd += (onDemand * (zones[zone]?.onDemandUsdPerHour ?? 0) * tickS) / HOUR_S;
      spotH += (spot * tickS) / HOUR_S;
      onDemandH += (onDemand * tickS) / HOUR_S;
    }
    if (tick < changeoverTicks) continue;
    const dueNow = due[tick] ?? 0;
    if (ready >= dueNow) servedTicks += 1;
    if (ready >= fleet.target) strictlyServedTicks += 1;
    missing += Math.max(0, dueNow - ready);
  }
  return {
    costUsd,
    servedTicks,
    strictlyServedTicks,
    countedTicks: Math.max(0, target.length - changeoverTicks),
    missingReplicaH: (missing * tickS) / HOUR_S,
    onDemandH,
    spotH,
    ...fleet.counters,
    touched,
  };
}

/**
 * Less than any policy can pay to have what is due ready in every counted tick: it is filled, tick by tick, from the cheapest
 * slots that have stood for a changeover, the rest on demand. Starting is free and replicas move for nothing, so nobody reaches it.
 */
export function servingLowerBoundUsd(service: Service, world: ServingWorld): number {
  const { market, capacity, target } = world;
  const { tickS } = market;
  const changeoverTicks = Math.ceil(service.changeoverS / tickS);
  const due = dueOf(target, changeoverTicks);
  const onDemandUsd = market.zones[service.fallback]?.onDemandUsdPerHour ?? Infinity;
  let totalUsd = 0;
  for (let tick = changeoverTicks; tick < target.length; tick += 1) {
    const slots = service.spotZones
      .map((zone) => ({
        usd: market.spotUsdPerHour[zone]?.[tick] ?? Infinity,
        count: standing(capacity[zone], tick, changeoverTicks),
      }))
      .filter(({ usd }) => usd < onDemandUsd)
      .sort((a, b) => a.usd - b.usd);
    let wanted = due[tick] ?? 0;
    for (const { usd, count } of slots) {
      const taken = Math.min(wanted, count);
      totalUsd += (taken * usd * tickS) / HOUR_S;
      wanted -= taken;
    }
    totalUsd += (wanted * onDemandUsd * tickS) / HOUR_S;
  }
  return totalUsd;
}

/** The least target of the changeover that ends now. */
function dueOf(target: Int32Array, changeoverTicks: number): Int32Array {
  return target.map((_, tick) => {
    let least = Infinity;
    for (let at = Math.max(0, tick - changeoverTicks); at <= tick; at += 1) {
      least = Math.min(least, target[at] ?? 0);
    }
    return least;
  });
}

/** The least capacity of a zone over the changeover that ends now. */
function standing(capacity: Uint16Array | undefined, tick: number, ticks: number): number {
  let least = Infinity;
  for (let at = tick - ticks; at <= tick; at += 1) least = Math.min(least, capacity?.[at] ?? 0);
  return least;
}
