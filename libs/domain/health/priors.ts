import type { Market, ProviderKind } from '../offer';

export interface Prior {
  readonly hours: number;
  readonly interruptionsPerHour: number;
  readonly starts: number;
  readonly startFailureChance: number;
  readonly recoveryWaitMs: number;
}

/**
 * What is assumed before anything is measured, and how many hours and starts of evidence that assumption is worth. As of 2026-10.
 * On-demand at a hyperscaler: the EC2 SLA promises 99.5 % for one instance, and losses are far rarer than that allows.
 * Spot: mean up-times of an hour to a day in published traces (H100 at GCP 2025, V100 at AWS 2023). Marketplace and
 * decentralised: nothing enforceable is promised; two losses in a hundred hours are assumed until it is known better.
 * Waits after a loss: minutes where another machine is one call away, a quarter of an hour where a market is short.
 */
export const priors: { readonly [K in ProviderKind]: { readonly [M in Market]: Prior } } = {
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

/** Refusals assumed for each market, worth as many requests as the prior has starts. Markets that can sell out refuse more. */
export const refusalPriors: { readonly [M in Market]: number } = {
  'on-demand': 0.01,
  spot: 0.05,
  marketplace: 0.05,
};

/** Lies assumed for each kind of provider, worth this many checks. A hyperscaler bills what its price list says. */
export const LIE_PSEUDO_CHECKS = 50;
export const liePriors: { readonly [K in ProviderKind]: number } = {
  hyperscaler: 0.0005,
  neocloud: 0.005,
  decentralised: 0.01,
};
