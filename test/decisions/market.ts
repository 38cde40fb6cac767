import type { Future, MarketHistory, Placement, TraceZone } from './trace-policy';

/** What a zone of the trace is and what it did, tick by tick. */
export interface ZoneTrace {
  readonly zone: TraceZone;
  /** 1 where spot can be had; one entry per tick. */
  readonly available: Uint8Array;
  readonly spotUsdPerHour: Float64Array;
}

/** The whole trace, future included: for the engine, the oracles and the optimum. */
export class Market {
  readonly zones: readonly TraceZone[];
  readonly ticks: number;
  readonly available: readonly Uint8Array[];
  readonly spotUsdPerHour: readonly Float64Array[];
  private readonly runLengths: Float64Array[] = [];

  constructor(
    readonly tickS: number,
    traces: readonly ZoneTrace[],
  ) {
    this.zones = traces.map(({ zone }) => zone);
    this.available = traces.map(({ available }) => available);
    this.spotUsdPerHour = traces.map((trace) => trace.spotUsdPerHour);
    this.ticks = Math.min(...this.available.map(({ length }) => length));
  }

  /** How long spot in a zone stays, per tick, in seconds. */
  availableForS(zone: number): Float64Array {
    return (this.runLengths[zone] ??= runLengthsS(this.available[zone] ?? NEVER, this.tickS));
  }
}

const NEVER = new Uint8Array(0);

function runLengthsS(available: Uint8Array, tickS: number): Float64Array {
  const lengths = new Float64Array(available.length + 1);
  for (let tick = available.length - 1; tick >= 0; tick -= 1) {
    lengths[tick] = available[tick] === 1 ? (lengths[tick + 1] ?? 0) + tickS : 0;
  }
  return lengths;
}

/** The market as a policy sees it: a window onto the trace that ends at `nowTick`, which the engine moves. */
export class HistoryWindow implements MarketHistory {
  readonly zones: readonly TraceZone[];
  readonly tickS: number;
  readonly spotIn: readonly Placement[];
  readonly onDemandIn: readonly Placement[];
  nowTick = 0;

  constructor(private readonly market: Market) {
    this.zones = market.zones;
    this.tickS = market.tickS;
    this.spotIn = market.zones.map((_, zone) => ({ mode: 'spot', zone }));
    this.onDemandIn = market.zones.map((_, zone) => ({ mode: 'on-demand', zone }));
  }

  isAvailable(zone: number, tick: number): boolean {
    this.demandPast(tick);
    return this.market.available[zone]?.[tick] === 1;
  }

  spotUsdPerHour(zone: number, tick: number): number {
    this.demandPast(tick);
    return this.market.spotUsdPerHour[zone]?.[tick] ?? Infinity;
  }

  private demandPast(tick: number): void {
    if (tick < 0 || tick > this.nowTick) {
      throw new RangeError(`tick ${tick} is not known at tick ${this.nowTick}`);
    }
  }
}

/** The future of a market, for oracles. */
export function futureOf(market: Market): Future {
  return { availableForS: (zone, tick) => market.availableForS(zone)[tick] ?? 0 };
}
