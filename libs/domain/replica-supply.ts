import type { Replicas } from './job';
import { MS_PER_HOUR } from './money';

/** More than this on top of the target is never kept, whatever the losses. */
export const MOST_EXTRA = 4;
/**
 * Supply that shrinks goes on shrinking: a domain that took replicas back, or had none to give, is given no more for so long,
 * as many times over as it took some back within the last day.
 */
export const REST_PER_LOSS_MS = 1.5 * MS_PER_HOUR;
const REST_MEMORY_MS = 24 * MS_PER_HOUR;
/** Losses of one domain that follow one another within this time are one. */
const SAME_LOSS_MS = 60_000;
/** Losses longer ago than this say nothing about how many extra are needed now. */
const LOSS_MEMORY_MS = 7 * 24 * MS_PER_HOUR;
/** How many hours of own experience the wished extra is worth. */
const WISH_WORTH_MS = 12 * MS_PER_HOUR;
const BPS = 10_000;

/** Interruptible supply of one kind in one failure place. Prices are in any one unit per hour: they rank and are not booked. */
export interface SupplyPlace {
  readonly id: string;
  readonly perHour: number;
  /** The start-up of one more, spread over the time that it is expected to last, included; see `rateWithStart`. */
  readonly newPerHour: number;
  /** How many more can be had there, as far as is known. */
  readonly room: number;
  readonly ready: number;
  readonly starting: number;
  /** When its failure domain took replicas back, oldest first. */
  readonly lossesAtMs: readonly number[];
  /** When it last had none to give, or null. */
  readonly refusedAtMs: number | null;
}

/** What a service does about its supply; a place is named once for each replica. */
export interface SupplyPlan {
  readonly add: readonly string[];
  readonly dropStarting: readonly string[];
  readonly dropReady: readonly string[];
  /** Of replicas that nobody takes back: fewer than this are too few, more than that too many. */
  readonly reliable: { readonly atLeast: number; readonly atMost: number };
  /** Interruptible ones that are wanted and that nobody has to give. */
  readonly missing: number;
}

/** The price of an hour with a start-up of `changeoverMs`, paid and idle, once in every `residualMs`. */
export function rateWithStart(perHour: number, changeoverMs: number, residualMs: number): number {
  return perHour * (1 + changeoverMs / Math.max(1, residualMs));
}

/** What is known of the losses of a service so far. */
export interface LossRecord {
  /** One for each interruptible replica that was taken back, in any order. */
  readonly lossesAtMs: readonly number[];
  /** Since when there was something to lose. */
  readonly sinceMs: number;
  readonly nowMs: number;
  /** How long it takes until a lost replica is replaced. */
  readonly changeoverMs: number;
}

/**
 * The least extra, 0 to `MOST_EXTRA`, with which the target would have been missed in no more than the share of time that is
 * allowed: that in which more replicas than the extra had been lost within the last changeover. While little has been seen,
 * the extra that was wished for decides.
 */
export function extraFor(record: LossRecord, wished: number, availabilityBps: number): number {
  const { lossesAtMs, nowMs, changeoverMs } = record;
  const fromMs = Math.max(record.sinceMs, nowMs - LOSS_MEMORY_MS);
  const spans = lossesAtMs
    .filter((atMs) => atMs >= fromMs && atMs < nowMs)
    .map((atMs) => [atMs, Math.min(nowMs, atMs + changeoverMs)] as const);
  const timeAbove = timeAboveDepths(spans);
  const allowed = 1 - availabilityBps / BPS;
  const seenMs = Math.max(0, nowMs - fromMs) + WISH_WORTH_MS;
  for (let extra = 0; extra < MOST_EXTRA; extra += 1) {
    // The wish counts as half a day in which less than it was missed twice as often as is allowed, and more never.
    const wishMs = extra < wished ? 2 * allowed * WISH_WORTH_MS : 0;
    const missedMs = (timeAbove[extra] ?? 0) + wishMs;
    if (missedMs <= allowed * seenMs && extra >= (allowed === 0 ? wished : 0)) return extra;
  }
  return MOST_EXTRA;
}

/** For each depth below `MOST_EXTRA`, the time in which more than so many of the spans overlap. */
function timeAboveDepths(spans: readonly (readonly [number, number])[]): readonly number[] {
  const edges = spans
    .flatMap(([fromMs, toMs]) => [
      { atMs: fromMs, by: 1 },
      { atMs: toMs, by: -1 },
    ])
    .sort((a, b) => a.atMs - b.atMs);
  const above = Array.from({ length: MOST_EXTRA }, () => 0);
  let depth = 0;
  let sinceMs = 0;
  for (const { atMs, by } of edges) {
    for (let extra = 0; extra < Math.min(depth, MOST_EXTRA); extra += 1)
      above[extra] = (above[extra] ?? 0) + atMs - sinceMs;
    depth += by;
    sinceMs = atMs;
  }
  return above;
}

