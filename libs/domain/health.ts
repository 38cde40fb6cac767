import { standardised, type Counted } from './health/shrinkage';
import {
  decayed,
  failureDomainKey,
  healthKey,
  healthKeysOf,
  type HealthSnapshot,
  type Knowledge,
} from './health/knowledge';
import {
  averageHazardPerHour,
  constantTable,
  residualLifeMs,
  shrunkTable,
  tableOf,
  totalsOf,
  type LifetimeTable,
} from './health/lifetimes';
import { LIE_PSEUDO_CHECKS, liePriors, priors, refusalPriors } from './health/priors';
import { endedWaits, waitQuantileMs } from './health/waits';
import { MS_PER_HOUR } from './money';
import { markets, type Market, type Offer, type ProviderKind } from './offer';

export type { HealthSnapshot };

/** Reliability as decisions use it. */
export interface Reliability {
  /** Mean hazard over the first day of a lease; for a job's own length see `interruptionsPerHourOver`. */
  readonly interruptionsPerHour: number;
  /** Chance that a start fails, 0 to 1. */
  readonly startFailureChance: number;
  readonly startupMs: number;
  /** Mean wait for new capacity after a loss; not billed. */
  readonly recoveryWaitMs: number;
}

/** Reliability with what it was made from. Every estimate is shrunk; `measured` tells how much of it is evidence. */
export interface MeasuredReliability extends Reliability {
  /** Hazard by age of the workload; `residualLifeMs(lifetimes, ageMs)` is what it has left to live. */
  readonly lifetimes: LifetimeTable;
  /** By when all but one of a hundred starts have come up, ms; null while not measured, Infinity when longer than ever waited. */
  readonly startupP99Ms: number | null;
  /** Chance that something said about an offer proves wrong, 0 to 1. */
  readonly lieChance: number;
  /** Chance that asking for a lease is refused, 0 to 1. */
  readonly refusalChance: number;
  /** Weight of the evidence of the provider's market: hours under way and starts. Zero is not measured. */
  readonly measured: { readonly hours: number; readonly starts: number };
}

/** The pull of a provider's other markets, in events; and of every wider level on the one below it. */
const PROVIDER_PSEUDO_EVENTS = 5;
const LEVEL_PSEUDO_EVENTS = 2;
const LEVEL_PSEUDO_STARTS = 10;
/** What the assumed wait for new capacity is worth, in recoveries. */
const RECOVERY_PSEUDO_WAITS = 5;
/** A provider's other markets can at most multiply, or divide, what is assumed of one by this. */
const MAX_PROVIDER_RATIO = 10;
/** With fewer starts than this the hundredth slowest is a guess. */
export const MIN_STARTS_FOR_P99 = 20;
/** The run over which `interruptionsPerHour` is the mean. */
const REFERENCE_RUN_MS = 24 * MS_PER_HOUR;

/**
 * What `reliabilityOf` depends on besides the measurements: offers with the same key have the same reliability, so that it can
 * be worked out once for all of them.
 */
export function reliabilityKeyOf(
  offer: Pick<
    Offer,
    'providerId' | 'providerKind' | 'market' | 'region' | 'gpu' | 'hostId' | 'startupMs'
  >,
): string {
  return `${offer.providerKind}|${offer.startupMs}|${healthKeysOf(offer).at(-1) ?? ''}`;
}

/**
 * How reliable an offer is: from what is assumed of its kind through provider, market, region, kind of machine and host, each
 * level's measurements shrunk towards the level above, so that with little evidence the wider level speaks and with much the
 * narrow one does. Lifetimes keep their age (see `tableOf`). `nowMs` weighs the evidence as of then, and not as of when it came.
 */
export function reliabilityOf(
  offer: Offer,
  health: HealthSnapshot,
  nowMs: number | null = null,
): MeasuredReliability {
  const prior = priors[offer.providerKind][offer.market];
  const { provider, market, narrower } = levelsOf(offer, health, nowMs);
  const siblings = siblingsOf(offer, health, nowMs);
  const hazard = prior.interruptionsPerHour * hazardRatio(siblings, offer.providerKind);
  const failures = prior.startFailureChance * failureRatio(siblings, offer.providerKind);
  const lifetimes = lifetimesOf(constantTable(hazard), prior.hours, market, narrower);
  const levels = market === null ? narrower : [market, ...narrower];
  const count = (
    base: number,
    worth: number,
    of: (known: Knowledge) => Counted,
    from: readonly Knowledge[] = levels,
  ): number => standardised(base, worth, LEVEL_PSEUDO_STARTS, from.map(of));
  const wider = provider === null ? levels : [provider, ...levels];
  return {
    interruptionsPerHour: averageOver(lifetimes, REFERENCE_RUN_MS),
    startFailureChance: count(Math.min(0.5, failures), prior.starts, startsOf),
    startupMs: count(offer.startupMs, prior.starts, ({ starts }) => ({
      sum: starts.totalMs,
      of: endedWaits(starts),
    })),
    recoveryWaitMs: count(prior.recoveryWaitMs, RECOVERY_PSEUDO_WAITS, ({ recoveries }) => ({
      sum: recoveries.totalMs,
      of: endedWaits(recoveries),
    })),
    lifetimes,
    startupP99Ms: startupQuantileMs(wider, 0.99),
    lieChance: count(
      liePriors[offer.providerKind],
      LIE_PSEUDO_CHECKS,
      ({ lies, checks }) => ({ sum: lies, of: checks }),
      wider,
    ),
    refusalChance: count(refusalPriors[offer.market], prior.starts, ({ refusals, requests }) => ({
      sum: refusals,
      of: requests,
    })),
    measured: measuredOf(market),
  };
}

