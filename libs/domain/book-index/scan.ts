import { lastingIn, onlyLastingIn, reasonsIn } from './reasons';
import { Shortlist } from './selection';
import type { Suspended } from './suspended';
import type { SummaryLimits } from '../explain';

/** The offers that one reason alone keeps out for good, by position. */
export interface Alone {
  offers: number;
  offersNow: number;
  /** The cheapest that is free but for that reason, or else the cheapest of all. */
  cheapest: number;
}

/** What one look at the reasons against every offer tells. */
export interface Scan {
  readonly rejectedCount: number;
  readonly passingCount: number;
  readonly nearest: readonly number[];
  readonly awaited: readonly number[];
  readonly awaitedUntilMs: number | null;
  /** By number of the reason. */
  readonly alone: ReadonlyMap<number, Alone>;
}

/** Looks at all offers once, in the order of their prices. */
export function scan(packed: Int32Array, suspended: Suspended | null, limits: SummaryLimits): Scan {
  const nearest = new Shortlist(limits.nearestMisses);
  const awaited = new Shortlist(limits.awaited);
  const alone: Alone[] = [];
  let rejectedCount = 0;
  let passingCount = 0;
  let untilMs = Infinity;
  for (let at = 0; at < packed.length; at += 1) {
    const reasons = packed[at] ?? 0;
    if (reasons === 0) continue;
    const total = reasonsIn(reasons);
    const lasting = lastingIn(reasons);
    rejectedCount += 1;
    nearest.add(total, at);
    if (lasting === 1) note(alone, onlyLastingIn(reasons), total === 1, at);
    if (lasting > 0) continue;
    passingCount += 1;
    if (suspended === null) awaited.add(total, at);
    else if (!suspended.forJob.has(at)) {
      awaited.add(total, at);
      untilMs = Math.min(untilMs, suspended.untilMs(at) ?? Infinity);
    }
  }
  return {
    rejectedCount,
    passingCount,
    nearest: nearest.first(),
    awaited: awaited.first(),
    awaitedUntilMs: untilMs === Infinity ? null : untilMs,
    alone: new Map(alone.entries()),
  };
}

function note(alone: Alone[], number: number, isFree: boolean, at: number): void {
  const known = alone[number];
  if (known === undefined) {
    alone[number] = { offers: 1, offersNow: isFree ? 1 : 0, cheapest: at };
    return;
  }
  known.offers += 1;
  if (!isFree) return;
  if (known.offersNow === 0) known.cheapest = at;
  known.offersNow += 1;
}
