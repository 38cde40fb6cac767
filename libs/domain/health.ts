import type { Attempt } from './attempt';
import { MS_PER_HOUR } from './money';
import type { Market, Offer, ProviderKind } from './offer';

/** What has been measured of one provider's market. All counts are since the beginning; none is an estimate. */
export interface HealthCounters {
  readonly leaseMs: number;
  readonly interruptions: number;
  readonly starts: number;
  readonly startMsTotal: number;
  readonly startFailures: number;
}

export const NO_HEALTH: HealthCounters = {
  leaseMs: 0,
  interruptions: 0,
  starts: 0,
  startMsTotal: 0,
  startFailures: 0,
};

/** Reliability as decisions use it. */
export interface Reliability {
  readonly interruptionsPerHour: number;
  /** Chance that a start fails, 0 to 1. */
  readonly startFailureChance: number;
  readonly startupMs: number;
  /** Mean wait for new capacity after a loss; not billed. */
  readonly recoveryWaitMs: number;
}

/** Measurements by `provider/market`. Absent means not measured, which is not the same as zero. */
export type HealthSnapshot = Readonly<Record<string, HealthCounters>>;

export function healthKey(offer: Pick<Offer, 'providerId' | 'market'>): string {
  return `${offer.providerId}/${offer.market}`;
}

interface Prior {
  readonly hours: number;
  readonly interruptionsPerHour: number;
  readonly starts: number;
  readonly startFailureChance: number;
  readonly recoveryWaitMs: number;
}

/**
 * What is assumed before anything is measured, and how many hours and starts of evidence that assumption is worth.
 * Spot: mean up-time of an hour to a day in published H100 traces; decentralised: nothing enforceable is promised.
 */
const priors: { readonly [K in ProviderKind]: { readonly [M in Market]: Prior } } = {
  hyperscaler: {
    'on-demand': {
      hours: 100,
      interruptionsPerHour: 0.0001,
      starts: 20,
      startFailureChance: 0.01,
      recoveryWaitMs: 60_000,
    },
    spot: {
      hours: 20,
      interruptionsPerHour: 0.08,
      starts: 10,
      startFailureChance: 0.05,
      recoveryWaitMs: 900_000,
    },
    marketplace: {
      hours: 20,
      interruptionsPerHour: 0.02,
      starts: 10,
      startFailureChance: 0.05,
      recoveryWaitMs: 300_000,
    },
  },
  neocloud: {
    'on-demand': {
      hours: 50,
      interruptionsPerHour: 0.001,
      starts: 10,
      startFailureChance: 0.03,
      recoveryWaitMs: 120_000,
    },
    spot: {
      hours: 20,
      interruptionsPerHour: 0.1,
      starts: 10,
      startFailureChance: 0.08,
      recoveryWaitMs: 900_000,
    },
    marketplace: {
      hours: 20,
      interruptionsPerHour: 0.03,
      starts: 10,
      startFailureChance: 0.06,
      recoveryWaitMs: 300_000,
    },
  },
  decentralised: {
    'on-demand': {
      hours: 20,
      interruptionsPerHour: 0.01,
      starts: 10,
      startFailureChance: 0.06,
      recoveryWaitMs: 300_000,
    },
    spot: {
      hours: 20,
      interruptionsPerHour: 0.1,
      starts: 10,
      startFailureChance: 0.1,
      recoveryWaitMs: 600_000,
    },
    marketplace: {
      hours: 20,
      interruptionsPerHour: 0.02,
      starts: 10,
      startFailureChance: 0.08,
      recoveryWaitMs: 300_000,
    },
  },
};

/** Measured rates shrunk towards the prior: with little evidence the prior speaks, with much the measurement does. */
export function reliabilityOf(offer: Offer, health: HealthSnapshot): Reliability {
  const prior = priors[offer.providerKind][offer.market];
  const seen = health[healthKey(offer)] ?? NO_HEALTH;
  const hours = seen.leaseMs / MS_PER_HOUR;
  return {
    interruptionsPerHour:
      (seen.interruptions + prior.interruptionsPerHour * prior.hours) / (hours + prior.hours),
    startFailureChance:
      (seen.startFailures + prior.startFailureChance * prior.starts) /
      (seen.starts + seen.startFailures + prior.starts),
    startupMs: (seen.startMsTotal + offer.startupMs * prior.starts) / (seen.starts + prior.starts),
    recoveryWaitMs: prior.recoveryWaitMs,
  };
}

/** What one released attempt teaches about its provider's market; null when it never got a lease. */
export function lessonOf(attempt: Attempt): HealthCounters | null {
  const { billedFromMs, billedToMs, outcome, report } = attempt;
  if (billedFromMs === null) return null;
  const started = report.startedAtMs !== null;
  const lost = outcome === 'interrupted' || outcome === 'went-silent';
  return {
    leaseMs: Math.max(0, (billedToMs ?? billedFromMs) - billedFromMs),
    interruptions: started && lost ? 1 : 0,
    starts: started ? 1 : 0,
    startMsTotal: started ? Math.max(0, (report.startedAtMs ?? billedFromMs) - billedFromMs) : 0,
    startFailures: !started && (lost || outcome === 'start-timeout') ? 1 : 0,
  };
}

export function addCounters(a: HealthCounters, b: HealthCounters): HealthCounters {
  return {
    leaseMs: a.leaseMs + b.leaseMs,
    interruptions: a.interruptions + b.interruptions,
    starts: a.starts + b.starts,
    startMsTotal: a.startMsTotal + b.startMsTotal,
    startFailures: a.startFailures + b.startFailures,
  };
}
