import {
  averageHazardPerHour,
  constantTable,
  residualLifeMs,
  type LifetimeTable,
} from '../health/lifetimes';
import { MS_PER_HOUR } from '../money';

/**
 * The market as a placement plan sees it: interruptible supply that comes and goes, gathered into a few pools of like price, and
 * one reliable offer to fall back on. Prices are plain dollars per hour: they rank placements and are never booked.
 */

/** More pools than these are merged: the plan's table grows with the product of their states. */
export const MAX_POOLS = 3;
/** Supply whose price is within this ratio of the next cheaper one is the same pool to a plan. */
const SAME_PRICE_RATIO = 1.15;
/** How far ahead up-times and outages are averaged; nobody plans on a market beyond this. */
const HORIZON_MS = 7 * 24 * MS_PER_HOUR;
/** The age at which supply counts as established, and the run that its loss rate is averaged over. */
const ESTABLISHED_MS = MS_PER_HOUR / 2;
const TYPICAL_RUN_MS = 4 * MS_PER_HOUR;
/** Even offers of strangers fail together sometimes: the least chance that nothing else is left when one goes. */
const COMMON_CAUSE = 0.02;

/** One interruptible offer: what it costs now, and how long it tends to last and to be away. */
export interface Supply {
  readonly id: string;
  /** Dollars per hour, everything that grows with the time included (token risk, verification). */
  readonly usdPerHour: number;
  /** What a launch there costs besides its time, dollars, on average over the places that the job may come from. */
  readonly arrivalUsd: number;
  readonly upTimes: LifetimeTable;
  readonly outages: LifetimeTable;
}

/** Whether an offer can be had now, and for how long that has been so. */
export interface SupplyNow {
  readonly isAvailable: boolean;
  readonly ageMs: number;
}

/** A pool is up while any member is, for as long as the one that has been longest; away since the last one went. */
export function poolNow(members: readonly SupplyNow[]): SupplyNow {
  const up = members.filter(({ isAvailable }) => isAvailable);
  const ages = (up.length > 0 ? up : members).map(({ ageMs }) => ageMs);
  return up.length > 0
    ? { isAvailable: true, ageMs: Math.max(...ages) }
    : { isAvailable: false, ageMs: ages.length === 0 ? 0 : Math.min(...ages) };
}

/** Offers of like price, of which any will do. Up while at least one of them can be had. */
export interface Pool {
  /** Cheapest first, then by id. */
  readonly members: readonly Supply[];
  /** What the cheapest member that can be had costs on average, dollars per hour. */
  readonly usdPerHour: number;
  /** What a launch costs besides its time, dollars. */
  readonly arrivalUsd: number;
  /** How often the member in use is lost while another can be had, per hour; 0 for a pool of one. */
  readonly lossesPerHour: number;
  readonly upTimes: LifetimeTable;
  readonly outages: LifetimeTable;
}

/** Gathers offers into at most `MAX_POOLS` pools along the largest gaps between their prices. */
export function poolsOf(supplies: readonly Supply[]): readonly Pool[] {
  const sorted = [...supplies].sort(byPriceThenId);
  const gaps = sorted
    .map((supply, at) => ({ at, ratio: supply.usdPerHour / (sorted[at - 1]?.usdPerHour ?? 0) }))
    .filter(({ at, ratio }) => at > 0 && ratio > SAME_PRICE_RATIO)
    .sort((a, b) => b.ratio - a.ratio || a.at - b.at)
    .slice(0, MAX_POOLS - 1)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  const starts = [0, ...gaps];
  return starts
    .map((from, index) => sorted.slice(from, starts[index + 1]))
    .filter((members) => members.length > 0)
    .map(poolOf);
}

/**
 * Which cheapest member is in use follows from how often each can be had. The pool is away while all are: whichever went last is
 * freshly away and comes back at its own hazard, the others have been away for as long as a look finds them so, which is one over
 * their residual life (renewal theory: the stationary age of an outage that goes on). So a long outage of all stays long.
 */
function poolOf(members: readonly Supply[]): Pool {
  const [only] = members;
  if (members.length === 1 && only !== undefined) {
    const { usdPerHour, arrivalUsd, upTimes, outages } = only;
    return { members, usdPerHour, arrivalUsd, lossesPerHour: 0, upTimes, outages };
  }
  let noneCheaper = 1;
  let usd = 0;
  let arrival = 0;
  let losses = 0;
  const uses = members.map(({ usdPerHour, arrivalUsd, upTimes, outages }) => {
    const upMs = residualLifeMs(upTimes, 0, HORIZON_MS);
    const downMs = residualLifeMs(outages, 0, HORIZON_MS);
    const inUse = noneCheaper * (upMs / (upMs + downMs));
    usd += inUse * usdPerHour;
    arrival += inUse * arrivalUsd;
    losses += inUse * averageHazardPerHour(upTimes, TYPICAL_RUN_MS, ESTABLISHED_MS);
    noneCheaper -= inUse;
    return inUse;
  });
  const anyShare = 1 - noneCheaper;
  const lossesPerHour = losses / anyShare;
  const outages = outageOfAll(
    members,
    uses.map((inUse) => inUse / anyShare),
  );
  const awayMs = residualLifeMs(outages, 0, HORIZON_MS);
  const awayPerHour = (noneCheaper / anyShare) * (MS_PER_HOUR / awayMs);
  return {
    members,
    usdPerHour: usd / anyShare,
    arrivalUsd: arrival / anyShare,
    lossesPerHour,
    upTimes: constantTable(Math.max(awayPerHour, COMMON_CAUSE * lossesPerHour)),
    outages,
  };
}

/** `lastShare`: how likely each member is the one that went last. */
function outageOfAll(members: readonly Supply[], lastShare: readonly number[]): LifetimeTable {
  const edgesMs = members[0]?.outages.edgesMs ?? [0];
  return {
    edgesMs,
    hazardPerHour: edgesMs.map((ageMs, bin) =>
      members.reduce((total, { outages }, index) => {
        const share = lastShare[index] ?? 0;
        const fresh = outages.hazardPerHour[bin] ?? 0;
        const settled = MS_PER_HOUR / residualLifeMs(outages, ageMs, HORIZON_MS);
        return total + share * fresh + (1 - share) * settled;
      }, 0),
    ),
  };
}

function byPriceThenId(a: Supply, b: Supply): number {
  return a.usdPerHour - b.usdPerHour || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
