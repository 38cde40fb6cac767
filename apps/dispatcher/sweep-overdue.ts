import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

/** What one sweep rings at most, per kind; the rest is more overdue by the next one and comes first then. */
const SWEEP_LIMIT = 500;
/** Rows get this long to be served by their own wake-up before the sweep rings again. */
const GRACE_MS = 2_000;
/** Live leases are booked every minute by their own wake-ups; this much later the sweep sees to it. */
const UNBOOKED_MS = 180_000;

/** Repair lost wake-ups: ring again for every row whose due time has passed. */
export class SweepOverdue {
  constructor(
    private readonly stores: Pick<Stores, 'jobs' | 'attempts'>,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<void> {
    const nowMs = this.clock.nowMs();
    const beforeMs = nowMs - GRACE_MS;
    const tag = `sweep-${nowMs}`;
    for (const id of await this.stores.jobs.overdue(beforeMs, SWEEP_LIMIT)) {
      this.doorbell.ring({ queue: 'place', id, providerId: null, atMs: nowMs, tag });
    }
    for (const { id, providerId } of await this.stores.attempts.overdue(beforeMs, SWEEP_LIMIT)) {
      this.doorbell.ring({ queue: 'advance', id, providerId, atMs: nowMs, tag });
    }
    for (const id of await this.stores.attempts.unbooked(nowMs - UNBOOKED_MS, SWEEP_LIMIT)) {
      this.doorbell.ring({ queue: 'book-costs', id, providerId: null, atMs: nowMs, tag });
    }
  }
}
