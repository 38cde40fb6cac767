import type { Attempt, Job } from '#libs/domain';
import type { DecisionRecord } from '#libs/storage';

/** All that an explanation follows from. */
export interface Story {
  readonly job: Job;
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
  /** The decision that the last placement came from, or the latest one while there is none. */
  readonly decision: DecisionRecord | null;
  readonly nowMs: number;
}
