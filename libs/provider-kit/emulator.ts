import type { AttemptId, ProviderErrorKind } from '#libs/domain';

/** Time as a port, so that minutes of provider timers pass in milliseconds in tests. */
export interface EmulatorClock {
  nowMs(): number;
  /** Runs `action` at or after `delayMs` of emulated time; returns a cancel function. */
  after(delayMs: number, action: () => void): () => void;
}

export interface EmulatorOptions {
  /** A folder of the emulator's own: host folders, logs, pid files. */
  readonly rootDir: string;
  readonly clock: EmulatorClock;
  /** Provider-side delays (boot, bids) are multiplied by this; 1 is lifelike, 0.01 suits a demonstration or a test. Bounds: 0 to 1. */
  readonly delayFactor: number;
  /** Seeds the emulator's choices (bid jitter, ids) so that a run can be repeated. */
  readonly seed: number;
}

/** `before`: the provider refuses and does nothing. `after`: it does the work and the reply is lost or wrong. */
export interface Fault {
  readonly verb: 'listOffers' | 'acquire' | 'observe' | 'release' | 'listLeases';
  readonly when: 'before' | 'after';
  /** The error kind that the adapter must end up with; the emulator picks a wire form that means it. `timeout` leaves the call unanswered. */
  readonly as: ProviderErrorKind | 'timeout';
  /** How many calls it hits; 1 unless said. */
  readonly times?: number;
}

/** A provider's books, as an auditor would see them; used by conformance and by tests that follow the money. */
export interface EmulatedLease {
  readonly leaseKey: AttemptId;
  readonly externalId: string;
  readonly running: boolean;
  /** What the provider would bill for it up to now, in micro-dollars. */
  readonly chargedMicroUsd: number;
}

export interface RunningEmulator {
  /** Feed this to the plugin's `adapterFrom`. */
  readonly config: unknown;
  /** Makes the next matching calls fail. */
  inject(fault: Fault): void;
  /** Takes the lease away: after `noticeMs` of warning where the provider gives one, at once with 0. */
  interrupt(leaseKey: AttemptId, noticeMs: number): void;
  /** Every lease ever created, dead ones included. */
  leases(): readonly EmulatedLease[];
  /** Reads lag by this much from now on (eventual consistency), in emulated ms. */
  setReadLag(lagMs: number): void;
  /** Marks every offer as sold out, or available again. */
  setSoldOut(soldOut: boolean): void;
  /** Stops the server and every workload that it started. Repeatable. */
  close(): Promise<void>;
}
