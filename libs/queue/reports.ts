import type { QueueName } from '#libs/contracts';

/** Where the queues say what went wrong, with ids as fields. A pino logger fits. */
export interface QueueLog {
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
  error(fields: Readonly<Record<string, unknown>>, text: string): void;
}

/** Where the figures of the queues go. */
export interface QueueFigures {
  /** Rings that were enqueued, or that were lost to a full buffer or a queue that cannot be reached. */
  countRings(queue: QueueName, fate: 'enqueued' | 'lost', count: number): void;
  /** One message worked on, well or not. */
  observeWork(queue: QueueName, outcome: 'done' | 'failed', durationMs: number): void;
}

export const noFigures: QueueFigures = {
  countRings: () => undefined,
  observeWork: () => undefined,
};

/** Says a thing at most once per period, so that an outage fills no disk. */
export class Seldom {
  private readonly saidAtMs = new Map<string, number>();

  constructor(
    private readonly periodMs: number,
    private readonly nowMs: () => number,
  ) {}

  /** True when `what` has not been said within the period; then it counts as said. Few different things are expected. */
  mayBeSaid(what: string): boolean {
    const nowMs = this.nowMs();
    const saidAtMs = this.saidAtMs.get(what);
    if (saidAtMs !== undefined && nowMs - saidAtMs < this.periodMs) return false;
    this.saidAtMs.set(what, nowMs);
    return true;
  }
}
