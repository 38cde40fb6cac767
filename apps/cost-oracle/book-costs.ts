import {
  BOOK_EVERY_MS,
  nextAccrual,
  transfersOf,
  type Attempt,
  type AttemptId,
  type Job,
} from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

/**
 * Book what an attempt's lease has cost since the last entry, at the price that was quoted for it, less what a commitment has paid;
 * and once it is over, the data that is known to have moved because of it.
 */
export class BookCosts {
  constructor(
    private readonly stores: Pick<Stores, 'jobs' | 'attempts' | 'costEntries'>,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  /** Repeatable: the store refuses a slice that is booked already. */
  async run(id: AttemptId): Promise<void> {
    const attempt = await this.stores.attempts.get(id);
    const job = attempt === null ? null : await this.stores.jobs.get(attempt.jobId);
    if (attempt === null || job === null) return;
    const nowMs = this.clock.nowMs();
    const accrual = nextAccrual(attempt, await this.stores.costEntries.accrued(id), nowMs);
    if (accrual !== null) await this.stores.costEntries.book(attempt, job, accrual, nowMs);
    if (attempt.phase === 'released') return this.bookTransfers(attempt, job, nowMs);
    // One wake-up for each minute, however many messages asked for it.
    const minute = Math.floor(nowMs / BOOK_EVERY_MS) + 1;
    const atMs = minute * BOOK_EVERY_MS;
    this.doorbell.ring({ queue: 'book-costs', id, providerId: null, atMs, tag: `m${minute}` });
  }

  private async bookTransfers(attempt: Attempt, job: Job, nowMs: number): Promise<void> {
    if (attempt.report.startedAtMs === null) return;
    const attempts = await this.stores.attempts.ofJob(job.id);
    for (const transfer of transfersOf(attempt, attempts, job.spec))
      await this.stores.costEntries.bookTransfer(transfer, job, nowMs);
  }
}
