import { join } from 'node:path';
import type { Market } from './market';
import {
  CHANGEOVER_S,
  mayHold,
  productMarket,
  readProductCase,
  zonesOf,
  type ProductCase,
} from './product-case';
import { percentile } from './scoring';
import {
  runService,
  servingLowerBoundUsd,
  type ServingResult,
  type ServingWorld,
} from './serving-engine';
import { evenSpread, onDemandServing, roundRobin, spotHedge } from './serving-policies';
import type { Service, ServingPolicy } from './serving-policy';
import { readCsv } from './trace-files';
import { NOWHERE } from './trace-policy';

const HOUR_S = 3600;
const DAY_H = 24;
/** How often replicas are reconsidered, where it divides the time between probes. */
const TICK_S = 120;
/** Requests per second that a replica serves: what the load is turned into replicas with. */
export const REQUESTS_PER_S_PER_REPLICA = 0.5;
/** The load of a tick is the mean over this long before it; a lower target waits for as long as SkyServe's default. */
const LOAD_WINDOW_S = 600;
const DOWNSCALE_DELAY_S = 1200;
/** The synthetic day: a cosine between 40 % of the recorded load at 04:00 and all of it at 16:00. */
const QUIETEST_HOUR = 4;
const MIDDLE_LOAD = 0.7;
const LOAD_SWING = 0.3;
const DATA_CLASS = 'public';

const references: readonly ServingPolicy[] = [onDemandServing, spotHedge, evenSpread, roundRobin];

/** What a serving policy did. */
export interface ServingScore {
  readonly policy: string;
  readonly result: ServingResult;
  /** Share of ticks in which as many were ready as were due, in percent. */
  readonly availabilityPct: number;
  /** The same against a target that is due at once. */
  readonly strictAvailabilityPct: number;
  /** Against all on-demand. */
  readonly savingPct: number;
  /** Above the omniscient lower bound. */
  readonly aboveBoundPct: number;
  readonly isViolation: boolean;
}

export interface S5Result {
  readonly hours: number;
  readonly meanTarget: number;
  readonly peakTarget: number;
  readonly lowerBoundUsd: number;
  readonly scores: readonly ServingScore[];
}

/** Serve the recorded load on the product case's offers under every policy, ours included. */
export function runS5(dir: string, goldenDir: string, ours: ServingPolicy): S5Result {
  const serving = servingWorld(dir, readProductCase(dir, goldenDir));
  const { target, market } = serving;
  const service = serviceOn(market);
  const lowerBoundUsd = servingLowerBoundUsd(service, serving);
  const results = [...references, { ...ours, name: 'ours' }].map((policy) => ({
    policy: policy.name,
    result: runService(policy, service, serving),
  }));
  const onDemandUsd = results[0]?.result.costUsd ?? 0;
  return {
    hours: (target.length * market.tickS) / HOUR_S,
    meanTarget: target.reduce((all, one) => all + one, 0) / target.length,
    peakTarget: percentile([...target], 1),
    lowerBoundUsd,
    scores: results.map(({ policy, result }) => ({
      policy,
      result,
      availabilityPct: (100 * result.servedTicks) / result.countedTicks,
      strictAvailabilityPct: (100 * result.strictlyServedTicks) / result.countedTicks,
      savingPct: 100 * (1 - result.costUsd / onDemandUsd),
      aboveBoundPct: 100 * (result.costUsd / lowerBoundUsd - 1),
      isViolation: result.touched.some((isTouched, zone) => isTouched && !isAllowed(market, zone)),
    })),
  };
}

function isAllowed({ zones }: Market, index: number): boolean {
  const zone = zones[index];
  return zone !== undefined && mayHold[DATA_CLASS](zone);
}

function serviceOn({ zones }: Market): Service {
  return {
    changeoverS: CHANGEOVER_S,
    dataClass: DATA_CLASS,
    spotZones: zonesOf('allowed depin', zones, DATA_CLASS),
    fallback: zonesOf('fallback', zones, DATA_CLASS)[0] ?? NOWHERE,
  };
}

function servingWorld(dir: string, world: ProductCase): ServingWorld {
  const { rowS, rows, countsByZone } = world.counts;
  const tickS = rowS % TICK_S === 0 ? TICK_S : rowS;
  const path = join(dir, 'llm-inference', 'AzureLLMInferenceTrace_conv.csv');
  const market = productMarket(world, { path, threshold: 1, tickS });
  const ticksPerRow = rowS / tickS;
  const capacity = world.offers.map(({ trace }) => {
    const counts = trace === null ? undefined : countsByZone.get(trace);
    return Uint16Array.from(
      { length: rows * ticksPerRow },
      (_, tick) => counts?.[Math.floor(tick / ticksPerRow)] ?? 0,
    );
  });
  const load = loadOf(path, tickS);
  return {
    market,
    capacity,
    target: targetsOf(load, rows * ticksPerRow, tickS, world.counts.startHour),
  };
}

/** Requests per tick over the recorded time; a last tick that is not full is left out. */
function loadOf(path: string, tickS: number): Float64Array {
  const rows = readCsv(path, ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens']);
  const times = rows.map((row) => row.timeS('TIMESTAMP'));
  const firstS = times.reduce((least, one) => Math.min(least, one), Infinity);
  const lastS = times.reduce((most, one) => Math.max(most, one), -Infinity);
  const ticks = Math.floor((lastS - firstS) / tickS);
  if (ticks < 1) rows[0]?.refuse('TIMESTAMP', `wants requests over more than ${tickS} s`);
  const load = new Float64Array(ticks);
  for (const time of times) {
    const tick = Math.floor((time - firstS) / tickS);
    if (tick < ticks) load[tick] = (load[tick] ?? 0) + 1;
  }
  return load;
}

/**
 * Replicas per tick. The recording is about an hour: it is repeated end to end, and scaled by a synthetic day. What a tick asks for
 * follows from requests before it alone, so that a policy may know it.
 */
export function targetsOf(
  load: Float64Array,
  ticks: number,
  tickS: number,
  startHour: number,
): Int32Array {
  const windowTicks = Math.max(1, Math.round(LOAD_WINDOW_S / tickS));
  const delayTicks = Math.max(1, Math.round(DOWNSCALE_DELAY_S / tickS));
  const needed = Int32Array.from({ length: ticks }, (_, tick) => {
    let requests = 0;
    for (let back = 1; back <= windowTicks; back += 1) {
      requests += load[(((tick - back) % load.length) + load.length) % load.length] ?? 0;
    }
    const hour = startHour + (tick * tickS) / HOUR_S;
    const perS = (requests / (windowTicks * tickS)) * loadFactorAt(hour);
    return Math.max(1, Math.ceil(perS / REQUESTS_PER_S_PER_REPLICA));
  });
  return needed.map((_, tick) => {
    let most = 0;
    for (let at = Math.max(0, tick - delayTicks + 1); at <= tick; at += 1) {
      most = Math.max(most, needed[at] ?? 0);
    }
    return most;
  });
}

function loadFactorAt(hour: number): number {
  return MIDDLE_LOAD - LOAD_SWING * Math.cos((2 * Math.PI * (hour - QUIETEST_HOUR)) / DAY_H);
}
