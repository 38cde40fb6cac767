import { AsyncLocalStorage } from 'node:async_hooks';
import { queues, type QueueName } from '#libs/contracts';
import type { MessageOptions } from './broker';
import { Doorbell, type Ring } from './doorbell';
import type { QueueFigures, QueueLog } from './reports';

/** Rings are gathered for this long; single ones are slow to enqueue on Postgres, many at once are not. */
const GATHER_MS = 3;
/** Rings that wait to be enqueued at most. A ring more is lost, which costs latency only. */
const WAITING_LIMIT = 10_000;
const BATCH_LIMIT = 1_000;
/** Rings of the past that are remembered, so that equal ones are rung once. */
const REMEMBERED_LIMIT = 20_000;

/** A message for one queue of the broker. */
export interface Posting {
  readonly queue: QueueName;
  readonly providerId: string | null;
  readonly message: { readonly id: string };
  readonly options: MessageOptions;
}

export interface DoorbellDependencies {
  /** Enqueues messages that all belong to one queue of the broker. */
  readonly post: (
    queue: QueueName,
    providerId: string | null,
    postings: readonly Posting[],
  ) => Promise<void>;
  readonly nowMs: () => number;
  /** What takes the trace of the caller along, or null when there is none. */
  readonly traceParent: () => string | null;
  readonly log: QueueLog;
  readonly figures: QueueFigures;
}

interface Waiting {
  readonly ring: Ring;
  readonly key: string;
  readonly trace: string | null;
}

/** Gathers rings for a moment and enqueues them in bulk, in the background. */
export class GatheringDoorbell extends Doorbell {
  private waiting: Waiting[] = [];
  private readonly remembered = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> | null = null;
  private overflowing = false;
  /** Enqueuing belongs to no caller's trace. */
  private readonly outside = AsyncLocalStorage.snapshot();

  constructor(private readonly deps: DoorbellDependencies) {
    super();
  }

  override ring(ring: Ring): void {
    const key = keyOf(ring);
    if (this.remembered.has(key)) return;
    if (queues[ring.queue].perProvider && ring.providerId === null) {
      this.deps.log.error({ queue: ring.queue, id: ring.id }, 'A ring names no provider.');
      return;
    }
    if (this.waiting.length >= WAITING_LIMIT) return this.overflow(ring);
    this.remember(key);
    this.waiting.push({ ring, key, trace: this.deps.traceParent() });
    this.flushSoon();
  }

  /** Resolves when everything rung so far is enqueued or lost. */
  async settled(): Promise<void> {
    while (this.timer !== null || this.flushing !== null) {
      this.startFlush();
      await this.flushing;
    }
  }

  private flushSoon(): void {
    if (this.timer !== null || this.flushing !== null) return;
    this.timer = this.outside(() => setTimeout(() => this.startFlush(), GATHER_MS));
  }

  private startFlush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.flushing ??= this.outside(() => this.flush()).finally(() => {
      this.flushing = null;
      if (this.waiting.length > 0) this.flushSoon();
    });
  }

  private async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH_LIMIT);
      await Promise.all(groups(batch).map((group) => this.enqueue(group)));
    }
    this.overflowing = false;
  }

  private async enqueue(group: readonly Waiting[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    const { queue, providerId } = first.ring;
    const nowMs = this.deps.nowMs();
    try {
      await this.deps.post(
        queue,
        providerId,
        group.map((item) => postingOf(item, nowMs)),
      );
      this.deps.figures.countRings(queue, 'enqueued', group.length);
    } catch (error) {
      for (const { key } of group) this.remembered.delete(key);
      this.deps.figures.countRings(queue, 'lost', group.length);
      const fields = { queue, providerId, count: group.length, id: first.ring.id, err: error };
      this.deps.log.error(fields, 'Rings could not be enqueued; the sweep will find their rows.');
    }
  }

  private overflow({ queue, id }: Ring): void {
    this.deps.figures.countRings(queue, 'lost', 1);
    if (this.overflowing) return;
    this.overflowing = true;
    const fields = { queue, id, limit: WAITING_LIMIT };
    this.deps.log.warn(fields, 'Too many rings wait to be enqueued; the sweep will find the rest.');
  }

  private remember(key: string): void {
    this.remembered.add(key);
    if (this.remembered.size <= REMEMBERED_LIMIT) return;
    const [oldest] = this.remembered;
    if (oldest !== undefined) this.remembered.delete(oldest);
  }
}

function keyOf({ queue, providerId, id, tag }: Ring): string {
  return `${queue} ${providerId ?? ''} ${messageId(id, tag)}`;
}

/** BullMQ takes no colon in an id that we choose, and no number. */
function messageId(id: string, tag: string): string {
  return `${id}.${tag}`.replaceAll(':', '_');
}

function postingOf({ ring, trace }: Waiting, nowMs: number): Posting {
  const { queue, providerId, id, atMs, tag } = ring;
  const options = { jobId: messageId(id, tag), delay: Math.max(0, atMs - nowMs) };
  return {
    queue,
    providerId,
    message: { id },
    options: trace === null ? options : { ...options, telemetry: { metadata: trace } },
  };
}

/** One group for each queue of the broker, in the order of their first rings. */
function groups(batch: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const found = new Map<string, Waiting[]>();
  for (const item of batch) {
    const { queue, providerId } = item.ring;
    const name = queues[queue].perProvider ? `${queue} ${providerId ?? ''}` : queue;
    const group = found.get(name);
    if (group === undefined) found.set(name, [item]);
    else group.push(item);
  }
  return [...found.values()];
}