/**
 * Where a service's interruptible replicas should be, and how many it needs that nobody takes back. Target and extra go to the
 * cheapest places. What is held counts at its price; what would be new counts at its price with its start-up, once more for every
 * loss of its domain within the last day. So replicas move to where it is cheaper only when that pays, and hardly ever leave steady
 * supply for a flaky one. Domains that had a loss rest and keep what they have. What is not wanted any more goes when as many as
 * are wanted are ready. Reliable supply is asked for only where ready and starting ones together are fewer than the target, and
 * kept until ready ones replace it.
 */
export function planSupply(
  { target, extra }: Replicas,
  places: readonly SupplyPlace[],
  reliablePerHour: number,
  nowMs: number,
): SupplyPlan {
  const wanted = target + extra;
  const keep = cheapestPlaces(wanted, places, reliablePerHour, nowMs);
  const kept = [...keep.values()].reduce((all, one) => all + one, 0);
  const add: string[] = [];
  const dropStarting: string[] = [];
  const droppable: SupplyPlace[] = [];
  for (const place of places) {
    const excess = place.ready + place.starting - (keep.get(place.id) ?? 0);
    for (let more = excess; more < 0; more += 1) add.push(place.id);
    const early = Math.min(Math.max(0, excess), place.starting);
    for (let less = 0; less < early; less += 1) dropStarting.push(place.id);
    for (let less = early; less < excess; less += 1) droppable.push(place);
  }
  const ready = places.reduce((all, one) => all + one.ready, 0);
  const held = ready + places.reduce((all, { starting }) => all + starting, 0);
  const spare = Math.max(0, ready - wanted);
  const dearestFirst = droppable.sort((a, b) => b.perHour - a.perHour);
  const atLeast = Math.max(0, target - (held + add.length - dropStarting.length));
  return {
    add: byNewPrice(add, places),
    dropStarting,
    dropReady: dearestFirst.slice(0, spare).map(({ id }) => id),
    reliable: { atLeast, atMost: Math.max(atLeast, Math.min(target, target - ready)) },
    missing: Math.max(0, wanted - kept),
  };
}

/** How many each place should have. */
function cheapestPlaces(
  wanted: number,
  places: readonly SupplyPlace[],
  reliablePerHour: number,
  nowMs: number,
): ReadonlyMap<string, number> {
  const lots = places
    .flatMap(({ id, ready, starting, perHour, newPerHour, room, ...place }) => {
      const caution = 1 + recentLosses(place.lossesAtMs, nowMs);
      const mayGrow = newPerHour < reliablePerHour && !isResting(place, nowMs);
      return [
        { id, perHour, count: ready + starting },
        { id, perHour: newPerHour * caution, count: mayGrow ? room : 0 },
      ];
    })
    .sort((a, b) => a.perHour - b.perHour || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const keep = new Map<string, number>();
  let left = wanted;
  for (const { id, count } of lots) {
    const taken = Math.min(left, count);
    keep.set(id, (keep.get(id) ?? 0) + taken);
    left -= taken;
  }
  return keep;
}

/** Whether a failure domain is to be given no more for now. */
export function isResting(
  { lossesAtMs, refusedAtMs }: Pick<SupplyPlace, 'lossesAtMs' | 'refusedAtMs'>,
  nowMs: number,
): boolean {
  const lastMs = Math.max(lossesAtMs.at(-1) ?? -Infinity, refusedAtMs ?? -Infinity);
  const restMs = REST_PER_LOSS_MS * Math.max(1, recentLosses(lossesAtMs, nowMs));
  return nowMs - lastMs < Math.min(REST_MEMORY_MS, restMs);
}

/** How often replicas were taken back within the last day; what goes together counts once. */
function recentLosses(lossesAtMs: readonly number[], nowMs: number): number {
  return lossesAtMs.filter(
    (atMs, index) =>
      nowMs - atMs < REST_MEMORY_MS && atMs - (lossesAtMs[index - 1] ?? -Infinity) > SAME_LOSS_MS,
  ).length;
}

function byNewPrice(ids: readonly string[], places: readonly SupplyPlace[]): readonly string[] {
  const price = new Map(places.map(({ id, newPerHour }) => [id, newPerHour]));
  return [...ids].sort((a, b) => (price.get(a) ?? 0) - (price.get(b) ?? 0));
}