/**
 * The constant hazard that stands for a job of `workMs` there, per hour: the mean of the hazards by age over a run of that
 * length, each weighted by the chance that a lease comes to that age (`averageHazardPerHour`), so that a short job is charged
 * the risk of young leases and a long one that of old ones. Where no ages are known it is the rate.
 */
export function interruptionsPerHourOver(
  reliability: Reliability | MeasuredReliability,
  workMs: number,
): number {
  return 'lifetimes' in reliability
    ? averageOver(reliability.lifetimes, workMs)
    : reliability.interruptionsPerHour;
}

/** What a workload of that age has left to live there, ms, on average. */
export function residualLifeAt({ lifetimes }: MeasuredReliability, ageMs: number): number {
  return residualLifeMs(lifetimes, ageMs);
}

/** By when a share of starts has come up, ms, at the narrowest of these levels that has enough of them; null where none has. */
export function startupQuantileMs(levels: readonly Knowledge[], share: number): number | null {
  const known = levels.findLast(
    ({ starts }) => endedWaits(starts) - starts.unbinned >= MIN_STARTS_FOR_P99,
  );
  return known === undefined ? null : waitQuantileMs(known.starts, share);
}

/** Of the failures of a part, those that take a like part with them: the beta factor (NUREG/CR-4780 advises 0.1 unmeasured). */
const COMMON_CAUSE_PRIOR = 0.1;
const COMMON_CAUSE_PSEUDO_PAIRS = 10;

/**
 * The chance that another lease in a failure domain is lost when one is, 0 to 1: what two replicas there are worth. Measured as
 * the share of leases beside a lost one that fell in the same window, shrunk towards a tenth.
 */
export function commonCauseShare(
  domain: string,
  health: HealthSnapshot,
  nowMs: number | null = null,
): number {
  const known = at(health[failureDomainKey(domain)], nowMs);
  const levels = known === null ? [] : [{ sum: known.fellTogether, of: known.companions }];
  return standardised(COMMON_CAUSE_PRIOR, COMMON_CAUSE_PSEUDO_PAIRS, 0, levels);
}

interface Levels {
  readonly provider: Knowledge | null;
  readonly market: Knowledge | null;
  /** Region, kind and host, as far as anything is known. */
  readonly narrower: readonly Knowledge[];
}

function levelsOf(offer: Offer, health: HealthSnapshot, nowMs: number | null): Levels {
  const [provider = '', market = '', ...narrower] = healthKeysOf(offer);
  return {
    provider: at(health[provider], nowMs),
    market: at(health[market], nowMs),
    narrower: narrower.flatMap((key) => at(health[key], nowMs) ?? []),
  };
}

function at(known: Knowledge | undefined, nowMs: number | null): Knowledge | null {
  if (known === undefined) return null;
  return nowMs === null ? known : decayed(known, nowMs);
}

interface Sibling {
  readonly market: Market;
  readonly known: Knowledge;
}

/** What is known of all markets of the offer's provider. */
function siblingsOf(
  { providerId }: Offer,
  health: HealthSnapshot,
  nowMs: number | null,
): readonly Sibling[] {
  return markets.flatMap((market) => {
    const known = at(health[healthKey({ providerId, market })], nowMs);
    return known === null ? [] : [{ market, known }];
  });
}

/** Losses at all of a provider's markets over those assumed of them in the same time (indirect standardisation), shrunk. */
function hazardRatio(siblings: readonly Sibling[], kind: ProviderKind): number {
  const counted = siblings.map(({ market, known }) => {
    const { exposureMs, events } = totalsOf(known.leases);
    return {
      sum: events,
      of: (exposureMs / MS_PER_HOUR) * priors[kind][market].interruptionsPerHour,
    };
  });
  return ratioOf(counted);
}

function failureRatio(siblings: readonly Sibling[], kind: ProviderKind): number {
  return ratioOf(
    siblings.map(({ market, known }) => {
      const { sum, of } = startsOf(known);
      return { sum, of: of * priors[kind][market].startFailureChance };
    }),
  );
}

function ratioOf(counted: readonly Counted[]): number {
  if (counted.length === 0) return 1;
  const sum = counted.reduce((total, each) => total + each.sum, PROVIDER_PSEUDO_EVENTS);
  const of = counted.reduce((total, each) => total + each.of, PROVIDER_PSEUDO_EVENTS);
  return Math.min(MAX_PROVIDER_RATIO, Math.max(1 / MAX_PROVIDER_RATIO, sum / of));
}

function startsOf({ starts, startFailures }: Knowledge): Counted {
  return { sum: startFailures, of: endedWaits(starts) + startFailures };
}

function lifetimesOf(
  assumed: LifetimeTable,
  assumedHours: number,
  market: Knowledge | null,
  narrower: readonly Knowledge[],
): LifetimeTable {
  const ofMarket = market === null ? assumed : tableOf(market.leases, assumed, assumedHours);
  return narrower.reduce(
    (table, { leases }) => shrunkTable(leases, table, LEVEL_PSEUDO_EVENTS),
    ofMarket,
  );
}

function averageOver(table: LifetimeTable, forMs: number): number {
  const first = table.hazardPerHour[0] ?? 0;
  if (table.hazardPerHour.every((perHour) => perHour === first)) return first;
  return averageHazardPerHour(table, forMs);
}

function measuredOf(market: Knowledge | null): MeasuredReliability['measured'] {
  if (market === null) return { hours: 0, starts: 0 };
  return {
    hours: totalsOf(market.leases).exposureMs / MS_PER_HOUR,
    starts: endedWaits(market.starts),
  };
}
