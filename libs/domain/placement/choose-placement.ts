import { chanceToLast } from '../health/lifetimes';
import { MS_PER_HOUR } from '../money';
import type { Pool, Supply, SupplyNow } from './market';
import { UNAFFORDABLE_USD, type ValueTable } from './value-table';

/** Where a job may be: at an interruptible offer, at the reliable one, or nowhere. */
export type Place =
  | { readonly at: 'nowhere' }
  | { readonly at: 'reliable' }
  | { readonly at: 'supply'; readonly id: string };

/** The job and the market at one look. */
export interface PlacementState {
  /** More than 0, ms. */
  readonly workLeftMs: number;
  /** Until the deadline, ms; Infinity without one. */
  readonly remainingMs: number;
  readonly place: Place;
  /** Nowhere, with the checkpoint still at the reliable offer. */
  readonly isFromReliable: boolean;
  /** What is left of the launch under way, ms; 0 once it works. */
  readonly changeoverLeftMs: number;
  /** Of every member of every pool. */
  readonly supply: (id: string) => SupplyNow;
  /** Of a pool as a whole: up while any member is. */
  readonly pool: (index: number) => SupplyNow;
  /** What moving there costs besides the launch, dollars: checkpoints that leave a place that charges for it. */
  readonly moveUsd: (to: Place) => number;
  /** Until the next look, ms. Whatever happens in between, the deadline must still be in reach then. */
  readonly lookMs: number;
}

export interface PlacementOption {
  readonly place: Place;
  /** Expected dollars to finish from here, this choice first and the best ones after it. */
  readonly expectedUsd: number;
}

export interface PlacementChoice extends PlacementOption {
  /** Only the reliable offer can still keep the deadline for sure. */
  readonly isForced: boolean;
  /** Every choice there was that keeps the deadline in reach, best first. */
  readonly options: readonly PlacementOption[];
}

/**
 * The cheapest choice from which the deadline can still be kept whatever the market does until the next look. Staying wins
 * near ties, so that nothing moves for nothing. Where no choice can keep it, the reliable offer.
 */
export function choosePlacement(table: ValueTable, state: PlacementState): PlacementChoice {
  const market = table.marketState(
    table.pools.map((_, index) => {
      const { isAvailable, ageMs } = state.pool(index);
      return { isUp: isAvailable, ageMs };
    }),
  );
  const options = placesNow(table, state)
    .filter((place) => keepsDeadline(table, state, place))
    .map((place) => ({ place, expectedUsd: expectedUsd(table, state, market, place) }))
    .sort((a, b) => a.expectedUsd - b.expectedUsd);
  const [best] = options;
  if (best === undefined)
    return { place: RELIABLE, expectedUsd: UNAFFORDABLE_USD, isForced: true, options };
  const stay = options.find(({ place }) => isSame(place, state.place));
  const isWorth =
    stay === undefined || stay.expectedUsd - best.expectedUsd > leastGainUsd(table, state);
  const chosen = isWorth ? best : stay;
  const isForced = options.every(({ place }) => place.at === 'reliable');
  return { ...chosen, isForced, options };
}

/** What the plan does not know is worth this share of a changeover at the reliable offer's rate: less is no reason to move. */
const LEAST_GAIN_CHANGEOVERS = 0.3;
/** For one that waits, a micro-dollar is. */
const TIE_USD = 1e-6;

function leastGainUsd({ terms }: ValueTable, { place }: PlacementState): number {
  if (place.at === 'nowhere' || !Number.isFinite(terms.reliableUsdPerHour)) return TIE_USD;
  const changeoverUsd = (terms.reliableUsdPerHour * terms.changeoverMs) / MS_PER_HOUR;
  return LEAST_GAIN_CHANGEOVERS * changeoverUsd;
}

const NOWHERE: Place = { at: 'nowhere' };
const RELIABLE: Place = { at: 'reliable' };

export function isSame(a: Place, b: Place): boolean {
  return a.at === b.at && (a.at !== 'supply' || b.at !== 'supply' || a.id === b.id);
}

function placesNow({ pools, terms }: ValueTable, { supply }: PlacementState): readonly Place[] {
  const available = pools.flatMap(({ members }) =>
    members
      .filter(({ id }) => supply(id).isAvailable)
      .map(({ id }): Place => ({ at: 'supply', id })),
  );
  const reliable = Number.isFinite(terms.reliableUsdPerHour) ? [RELIABLE] : [];
  return [NOWHERE, ...available, ...reliable];
}

