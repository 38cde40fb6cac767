import type { QueueName } from '#libs/contracts';

/** One wake-up: look at `id` not before `atMs`. */
export interface Ring {
  readonly queue: QueueName;
  readonly id: string;
  /** For queues that are kept per provider; null elsewhere. */
  readonly providerId: string | null;
  readonly atMs: number;
  /** Distinguishes this wake-up from earlier ones of the same id (a row's revision); equal rings are rung once. */
  readonly tag: string;
}

/**
 * Wakes whoever answers a queue. Rung after the transaction that made the work has committed. Best effort: a lost ring
 * costs latency, never correctness, because every row keeps its own due time and the sweep finds what is overdue.
 */
export abstract class Doorbell {
  /** Returns at once; rings are gathered for a few milliseconds and enqueued in bulk. Never throws. */
  abstract ring(ring: Ring): void;
}
