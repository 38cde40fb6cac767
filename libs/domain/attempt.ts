import type { Coverage } from './commitment';
import type { ProviderErrorKind } from './failover';
import type { AttemptId, DecisionId, JobId, OfferId } from './ids';
import type { Machine } from './machine';
import type { MicroUsd } from './money';
import type { Offer } from './offer';
import type { ReconsiderationReason } from './outlook';

export const attemptPhases = [
  'planned',
  'acquiring',
  'confirming',
  'starting',
  'running',
  'releasing',
  'released',
] as const;
export type AttemptPhase = (typeof attemptPhases)[number];

export type AttemptEvent =
  | 'acquire'
  | 'lease-granted'
  | 'lease-refused'
  | 'lease-gone'
  | 'workload-started'
  | 'workload-exited'
  | 'interrupted'
  | 'abandon';

export const attemptMachine: Machine<AttemptPhase, AttemptEvent> = {
  initial: 'planned',
  transitions: {
    planned: { acquire: 'acquiring', abandon: 'released' },
    acquiring: { 'lease-granted': 'starting', 'lease-refused': 'confirming', abandon: 'releasing' },
    confirming: { 'lease-granted': 'starting', 'lease-gone': 'released', abandon: 'releasing' },
    starting: {
      'workload-started': 'running',
      'workload-exited': 'releasing',
      interrupted: 'releasing',
      abandon: 'releasing',
    },
    running: { 'workload-exited': 'releasing', interrupted: 'releasing', abandon: 'releasing' },
    releasing: { 'lease-gone': 'released' },
    released: {},
  },
};

/** Phases in which the provider may be charging us. Only a believed `lease-gone` leaves them for good. */
export const mayHoldLease: ReadonlySet<AttemptPhase> = new Set<AttemptPhase>([
  'acquiring',
  'confirming',
  'starting',
  'running',
  'releasing',
]);

/** How an attempt ended, kept apart from the phase: one word each, decided once, on the way into `releasing` or `released`. */
export const attemptOutcomes = [
  'succeeded',
  'workload-failed',
  'interrupted',
  'refused',
  'start-timeout',
  'went-silent',
  'max-duration',
  'out-of-budget',
  'cancelled',
  'price-drifted',
  'moved',
  'unneeded',
  'gang-broken',
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** Why the supervisor stopped the workload. */
export const workloadExitReasons = [
  'exited',
  'signalled',
  'max-duration',
  'stopped',
  'start-failed',
  'lost-control-plane',
] as const;
export type WorkloadExitReason = (typeof workloadExitReasons)[number];

/** What the supervisor has told us about the workload; the only source of exit codes. */
export interface WorkloadReport {
  /** The boot that owns the workload; another boot of the same lease is told that it is over. */
  readonly bootId: string | null;
  readonly startedAtMs: number | null;
  readonly heartbeatAtMs: number | null;
  /** When the last checkpoint of it arrived here; all that was done before survives the lease. */
  readonly checkpointAtMs: number | null;
  readonly exit: {
    readonly code: number;
    readonly reason: WorkloadExitReason;
    readonly atMs: number;
  } | null;
}

export const NO_REPORT: WorkloadReport = {
  bootId: null,
  startedAtMs: null,
  heartbeatAtMs: null,
  checkpointAtMs: null,
  exit: null,
};

/**
 * What an attempt is among the attempts of its job that live at the same time. `solo`: the only one. `first` and `second`: a hedged
 * start, of which the one that runs first stays. `node`: one machine of a gang. `replica`: one of a service.
 */
export const attemptRoles = ['solo', 'first', 'second', 'node', 'replica'] as const;
export type AttemptRole = (typeof attemptRoles)[number];

/** A lease that is being left on purpose while its workload still runs. */
export interface Leaving {
  readonly as: Extract<AttemptOutcome, 'moved' | 'price-drifted'>;
  readonly because: ReconsiderationReason;
  /** Where the job is meant to go next, or null to wait. */
  readonly to: OfferId | null;
  readonly sinceMs: number;
  /** Until then a checkpoint is waited for; after that the workload is stopped. */
  readonly stopAtMs: number;
}

/** What was settled of a lease with its price, and holds for as long as it lasts. */
export interface AgreedTerms {
  /** What a commitment pays of it. */
  readonly coverage: Coverage | null;
  /** How often its workload saves, where the job leaves that to the router. */
  readonly checkpointEveryMs: number | null;
}

/** One try of a job at one placement. */
export interface Attempt {
  readonly id: AttemptId;
  readonly jobId: JobId;
  readonly decisionId: DecisionId;
  /** 1 for the job's first. */
  readonly number: number;
  readonly role: AttemptRole;
  /** The rank of a node, the index of a replica; 0 otherwise. At most one unreleased attempt per job, slot and role. */
  readonly slot: number;
  /** Attempts of one job that were planned together share it and are one try: 1 for the job's first. */
  readonly round: number;
  /** As it was when chosen: the price here is what the lease is charged at, and is never recomputed. */
  readonly offer: Offer;
  /** What else was settled when it was planned; absent and null where there was nothing. */
  readonly agreed?: AgreedTerms | null;
  readonly phase: AttemptPhase;
  readonly phaseSinceMs: number;
  readonly outcome: AttemptOutcome | null;
  /** The provider's refusal behind outcome `refused`. */
  readonly errorKind: ProviderErrorKind | null;
  readonly errorText: string | null;
  /** Set by others (cancellation, an operator); the next step abandons the attempt for this reason. */
  readonly abandonAs: AttemptOutcome | null;
  /** Set when the job is moved: the workload saves and ends, then the lease is released. */
  readonly leaving: Leaving | null;
  readonly externalId: string | null;
  /** Set before each acquire call, cleared when a read first shows the lease. Until then, silence is not absence. */
  readonly unseenSinceMs: number | null;
  /** Consecutive calls that failed in a way that may pass. */
  readonly failedCalls: number;
  /** When the lease began to cost money: the provider's word, else our first acquire call. Null while nothing was asked for. */
  readonly billedFromMs: number | null;
  readonly billedToMs: number | null;
  /** What the provider said after the start, compared with the quote. */
  readonly observedPricePerHour: MicroUsd | null;
  /** When the provider warned that it will take the lease back; the supervisor is told to save a checkpoint. */
  readonly noticeAtMs: number | null;
  /** How long the lease may be charged, the shorter of the job's maximum duration and what its budget still allows. */
  readonly maxLeaseMs: number;
  /** Which of the two bounds `maxLeaseMs` is, so that hitting it is named rightly. */
  readonly maxLeaseMeans: Extract<AttemptOutcome, 'max-duration' | 'out-of-budget'>;
  readonly report: WorkloadReport;
  readonly createdAtMs: number;
  readonly revision: number;
  readonly dueAtMs: number | null;
}
