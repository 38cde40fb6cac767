import type {
  AttemptId,
  CalibrationLesson,
  CalibrationState,
  Commitment,
  CommitmentState,
} from '#libs/domain';

/** How many commitments there may be, over ones included. */
export const MAX_COMMITMENTS = 500;
/** One that ended this long ago makes room for others. */
export const FORGET_ENDED_AFTER_MS = 400 * 86_400_000;

export abstract class Commitments {
  /**
   * Those that are in force at `nowMs`, with what is gone of them, by name. What attempts draw follows from the attempts: one that
   * was planned on a commitment counts from then until it is released.
   */
  abstract inForce(nowMs: number): Promise<readonly CommitmentState[]>;
  /** All of them, by name. */
  abstract list(): Promise<readonly CommitmentState[]>;
  /**
   * Stores a commitment or replaces one of its name; what has been used stays. False when there are `MAX_COMMITMENTS` others.
   * Leases that were planned on it keep what was settled then.
   */
  abstract put(commitment: Commitment, nowMs: number): Promise<boolean>;
  /** Ends it at `nowMs`; one that was never used, nor is being used, is forgotten. False when there is none of that name. */
  abstract end(name: string, nowMs: number): Promise<boolean>;
}

export abstract class Calibrations {
  /** By `provider/market`; absent is not measured. As many as there are markets. */
  abstract all(): Promise<Readonly<Record<string, CalibrationState>>>;
  /** Adds what one ended attempt taught; a second time for the same attempt changes nothing. */
  abstract learn(
    attemptId: AttemptId,
    key: string,
    lesson: CalibrationLesson,
    nowMs: number,
  ): Promise<void>;
}
