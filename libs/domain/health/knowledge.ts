import type { Attempt } from '../attempt';
import type { Offer } from '../offer';
import {
  DEFAULT_HALF_LIFE_MS,
  addLifetimes,
  decayFactor,
  noLifetimes,
  scaledLifetimes,
  withStretch,
  type LifetimeCounts,
} from './lifetimes';
import { addWaits, noWaits, scaledWaits, withWait, type WaitCounts } from './waits';

/**
 * What has been measured of one level of supply (a provider, a market of it, a region, a kind of machine, a host), as sums that
 * add up and fade: half of their weight is gone after a half-life. Zero samples mean not measured, which is not the same as a
 * measured zero. Bounded in size whatever was learned.
 */
export interface Knowledge {
  /** The moment as of which the evidence is weighted, epoch ms. */
  readonly asOfMs: number;
  /** Up-times of workloads on leases; our own releases end the watching and not the life. */
  readonly leases: LifetimeCounts;
  /** From acquire to a running workload; starts that were given up count as longer. */
  readonly starts: WaitCounts;
  /** Leases that were lost, or given up, before anything ran. */
  readonly startFailures: number;
  /** From a loss to the job's next lease, wherever that was. */
  readonly recoveries: WaitCounts;
  /** Times that a lease was asked for, and how often the answer was no. */
  readonly requests: number;
  readonly refusals: number;
  /** Leases of which something said about the offer could be checked, and how many proved it wrong. */
  readonly checks: number;
  readonly lies: number;
  /** Losses that were announced, and the time between notice and loss, ms, all together. */
  readonly notices: number;
  readonly noticeMs: number;
  /** For each loss, the leases beside it in its failure domain, and how many of them were lost in the same window. */
  readonly companions: number;
  readonly fellTogether: number;
  /** Calls of the provider's API, and how many got no answer. */
  readonly calls: number;
  readonly unanswered: number;
}

/** Knowledge by level; see `healthKeysOf` and `failureDomainKey`. Absent means not measured. */
export type HealthSnapshot = Readonly<Record<string, Knowledge>>;

/** The counters that knowledge grew out of: sums without ages. Still read where they were stored. */
export interface HealthCounters {
  readonly leaseMs: number;
  readonly interruptions: number;
  readonly starts: number;
  readonly startMsTotal: number;
  readonly startFailures: number;
}

type Sums = Omit<Knowledge, 'asOfMs' | 'leases' | 'starts' | 'recoveries'>;

const noSums: Sums = {
  startFailures: 0,
  requests: 0,
  refusals: 0,
  checks: 0,
  lies: 0,
  notices: 0,
  noticeMs: 0,
  companions: 0,
  fellTogether: 0,
  calls: 0,
  unanswered: 0,
};

/** Nothing known, as of a moment. */
export function noKnowledge(asOfMs: number): Knowledge {
  return {
    asOfMs,
    leases: noLifetimes(),
    starts: noWaits(),
    recoveries: noWaits(),
    ...noSums,
  };
}

/** Knowledge as it weighs at a later moment; at an earlier one it is left as it is. */
export function decayed(
  knowledge: Knowledge,
  nowMs: number,
  halfLifeMs: number = DEFAULT_HALF_LIFE_MS,
): Knowledge {
  const factor = decayFactor(nowMs - knowledge.asOfMs, halfLifeMs);
  if (factor === 1) return knowledge;
  return {
    asOfMs: nowMs,
    leases: scaledLifetimes(knowledge.leases, factor),
    starts: scaledWaits(knowledge.starts, factor),
    recoveries: scaledWaits(knowledge.recoveries, factor),
    ...sumsOf((name) => knowledge[name] * factor),
  };
}

