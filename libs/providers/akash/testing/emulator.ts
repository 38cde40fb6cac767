import { asAttemptId, type AttemptId } from '#libs/domain';
import type { EmulatedLease, EmulatorOptions, Fault, RunningEmulator } from '#libs/provider-kit';
import { Chain, liveLease, transactionHash, type Deployment } from './chain';
import { ConsoleApi } from './console-api';
import { ContainerHosts } from './container-hosts';
import { FaultQueue } from './fault-queue';
import type { Generation } from './wire';

const SECOND = 1_000;
/** Bids are left to gather for this long when the market keeps its lifelike pace. */
const GATHER_MS = 15 * SECOND;
const MICROS = 1_000_000;

export interface AkashEmulatorSettings {
  /** Which generation of the API is spoken. */
  readonly generation: Generation;
  /** A trial account closes its idle orders at every new one. */
  readonly trial: boolean;
}

/** What tests of this provider may do beyond what every emulator can. */
export interface AkashEmulator extends RunningEmulator {
  /** Providers answer the dry run and then make no bid. */
  withholdBids(on: boolean): void;
  /** The next leases find that their bid is gone. */
  snatchBids(times: number): void;
  /** The next manifests are lost: the lease exists and is charged, and nothing runs. */
  loseManifests(times: number): void;
  /** Providers do not tell the state of their containers. */
  hideStatus(on: boolean): void;
  setBalanceUsd(usd: number): void;
  balanceUsd(): number;
}

const DEFAULTS: AkashEmulatorSettings = { generation: 'new', trial: false };

/** The Console API over an emulated market, whose containers are real processes of this machine. */
export async function startAkashEmulator(
  options: EmulatorOptions,
  settings: Partial<AkashEmulatorSettings> = {},
): Promise<AkashEmulator> {
  const { clock, delayFactor, seed } = options;
  const hosts = new ContainerHosts(options);
  const chain = new Chain({ clock, delayFactor, random: randomFrom(seed), events: hosts });
  hosts.serve(chain);
  const faults = new FaultQueue();
  const apiKey = `ac.sk.emulator.${transactionHash(`key ${seed}`).toLowerCase()}`;
  const api = new ConsoleApi({ chain, faults, apiKey, ...DEFAULTS, ...settings });
  const baseUrl = await api.listen();
  const held = (leaseKey: AttemptId): Deployment[] =>
    [...chain.deployments.values()].filter((each) => keyOf(each) === leaseKey);
  return {
    config: { apiKey, baseUrl, gatherMs: Math.round(GATHER_MS * delayFactor) },
    inject: (fault: Fault) => faults.add(fault),
    // No notice is given unless the order asks for it, and ours do not.
    interrupt: (leaseKey) => held(leaseKey).forEach((each) => hosts.vanish(each)),
    leases: () => [...chain.deployments.values()].map((each) => bookOf(chain, each)),
    setReadLag: (lagMs) => {
      chain.readLagMs = lagMs;
    },
    setSoldOut: (soldOut) => {
      chain.soldOut = soldOut;
    },
    withholdBids: (on) => {
      chain.withholdsBids = on;
    },
    snatchBids: (times) => {
      chain.snatchedBids = times;
    },
    loseManifests: (times) => {
      chain.lostManifests = times;
    },
    hideStatus: (on) => {
      chain.hidesStatus = on;
    },
    setBalanceUsd: (usd) => {
      chain.balanceUact = usd * MICROS;
    },
    balanceUsd: () => chain.balanceUact / MICROS,
    close: async () => {
      await api.close();
      await hosts.close();
    },
  };
}

/** A deployment in the books; one whose lease is over may still lock escrow but runs nothing. */
function bookOf(chain: Chain, deployment: Deployment): EmulatedLease {
  return {
    leaseKey: asAttemptId(keyOf(deployment)),
    externalId: deployment.dseq,
    running: deployment.state === 'active' && liveLease(deployment) !== null,
    chargedMicroUsd: chain.chargedUact(deployment),
  };
}

const keyOf = ({ order }: Deployment): string => order.env['FAIRLEAD_LEASE'] ?? '';

/** Numbers from 0 to 1 that follow from the seed alone (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