/** Whether the reliable offer can still make it at the next look if the place is lost until then. Counted in whole looks. */
function keepsDeadline({ terms }: ValueTable, state: PlacementState, place: Place): boolean {
  const { lookMs, remainingMs, workLeftMs } = state;
  if (remainingMs === Infinity || !Number.isFinite(terms.reliableUsdPerHour)) return true;
  const launchMs = launchOf(terms.changeoverMs, state, place);
  const doneMs = place.at === 'nowhere' ? 0 : Math.max(0, lookMs - launchMs);
  const leftMs = workLeftMs - doneMs;
  if (leftMs <= 0) return true;
  const reserveMs = place.at === 'reliable' ? Math.max(0, launchMs - lookMs) : terms.changeoverMs;
  const looksNeeded = Math.ceil((leftMs + reserveMs) / lookMs - 1e-9);
  return looksNeeded <= Math.floor(remainingMs / lookMs + 1e-9) - 1;
}

/** How much of the next stretch is a launch, ms. */
function launchOf(changeoverMs: number, state: PlacementState, place: Place): number {
  if (place.at === 'nowhere') return 0;
  return isSame(place, state.place) ? state.changeoverLeftMs : changeoverMs;
}

function expectedUsd(
  table: ValueTable,
  state: PlacementState,
  market: number,
  place: Place,
): number {
  const { terms, stepMs } = table;
  const { workLeftMs } = state;
  const slackMs = state.remainingMs - workLeftMs;
  if (place.at === 'nowhere') {
    const waitUsd = (terms.waitingUsdPerHour * terms.changeoverMs) / MS_PER_HOUR;
    const mode =
      state.place.at === 'reliable' || state.isFromReliable ? 'idle-from-reliable' : 'idle';
    return waitUsd + table.afterWait(workLeftMs, slackMs - terms.changeoverMs, market, mode);
  }
  const launchMs = launchOf(terms.changeoverMs, state, place);
  const member = place.at === 'supply' ? memberOf(table.pools, place.id) : null;
  const usdPerHour =
    (member?.supply.usdPerHour ?? terms.reliableUsdPerHour) + terms.waitingUsdPerHour;
  const moveUsd = isSame(place, state.place) ? 0 : state.moveUsd(place);
  const leftMs = workLeftMs - (stepMs - launchMs);
  if (leftMs <= 0) return moveUsd + (usdPerHour * (workLeftMs + launchMs)) / MS_PER_HOUR;
  const laterMs = slackMs - launchMs;
  const laterUsd =
    member === null
      ? table.after(leftMs, laterMs, market, 'reliable')
      : afterMember(table, state, market, member, leftMs, laterMs);
  return moveUsd + (usdPerHour * stepMs) / MS_PER_HOUR + laterUsd;
}

interface Member {
  readonly supply: Supply;
  readonly pool: Pool;
  readonly index: number;
}

function memberOf(pools: readonly Pool[], id: string): Member | null {
  for (const [index, pool] of pools.entries()) {
    const supply = pool.members.find((member) => member.id === id);
    if (supply !== undefined) return { supply, pool, index };
  }
  return null;
}

/**
 * The table knows a pool's average member. This one lasts as its own age says, and its price holds as long as it is likely to be
 * kept, which is where members of one pool differ.
 */
function afterMember(
  table: ValueTable,
  state: PlacementState,
  market: number,
  { supply, pool, index }: Member,
  leftMs: number,
  slackMs: number,
): number {
  const inPool = table.after(leftMs, slackMs, market, index);
  if (pool.members.length === 1) return inPool;
  const lost = table.after(leftMs, slackMs, market, 'idle');
  const { ageMs } = state.supply(supply.id);
  const lasts = chanceToLast(supply.upTimes, ageMs, table.stepMs);
  const averageLasts = Math.exp((-pool.lossesPerHour * table.stepMs) / MS_PER_HOUR);
  const kept = Math.min(lost, (inPool - (1 - averageLasts) * lost) / averageLasts);
  const goneMs = leftMs * (1 - chanceToLast(supply.upTimes, ageMs, leftMs));
  const heldHours = Math.min(leftMs, Math.max(0, leftMs - goneMs / 2)) / MS_PER_HOUR;
  return lasts * kept + (1 - lasts) * lost + (supply.usdPerHour - pool.usdPerHour) * heldHours;
}
