import { costOf, microUsd } from '#libs/domain';
import type { MicroUsd } from '#libs/domain';
import type { HostHandle } from '../../../provider-kit/testing/host/host-park';
import type { CatalogueType } from '../catalogue';
import type { Region } from '../regions';
import { isoDate } from './wire';

export type MachineState =
  'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export const stateCodes: { readonly [S in MachineState]: number } = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** Why a machine ends, as `StateReason` and `StateTransitionReason` say it. */
export interface EndReason {
  readonly code: string;
  /** Only a termination through the API is dated. */
  readonly transition: (atMs: number) => string;
  readonly spotCode: string;
}

export const endReasons = {
  byApi: {
    code: 'Client.UserInitiatedShutdown',
    transition: (atMs) => `User initiated (${isoDate(atMs).slice(0, 19).replace('T', ' ')} GMT)`,
    spotCode: 'instance-terminated-by-user',
  },
  byGuest: {
    code: 'Client.InstanceInitiatedShutdown',
    transition: () => '',
    spotCode: 'instance-terminated-by-user',
  },
  spot: {
    code: 'Server.SpotInstanceTermination',
    transition: () => 'Server.SpotInstanceTermination',
    spotCode: 'instance-terminated-no-capacity',
  },
  failure: {
    code: 'Server.InternalError',
    transition: () => 'Server.InternalError',
    spotCode: 'system-error',
  },
} as const satisfies Readonly<Record<string, EndReason>>;

export interface StateChange {
  readonly atMs: number;
  readonly state: MachineState;
  readonly reason: EndReason | null;
  /** When the end that led here began. */
  readonly endedAtMs: number | null;
}

/** One virtual machine with its whole history, so that a read can be answered as of any moment. */
export interface Machine {
  readonly id: string;
  readonly region: Region;
  readonly zone: string;
  readonly type: CatalogueType;
  readonly spot: { readonly requestId: string; readonly maxUsd: number | null } | null;
  readonly token: string | null;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly userData: string;
  readonly launchedAtMs: number;
  readonly onGuestShutdown: 'stop' | 'terminate';
  readonly changes: StateChange[];
  /** Of the spot request, youngest last. */
  readonly spotCodes: { readonly atMs: number; readonly code: string }[];
  host: HostHandle | null;
}

/** Terminated machines stay visible for about this long. */
export const VISIBLE_AFTER_END_MS = 3_600_000;
const BILLING_INCREMENT_MS = 1_000;
const BILLING_MINIMUM_MS = 60_000;

/** What a read as of `atMs` shows of the machine, or null when it shows nothing. */
export function changeAt(machine: Machine, atMs: number): StateChange | null {
  const change = machine.changes.findLast((each) => each.atMs <= atMs) ?? null;
  const hasVanished = change?.state === 'terminated' && atMs - change.atMs > VISIBLE_AFTER_END_MS;
  return hasVanished ? null : change;
}

export function spotCodeAt({ spotCodes }: Machine, atMs: number): string {
  return spotCodes.findLast((each) => each.atMs <= atMs)?.code ?? 'pending-evaluation';
}

export function stateOf({ changes }: Machine): MachineState {
  return changes.at(-1)?.state ?? 'pending';
}

/** Whether it takes up capacity and quota, and may run a workload. */
export function isLive(machine: Machine): boolean {
  return ['pending', 'running'].includes(stateOf(machine));
}

export interface PriceChange {
  readonly atMs: number;
  readonly usdPerHour: number;
}

/** What EC2 charges for the machine up to now: by the second from `running` to the end, a minute at least. */
export function chargeOf(
  machine: Machine,
  prices: readonly PriceChange[],
  nowMs: number,
): MicroUsd {
  const fromMs = machine.changes.find(({ state }) => state === 'running')?.atMs;
  if (fromMs === undefined) return microUsd(0);
  const endedAtMs = machine.changes.find(
    ({ atMs, state }) => atMs >= fromMs && state !== 'running',
  );
  const usedMs = (endedAtMs?.atMs ?? nowMs) - fromMs;
  const seconds = Math.ceil(usedMs / BILLING_INCREMENT_MS);
  const toMs = fromMs + Math.max(BILLING_MINIMUM_MS, seconds * BILLING_INCREMENT_MS);
  return microUsd(
    prices.reduce((total, price, i) => {
      const untilMs = Math.min(toMs, prices[i + 1]?.atMs ?? toMs);
      const sinceMs = i === 0 ? fromMs : Math.max(fromMs, price.atMs);
      const perHour = microUsd(Math.round(price.usdPerHour * 1_000_000));
      return untilMs > sinceMs ? total + costOf(perHour, untilMs - sinceMs) : total;
    }, 0),
  );
}
