import type { Market } from './market';
import type { TraceJob } from './trace-policy';

const HOUR_S = 3600;
const UNIT_EPSILON = 1e-9;
/** How many changeovers' worth of progress a plan may be in debt; an optimal one never takes on a second. */
const MAX_DEBT_CHANGEOVERS = 2;

/** Cheapest cost so far by progress, for one zone: idle with the checkpoint there, on spot, on demand. */
interface Frontier {
  readonly idle: Float64Array;
  readonly spot: Float64Array;
  readonly onDemand: Float64Array;
}

/** The problem in whole units of progress, where a unit divides both the tick and the changeover. */
interface Units {
  readonly perTick: number;
  readonly perChangeover: number;
  readonly goal: number;
  readonly ticks: number;
}

/**
 * The least that a job could cost on a market whose future is known: an exact dynamic programme over ticks, zone, mode and
 * progress. Entering a mode or zone loses a changeover, moving between zones pays egress, the first placement is free.
 * Only progress that can still reach the goal in time, and can have been made by then, is looked at.
 * Infinity where the deadline cannot be met.
 */
export function optimumUsd(job: TraceJob, market: Market): number {
  const units = unitsOf(job, market);
  const offset = MAX_DEBT_CHANGEOVERS * units.perChangeover;
  const zones = job.candidates;
  const size = units.goal + offset + 1;
  const frontiers = (): Frontier[] => zones.map(() => emptyFrontier(size));
  const cheapest = zones.map(() => new Float64Array(size));
  const egress = zones.map((to) => zones.map((from) => job.egressUsd(from, to)));
  let now = frontiers();
  let next = frontiers();
  for (const { idle } of now) idle[offset] = 0;

  for (let step = 0; step < units.ticks; step += 1) {
    const band = bandAt(step, units);
    const after = bandAt(step + 1, units);
    if (after.lo > after.hi) return Infinity;
    fillCheapest(now, cheapest, band, offset);
    for (const [index, zone] of zones.entries()) {
      const arrival = { cheapest, egressUsd: egress[index] ?? [], index };
      const move = { from: now, to: next, index, band, after, offset, units };
      idleOn(move, cheapest);
      enterSpot(move, arrival, spotTickUsd(market, zone, job.startTick + step));
      enterOnDemand(move, arrival, onDemandTickUsd(market, zone));
    }
    [now, next] = [next, now];
  }
  return leastAt(now, units.goal + offset);
}

