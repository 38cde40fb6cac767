import { Market } from './market';
import type { TraceJob, TraceZone } from './trace-policy';

/** What a sample zone is like: availability as one 0 or 1 per tick, one spot price for all of them. */
export interface SampleZone {
  readonly id?: string;
  readonly available: string;
  readonly spotUsdPerHour?: number;
  readonly onDemandUsdPerHour?: number;
}

/** A market of few zones, with ticks of a quarter of an hour: a price of 4 USD per hour is 1 USD per tick. */
export function sampleMarket(zones: readonly SampleZone[]): Market {
  return new Market(
    900,
    zones.map(({ id, available, spotUsdPerHour = 1, onDemandUsdPerHour = 4 }, index) => ({
      zone: sampleZone(id ?? `zone-${index}`, onDemandUsdPerHour),
      available: Uint8Array.from(available, Number),
      spotUsdPerHour: new Float64Array(available.length).fill(spotUsdPerHour),
    })),
  );
}

function sampleZone(id: string, onDemandUsdPerHour: number): TraceZone {
  return {
    id,
    region: id,
    kind: Number.isFinite(onDemandUsdPerHour) ? 'hyperscaler' : 'depin',
    country: 'US',
    bloc: 'NA',
    description: id,
    onDemandUsdPerHour,
    sellsSpot: true,
  };
}

/** Two ticks of work in eight, a changeover of one tick, free moves. */
export function sampleJob(market: Market, changes: Partial<TraceJob> = {}): TraceJob {
  return {
    id: 'sample',
    dataClass: 'public',
    startTick: 0,
    workS: 1800,
    deadlineS: 7200,
    changeoverS: 900,
    checkpointGb: 10,
    candidates: [...market.zones.keys()],
    egressUsd: () => 0,
    ...changes,
  };
}