/** Both together, weighted as of the later moment. The order does not matter. */
export function addKnowledge(
  a: Knowledge,
  b: Knowledge,
  halfLifeMs: number = DEFAULT_HALF_LIFE_MS,
): Knowledge {
  const asOfMs = Math.max(a.asOfMs, b.asOfMs);
  const one = decayed(a, asOfMs, halfLifeMs);
  const other = decayed(b, asOfMs, halfLifeMs);
  return {
    asOfMs,
    leases: addLifetimes(one.leases, other.leases),
    starts: addWaits(one.starts, other.starts),
    recoveries: addWaits(one.recoveries, other.recoveries),
    ...sumsOf((name) => one[name] + other[name]),
  };
}

function sumsOf(value: (name: keyof Sums) => number): Sums {
  const names = Object.keys(noSums) as (keyof Sums)[];
  return Object.fromEntries(names.map((name) => [name, value(name)])) as unknown as Sums;
}

/** Counters without ages as knowledge: they tell of the rate and the mean, and nothing of the shape. */
export function knowledgeOf(counters: HealthCounters, asOfMs: number): Knowledge {
  const none = noKnowledge(asOfMs);
  return {
    ...none,
    leases: {
      ...none.leases,
      unagedExposureMs: counters.leaseMs,
      unagedEvents: counters.interruptions,
    },
    starts: { ...none.starts, totalMs: counters.startMsTotal, unbinned: counters.starts },
    startFailures: counters.startFailures,
    requests: counters.starts + counters.startFailures,
  };
}

/** Whether a stored value is knowledge, or still the counters that it grew out of. */
export function isKnowledge(stored: Knowledge | HealthCounters): stored is Knowledge {
  return 'leases' in stored;
}

type Place = Pick<Offer, 'providerId' | 'market' | 'region' | 'gpu' | 'hostId'>;

/** The key of a provider's market. */
export function healthKey({ providerId, market }: Pick<Offer, 'providerId' | 'market'>): string {
  return `${providerId}/${market}`;
}

/** What kind of machine an offer is, as far as its reliability goes: the GPUs, or that it has none. */
export function offerKindOf({ gpu }: Pick<Offer, 'gpu'>): string {
  return gpu === null ? 'cpu' : `${gpu.model}x${gpu.count}`;
}

/**
 * The levels that an offer belongs to, from the widest: provider, market, region, kind of machine, and the one host where the
 * offer names it. Each begins with the one before, so that the last tells all.
 */
export function healthKeysOf(offer: Place): readonly string[] {
  const market = healthKey(offer);
  const region = `${market}/${offer.region}`;
  const kind = `${region}/${offerKindOf(offer)}`;
  const keys = [offer.providerId, market, region, kind];
  return offer.hostId === null ? keys : [...keys, `${kind}/${offer.hostId}`];
}

/** The key of what is known of a failure domain, see `failureDomainOf`; it cannot be that of an offer's level. */
export function failureDomainKey(domain: string): string {
  return `domain:${domain}`;
}

/** Outcomes by which the provider took the lease back, or let it die; every other end is ours. */
const lostOutcomes: ReadonlySet<Attempt['outcome']> = new Set<Attempt['outcome']>([
  'interrupted',
  'went-silent',
]);

/** Whether supply was lost that had been in use. */
export function wasLost({ outcome, report }: Pick<Attempt, 'outcome' | 'report'>): boolean {
  return report.startedAtMs !== null && lostOutcomes.has(outcome);
}

/** When an attempt's workload was over, as well as it is known: its own word, else the last sign of life, else the bill. */
export function overAtMs({ outcome, report, billedToMs, phaseSinceMs }: Attempt): number {
  if (report.exit !== null) return report.exit.atMs;
  if (outcome === 'went-silent' && report.heartbeatAtMs !== null) return report.heartbeatAtMs;
  return billedToMs ?? phaseSinceMs;
}

/** The provider charged more than it had quoted by this much, in basis points, which is a lie. */
export const PRICE_LIE_BPS = 50;

