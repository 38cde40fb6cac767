import type { RankedOffer } from '../decision';
import { reliabilityOf } from '../health';
import { constantTable } from '../health/lifetimes';
import { MICROS_PER_USD, MS_PER_HOUR } from '../money';
import type { Offer } from '../offer';
import type { HeldLease, ReconsiderationView } from '../reconsideration-view';
import { choosePlacement, type Place, type PlacementChoice } from './choose-placement';
import { marketTables } from './learned-market';
import { poolNow, poolsOf, type Supply, type SupplyNow } from './market';
import { QUICK_PLAN, solveValueTable } from './value-table';

/** The cheapest interruptible offers that one plan looks at. */
const MOST_SUPPLIES = 6;
/** A launch takes this long at least, so that a plan's steps are not smaller than what it decides about. */
const LEAST_CHANGEOVER_MS = 60_000;

/**
 * The placement that the job's remaining work is expected to cost least with, moves and waits to come included, and from which the
 * deadline can still be kept when the market does its worst until the next look. Null where there is nothing to plan: without a
 * deadline or a reliable offer, for work that may not be interrupted or would start over, for gangs and services.
 */
export function planPlacement(view: ReconsiderationView, lookMs: number): PlacementChoice | null {
  const { job, ranked, held, leftMs, nowMs } = view;
  const { spec, deadlineAtMs } = job;
  const [lease] = held;
  const reliable = ranked.find(({ offer }) => !offer.interruptible);
  if (deadlineAtMs === null || reliable === undefined || held.length > 1) return null;
  if (!spec.interruptible || spec.checkpoint === null || spec.nodes > 1 || spec.replicas !== null)
    return null;
  const workLeftMs = lease?.leftMs ?? leftMs;
  if (workLeftMs <= 0 || nowMs + workLeftMs >= deadlineAtMs) return null;
  const supplies = suppliesIn(view);
  if (supplies.length === 0) return null;
  const changeoverMs = Math.max(
    LEAST_CHANGEOVER_MS,
    reliabilityOf(reliable.offer, view.health).startupMs,
  );
  const table = solveValueTable(poolsOf(supplies.map(({ supply }) => supply)), {
    workMs: workLeftMs,
    slackMs: Math.max(0, deadlineAtMs - nowMs - workLeftMs),
    changeoverMs,
    reliableUsdPerHour: usdPerHourOf(reliable, workLeftMs),
    leaveReliableUsd: egressUsd(reliable.offer, view),
    waitingUsdPerHour: view.preferences.waitingCostPerHour / MICROS_PER_USD,
    size: QUICK_PLAN,
  });
  const ages = new Map(supplies.map(({ supply, ageMs }) => [supply.id, ageMs]));
  const missing = new Set(supplies.flatMap((one) => (one.isAvailable ? [] : [one.supply.id])));
  const now = (id: string): SupplyNow => ({
    isAvailable: !missing.has(id),
    ageMs: ages.get(id) ?? 0,
  });
  return choosePlacement(table, {
    workLeftMs,
    remainingMs: deadlineAtMs - nowMs,
    place: placeOf(lease),
    isFromReliable: lease !== undefined && !lease.offer.interruptible,
    changeoverLeftMs: lease === undefined || lease.startedAtMs !== null ? 0 : changeoverMs,
    supply: now,
    pool: (index) => poolNow((table.pools[index]?.members ?? []).map(({ id }) => now(id))),
    moveUsd: () => (lease === undefined ? 0 : egressUsd(lease.offer, view)),
    lookMs,
  });
}

interface AgedSupply extends SupplyNow {
  readonly supply: Supply;
}

/** What can be had now and what may come back, the lease that is held first: of others nobody knows since when they are there. */
function suppliesIn(view: ReconsiderationView): readonly AgedSupply[] {
  const { ranked, held } = view;
  const [lease] = held;
  const heldId = lease?.offer.id;
  const others = ranked
    .filter(({ offer }) => offer.interruptible && offer.id !== heldId)
    .slice(0, MOST_SUPPLIES)
    .map((one) => ({
      supply: supplyOf(view, one.offer, usdPerHourOf(one, view.leftMs)),
      isAvailable: true,
      ageMs: ESTABLISHED_MS,
    }));
  const all = [...others, ...awaitedIn(view)].slice(0, MOST_SUPPLIES);
  if (lease === undefined || !lease.offer.interruptible) return all;
  const supply = supplyOf(view, lease.offer, lease.pricePerHour / MICROS_PER_USD);
  return [{ supply, isAvailable: true, ageMs: lease.ageMs }, ...all];
}

/** What may come back. Of its reliability nothing is at hand but what is assumed of supply that nobody has watched. */
function awaitedIn({ awaitedPrices, held }: ReconsiderationView): readonly AgedSupply[] {
  const unwatched = marketTables([]);
  return awaitedPrices
    .filter(({ offerId }) => held.every(({ offer }) => offer.id !== offerId))
    .map(({ offerId, pricePerHour }) => ({
      supply: {
        id: offerId,
        usdPerHour: pricePerHour / MICROS_PER_USD,
        arrivalUsd: 0,
        upTimes: unwatched.up,
        outages: unwatched.down,
      },
      isAvailable: false,
      ageMs: ESTABLISHED_MS,
    }));
}

/** An offer in the book has been there for a while; a fresh one would count as younger than it is. */
const ESTABLISHED_MS = MS_PER_HOUR;

function supplyOf(view: ReconsiderationView, offer: Offer, usdPerHour: number): Supply {
  const { lifetimes, recoveryWaitMs } = reliabilityOf(offer, view.health);
  return {
    id: offer.id,
    usdPerHour,
    arrivalUsd: 0,
    upTimes: lifetimes,
    outages: constantTable(MS_PER_HOUR / Math.max(LEAST_CHANGEOVER_MS, recoveryWaitMs)),
  };
}

/** The run and what is paid on top of it for as long as it runs, dollars per hour of work. */
function usdPerHourOf({ terms, offer }: RankedOffer, workMs: number): number {
  const listUsd = offer.pricePerHour / MICROS_PER_USD;
  const surcharge = terms['token-risk'] + terms.verification;
  return listUsd + (surcharge / MICROS_PER_USD) * (MS_PER_HOUR / Math.max(1, workMs));
}

/** What the checkpoint costs to take away from an offer, dollars. */
function egressUsd(offer: Offer, { job }: ReconsiderationView): number {
  return (offer.egressPerGb * (job.spec.checkpoint?.sizeGb ?? 0)) / MICROS_PER_USD;
}

function placeOf(lease: HeldLease | undefined): Place {
  if (lease === undefined) return { at: 'nowhere' };
  return lease.offer.interruptible ? { at: 'supply', id: lease.offer.id } : { at: 'reliable' };
}
