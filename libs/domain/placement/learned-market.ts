import { constantTable, type LifetimeTable } from '../health/lifetimes';
import { pooledSupply, supplyTables, type SupplyState } from '../health/supply';
import type { Supply } from './market';

/** Interruptible supply of which nothing is known: hours between losses, and an hour or two until it is back. */
const ASSUMED_LOSSES_PER_HOUR = 0.12;
const ASSUMED_RETURNS_PER_HOUR = 0.7;
/** How many hours of looking at the whole market those assumptions are worth, and the market's record to one offer. */
const ASSUMPTION_WORTH_HOURS = 10;
const MARKET_WORTH_HOURS = 6;

/** What is known of one offer that comes and goes. */
export interface WatchedSupply {
  readonly id: string;
  /** See `Supply`. */
  readonly usdPerHour: number;
  readonly arrivalUsd: number;
  /** Null when it was never looked at. */
  readonly watched: Pick<SupplyState, 'up' | 'down'> | null;
}

/** How long supply of a market lasts and stays away, before anything is known of one offer of it. */
export interface MarketTables {
  readonly up: LifetimeTable;
  readonly down: LifetimeTable;
}

/** All offers' records together, shrunk towards what is assumed of supply that nobody has watched. */
export function marketTables(watched: readonly Pick<SupplyState, 'up' | 'down'>[]): MarketTables {
  const assumed = {
    up: constantTable(ASSUMED_LOSSES_PER_HOUR),
    down: constantTable(ASSUMED_RETURNS_PER_HOUR),
  };
  return supplyTables(pooledSupply(watched), assumed, ASSUMPTION_WORTH_HOURS);
}

/** Each offer with its own record, shrunk towards the market's: what the few looks at one leave open, the others tell. */
export function suppliesOf(
  offers: readonly WatchedSupply[],
  market: MarketTables,
): readonly Supply[] {
  return offers.map(({ watched, ...offer }) => {
    const tables = watched === null ? market : supplyTables(watched, market, MARKET_WORTH_HOURS);
    return { ...offer, upTimes: tables.up, outages: tables.down };
  });
}