function unitsOf(job: TraceJob, market: Market): Units {
  const tickS = Math.round(market.tickS);
  const changeoverS = Math.round(job.changeoverS);
  const unitS = greatestDivisor(tickS, changeoverS);
  const ticks = Math.floor(job.deadlineS / market.tickS + UNIT_EPSILON);
  return {
    perTick: tickS / unitS,
    perChangeover: changeoverS / unitS,
    goal: Math.ceil(job.workS / unitS - UNIT_EPSILON),
    ticks: Math.min(ticks, market.ticks - job.startTick),
  };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

interface Band {
  readonly lo: number;
  readonly hi: number;
}

/** The progress that is worth knowing after so many ticks. */
function bandAt(step: number, { perTick, perChangeover, goal, ticks }: Units): Band {
  return {
    lo: Math.max(-MAX_DEBT_CHANGEOVERS * perChangeover, goal - perTick * (ticks - step)),
    hi: Math.min(goal, perTick * step),
  };
}

function emptyFrontier(size: number): Frontier {
  const infinite = (): Float64Array => new Float64Array(size).fill(Infinity);
  return { idle: infinite(), spot: infinite(), onDemand: infinite() };
}

function fillCheapest(
  now: readonly Frontier[],
  cheapest: readonly Float64Array[],
  { lo, hi }: Band,
  offset: number,
): void {
  for (const [index, { idle, spot, onDemand }] of now.entries()) {
    const least = cheapest[index];
    if (least === undefined) continue;
    for (let at = lo + offset; at <= hi + offset; at += 1) {
      least[at] = Math.min(idle[at] ?? Infinity, spot[at] ?? Infinity, onDemand[at] ?? Infinity);
    }
  }
}

interface Step {
  readonly from: readonly Frontier[];
  readonly to: readonly Frontier[];
  readonly index: number;
  readonly band: Band;
  readonly after: Band;
  readonly offset: number;
  readonly units: Units;
}

interface Arrival {
  readonly cheapest: readonly Float64Array[];
  readonly egressUsd: readonly number[];
  readonly index: number;
}

/** Idle keeps the checkpoint where it lies. */
function idleOn({ to, index, band, after, offset }: Step, cheapest: readonly Float64Array[]): void {
  const idle = to[index]?.idle;
  const least = cheapest[index];
  if (idle === undefined || least === undefined) return;
  for (let progress = after.lo; progress <= after.hi; progress += 1) {
    const isKnown = progress >= band.lo && progress <= band.hi;
    idle[progress + offset] = isKnown ? (least[progress + offset] ?? Infinity) : Infinity;
  }
}

function enterSpot(step: Step, arrival: Arrival, tickUsd: number): void {
  const { from, to, index } = step;
  const here = from[index];
  const target = to[index]?.spot;
  if (here === undefined || target === undefined) return;
  advance(step, arrival, { stay: here.spot, target, tickUsd, others: [here.idle, here.onDemand] });
}

function enterOnDemand(step: Step, arrival: Arrival, tickUsd: number): void {
  const { from, to, index } = step;
  const here = from[index];
  const target = to[index]?.onDemand;
  if (here === undefined || target === undefined) return;
  advance(step, arrival, { stay: here.onDemand, target, tickUsd, others: [here.idle, here.spot] });
}

interface Advance {
  readonly stay: Float64Array;
  readonly others: readonly [Float64Array, Float64Array];
  readonly target: Float64Array;
  readonly tickUsd: number;
}

/** One tick of running: a whole tick of progress for who stays, a changeover less for who comes. Beyond the goal counts as the goal. */
function advance(step: Step, arrival: Arrival, { stay, others, target, tickUsd }: Advance): void {
  const { after, offset, units } = step;
  if (tickUsd === Infinity) {
    target.fill(Infinity, after.lo + offset, after.hi + offset + 1);
    return;
  }
  const [a, b] = others;
  const gain = units.perTick - units.perChangeover;
  const sources = arrival.cheapest;
  for (let progress = after.lo; progress <= after.hi; progress += 1) {
    const isGoal = progress === units.goal;
    let least = leastWithin(stay, progress - units.perTick, isGoal ? units.goal : -Infinity, step);
    const first = progress - gain;
    const last = isGoal ? Math.max(first, Math.min(units.goal, step.band.hi)) : first;
    for (let from = first; from <= last; from += 1) {
      if (from < step.band.lo || from > step.band.hi) continue;
      const at = from + offset;
      least = Math.min(least, a[at] ?? Infinity, b[at] ?? Infinity);
      for (let other = 0; other < sources.length; other += 1) {
        if (other === arrival.index) continue;
        const usd = (sources[other]?.[at] ?? Infinity) + (arrival.egressUsd[other] ?? 0);
        if (usd < least) least = usd;
      }
    }
    target[progress + offset] = least + tickUsd;
  }
}

/** The least of `costs` at `first`, or from there to `last` where that is further on. */
function leastWithin(
  costs: Float64Array,
  first: number,
  last: number,
  { band, offset }: Step,
): number {
  let least = Infinity;
  const end = Math.min(Math.max(first, last), band.hi);
  for (let from = Math.max(first, band.lo); from <= end; from += 1) {
    const usd = costs[from + offset] ?? Infinity;
    if (usd < least) least = usd;
  }
  return least;
}

function spotTickUsd(market: Market, zone: number, tick: number): number {
  if (market.available[zone]?.[tick] !== 1) return Infinity;
  return ((market.spotUsdPerHour[zone]?.[tick] ?? Infinity) * market.tickS) / HOUR_S;
}

function onDemandTickUsd(market: Market, zone: number): number {
  return ((market.zones[zone]?.onDemandUsdPerHour ?? Infinity) * market.tickS) / HOUR_S;
}

function leastAt(frontiers: readonly Frontier[], at: number): number {
  return Math.min(
    ...frontiers.map(({ idle, spot, onDemand }) =>
      Math.min(idle[at] ?? Infinity, spot[at] ?? Infinity, onDemand[at] ?? Infinity),
    ),
  );
}
