import type { OfferId } from './ids';

/** Why a job is moved, started, kept or made to wait. */
export const reconsiderationReasons = [
  /** Past the point of no return: only a reliable offer is sure to make it. */
  'deadline',
  /** Cheaper supply has come up, and going there pays beyond the changeover. */
  'saving',
  /** The lease costs more than it was quoted at. */
  'price-drifted',
  /** The offer with the lowest expected cost that can serve. */
  'cheapest',
  'nothing-better',
  /** Past the point of no return, and the chance of being late is small enough all the same. */
  'safe-where-it-is',
  /** Anywhere else the work would begin too late for the deadline. */
  'too-late-to-move',
  /** Past the point of no return, and no reliable offer is to be had. */
  'no-reliable-offer',
  /** There is a better place, but too many moves, or one too short a time ago. */
  'moved-lately',
  /** The job does not allow to be interrupted, by us neither. */
  'not-interruptible',
  /** No offer can serve now. */
  'no-capacity',
  /** Cheaper supply is expected in time. */
  'cheaper-later',
] as const;
export type ReconsiderationReason = (typeof reconsiderationReasons)[number];

/** What a job waits for. */
export const awaitedThings = [
  'completion',
  'point-of-no-return',
  'capacity',
  'reliable-capacity',
  'cheaper-supply',
] as const;

export interface WaitingFor {
  readonly what: (typeof awaitedThings)[number];
  /** The offers that would serve, where they are known. */
  readonly offers: readonly OfferId[];
}

/**
 * What is to be done with a job, and what is known of its future. `stay` and `move` are for a job that holds a lease, `start` and
 * `wait` for one that does not; a job that holds a lease and is told to wait gives it back.
 */
export interface Reconsideration {
  readonly do: 'stay' | 'move' | 'start' | 'wait';
  /** Where to; null for `stay` and `wait`. When it refuses, the next best offer is tried. */
  readonly to: OfferId | null;
  readonly because: ReconsiderationReason;
  /** Chance of missing the deadline when this is done, in basis points; 0 without a deadline. */
  readonly latenessBps: number;
  /** From then on only a reliable offer is sure to keep the deadline; null where that is no question. */
  readonly noReturnAtMs: number | null;
  readonly waitingFor: WaitingFor | null;
  readonly atMs: number;
  /** Never after the point of no return while that lies ahead. */
  readonly nextLookAtMs: number;
}

/** The pace of reconsideration: a sixteenth of the slack, between half a minute and a quarter of an hour. */
export const LOOK_LEAST_MS = 30_000;
export const LOOK_MOST_MS = 900_000;
const LOOKS_PER_SLACK = 16;

export interface Pace {
  /** How long the job may idle and still keep its deadline; null without one. */
  readonly slackMs: number | null;
  readonly noReturnAtMs: number | null;
  readonly nowMs: number;
}

/** When a job is to be looked at next. A point of no return ahead is never passed unseen. */
export function nextLookAtMs({ slackMs, noReturnAtMs, nowMs }: Pace): number {
  const paceMs = slackMs === null ? LOOK_MOST_MS : Math.floor(slackMs / LOOKS_PER_SLACK);
  const atMs = nowMs + Math.min(LOOK_MOST_MS, Math.max(LOOK_LEAST_MS, paceMs));
  return noReturnAtMs !== null && noReturnAtMs > nowMs ? Math.min(atMs, noReturnAtMs) : atMs;
}
