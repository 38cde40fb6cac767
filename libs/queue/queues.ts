import type { QueueName } from '#libs/contracts';
import type { Doorbell } from './doorbell';

/** Who is served by a queue that is kept per provider, and how fast. */
export interface Lane {
  readonly providerId: string;
  /** Messages worked on per second at most, over all processes; null is no limit. */
  readonly perSecond: number | null;
}

/** The queues of a process. A message that cannot be delivered is logged and lost; the sweep makes up for it. */
export interface Queues {
  readonly doorbell: Doorbell;
  /**
   * Work on a queue: `run` is called with the id of each message, as many at a time as the catalogue says. What it
   * throws is logged and tried again a few times. `lanes` are the providers, for queues that are kept per provider.
   */
  reconcile(
    queue: QueueName,
    run: (id: string) => Promise<void>,
    lanes?: readonly Lane[],
  ): Promise<void>;
  /** Ring for exactly these ids every so often, first now; whichever process started last says which and how often. */
  every(queue: QueueName, ids: readonly string[], everyMs: number): Promise<void>;
  /** Enqueue what was rung, let what is worked on finish within `graceMs`, and let go of all connections. */
  close(graceMs: number): Promise<void>;
}
