import type { Clock } from '#libs/runtime';
import type { Retention, RetentionCutoffs } from '#libs/storage';

const DAY_MS = 86_400_000;
/** Rows of each kind that one statement deletes at most; a short statement keeps nobody waiting. */
const BATCH = 5_000;
/** What one run does at most; what is left is there an hour later, and grows more slowly than that. */
const MAX_BATCHES = 200;

/** For how many days what is kept. Jobs, attempts and cost entries are kept for good. */
export interface RetentionDays {
  readonly keepEventsDays: number;
  readonly keepDecisionsDays: number;
  readonly keepOffersDays: number;
  readonly keepSuspensionsDays: number;
  readonly keepIdempotencyKeysDays: number;
  readonly keepOutputsDays: number;
}

/** Delete what has been kept long enough. */
export class Prune {
  constructor(
    private readonly retention: Retention,
    private readonly days: RetentionDays,
    private readonly clock: Clock,
    private readonly batch: number = BATCH,
  ) {}

  /** In small batches until nothing is left that must go, or until the run has done its share. */
  async run(): Promise<void> {
    const cutoffs = cutoffsAt(this.clock.nowMs(), this.days);
    for (let done = 0; done < MAX_BATCHES; done += 1) {
      const counts = await this.retention.prune(cutoffs, this.batch);
      if (Object.values(counts).every((count) => count === 0)) return;
    }
  }
}

function cutoffsAt(nowMs: number, days: RetentionDays): RetentionCutoffs {
  const before = (kept: number): number => nowMs - kept * DAY_MS;
  return {
    eventsBeforeMs: before(days.keepEventsDays),
    decisionsBeforeMs: before(days.keepDecisionsDays),
    offersBeforeMs: before(days.keepOffersDays),
    suspensionsBeforeMs: before(days.keepSuspensionsDays),
    idempotencyKeysBeforeMs: before(days.keepIdempotencyKeysDays),
    outputsBeforeMs: before(days.keepOutputsDays),
  };
}