/** What one released attempt teaches about its offer's levels; null when it never asked for anything. */
export function lessonOf(attempt: Attempt): Knowledge | null {
  const { billedFromMs, outcome } = attempt;
  const refused = outcome === 'refused';
  if (billedFromMs === null && !refused) return null;
  const none = noKnowledge(overAtMs(attempt));
  const asked = { ...none, requests: 1, refusals: refused ? 1 : 0 };
  if (billedFromMs === null || refused) return asked;
  return { ...asked, ...startLesson(attempt, billedFromMs, none), ...honestyOf(attempt) };
}

function startLesson(
  attempt: Attempt,
  billedFromMs: number,
  none: Knowledge,
): Pick<Knowledge, 'leases' | 'starts' | 'startFailures' | 'notices' | 'noticeMs'> {
  const { outcome, report, noticeAtMs } = attempt;
  const endMs = overAtMs(attempt);
  const { startedAtMs } = report;
  if (startedAtMs === null) {
    const failed = lostOutcomes.has(outcome) || outcome === 'start-timeout';
    const starts = withWait(none.starts, endMs - billedFromMs, 'given-up');
    return { leases: none.leases, starts, startFailures: failed ? 1 : 0, notices: 0, noticeMs: 0 };
  }
  const lost = wasLost(attempt);
  const toAgeMs = Math.max(0, endMs - startedAtMs);
  const noticed = lost && noticeAtMs !== null;
  return {
    leases: withStretch(none.leases, { fromAgeMs: 0, toAgeMs, ended: lost, aged: true }),
    starts: withWait(none.starts, startedAtMs - billedFromMs, 'ended'),
    startFailures: 0,
    notices: noticed ? 1 : 0,
    noticeMs: noticed ? Math.max(0, endMs - noticeAtMs) : 0,
  };
}

function honestyOf({ observedPricePerHour, offer }: Attempt): Pick<Knowledge, 'checks' | 'lies'> {
  if (observedPricePerHour === null) return { checks: 0, lies: 0 };
  const tolerated = offer.pricePerHour * (10_000 + PRICE_LIE_BPS);
  return { checks: 1, lies: observedPricePerHour * 10_000 > tolerated ? 1 : 0 };
}

/**
 * What the attempt after a loss teaches about where the loss was: how long new capacity took. Null when the one before was not
 * lost, or this one was not about its recovery.
 */
export function recoveryLessonOf(lost: Attempt, next: Attempt): Knowledge | null {
  if (!wasLost(lost) || next.billedFromMs === null) return null;
  const none = noKnowledge(next.billedFromMs);
  const waitedMs = next.billedFromMs - overAtMs(lost);
  const outcome = next.outcome === 'refused' ? 'given-up' : 'ended';
  return { ...none, recoveries: withWait(none.recoveries, waitedMs, outcome) };
}

/** Losses in one failure domain within this time of each other count as one event with a common cause. */
export const COMMON_CAUSE_WINDOW_MS = 600_000;

/**
 * What a loss teaches about its failure domain: of the leases beside it, how many fell in the same window. One that we ended
 * ourselves around then tells nothing. Known only once the window is over.
 */
export function togetherLessonOf(lost: Attempt, beside: readonly Attempt[]): Knowledge {
  const lostAtMs = overAtMs(lost);
  const others = beside.filter(
    ({ id, report }) => id !== lost.id && (report.startedAtMs ?? Infinity) <= lostAtMs,
  );
  const fell = others.filter(
    (other) => wasLost(other) && Math.abs(overAtMs(other) - lostAtMs) <= COMMON_CAUSE_WINDOW_MS,
  );
  const stood = others.filter(
    (other) => !isOver(other) || overAtMs(other) > lostAtMs + COMMON_CAUSE_WINDOW_MS,
  );
  return {
    ...noKnowledge(lostAtMs),
    companions: fell.length + stood.length,
    fellTogether: fell.length,
  };
}

function isOver({ phase, report, billedToMs }: Attempt): boolean {
  return phase === 'released' || report.exit !== null || billedToMs !== null;
}

/** What calls of a provider's API came to. */
export function callLessonOf(calls: number, unanswered: number, atMs: number): Knowledge {
  return { ...noKnowledge(atMs), calls, unanswered };
}
