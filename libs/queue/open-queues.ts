import type { Telemetry } from 'bullmq';
import { queues as catalogue, type QueueName } from '#libs/contracts';
import type { Broker, BrokerQueue, BrokerWorker, Delivery } from './broker';
import type { Doorbell } from './doorbell';
import { GatheringDoorbell, type Posting } from './gathering-doorbell';
import { openPostgresBroker } from './postgres-broker';
import type { Lane, Queues } from './queues';
import { openRedisBroker } from './redis-broker';
import { noFigures, Seldom, type QueueFigures, type QueueLog } from './reports';

/** Where the messages are kept. */
export type QueueBackend =
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly url: string };

export interface QueueSettings {
  readonly backend: QueueBackend;
  readonly log: QueueLog;
  readonly nowMs: () => number;
  /** Keeps apart what shares a server. */
  readonly prefix?: string;
  /** Whether a trace follows a ring into the work it causes. Costs nothing when off. */
  readonly telemetry?: boolean;
  readonly figures?: QueueFigures;
  /** How long a worker that says nothing is believed to be alive; what it worked on is then given to another. */
  readonly lockMs?: number;
}

/** So many messages are enqueued one by one: on Postgres a bulk costs a fixed few milliseconds. */
const FEW = 12;
const DEFAULT_PREFIX = 'fairlead';
/** A worker that dies holds up its messages for up to twice this; the rows they are about are found by the sweep before. */
const DEFAULT_LOCK_MS = 30_000;
/** How often a message may be taken from dead workers before it is given up. */
const STALLED_LIMIT = 3;
/** An unexpected error is tried again this often in all, after 1, 2 and 4 seconds; then the sweep has to ring. */
const WORK_ATTEMPTS = 4;
const RETRY_DELAY_MS = 1_000;
/** A look at a broker that is away. */
const RECONNECT_DELAY_MS = 1_000;
/** Failed messages that are kept for a person to look at, per queue. */
const FAILED_KEPT = 100;
const EVENTS_KEPT = 100;
const SCHEDULE_LIMIT = 1_000;
const COMPLAIN_EVERY_MS = 30_000;
const CLOSE_CONNECTIONS_MS = 2_000;

/** Open the queues on Postgres or Redis. Fails when the backend cannot be reached; later outages are waited out. */
export async function openQueues(settings: QueueSettings): Promise<Queues> {
  const complaints = new Seldom(COMPLAIN_EVERY_MS, settings.nowMs);
  const complain = (error: Error): void => {
    if (complaints.mayBeSaid(error.message))
      settings.log.warn({ err: error }, 'The queues have trouble with their backend.');
  };
  const broker = await openBroker(settings.backend, complain);
  const telemetry = settings.telemetry === true ? await loadTelemetry() : null;
  return new OpenQueues(broker, settings, telemetry, complain);
}

async function openBroker(
  { kind, url }: QueueBackend,
  onError: (error: Error) => void,
): Promise<Broker> {
  return kind === 'redis' ? openRedisBroker(url, onError) : openPostgresBroker(url, onError);
}

async function loadTelemetry(): Promise<Telemetry> {
  const { BullMQOtel } = await import('bullmq-otel');
  return new BullMQOtel({ tracerName: 'fairlead' });
}

class OpenQueues implements Queues {
  private readonly bell: GatheringDoorbell;
  private readonly queues = new Map<string, BrokerQueue>();
  private readonly workers: BrokerWorker[] = [];
  private readonly figures: QueueFigures;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly broker: Broker,
    private readonly settings: QueueSettings,
    private readonly telemetry: Telemetry | null,
    private readonly complain: (error: Error) => void,
  ) {
    const { log, nowMs } = settings;
    this.figures = settings.figures ?? noFigures;
    this.bell = new GatheringDoorbell({
      post: (queue, providerId, postings) => this.post(queue, providerId, postings),
      nowMs,
      traceParent: () => traceParentIn(telemetry),
      log,
      figures: this.figures,
    });
  }

  get doorbell(): Doorbell {
    return this.bell;
  }

  async reconcile(
    queue: QueueName,
    run: (id: string) => Promise<void>,
    lanes: readonly Lane[] = [],
  ): Promise<void> {
    const opened = catalogue[queue].perProvider
      ? lanes.map((lane) => this.openWorker(queue, run, lane))
      : [this.openWorker(queue, run, null)];
    this.workers.push(...opened);
    await Promise.all(opened.map((worker) => worker.waitUntilReady()));
  }

  async every(queue: QueueName, ids: readonly string[], everyMs: number): Promise<void> {
    const target = this.queueOf(this.nameOf(queue, null));
    const kept = new Set(ids);
    for (const { key } of await target.getJobSchedulers(0, SCHEDULE_LIMIT - 1))
      if (!kept.has(key)) await target.removeJobScheduler(key);
    for (const id of ids) {
      const template = { name: queue, data: { id }, opts: { attempts: 1 } };
      await target.upsertJobScheduler(id, { every: everyMs }, template);
    }
  }

  close(graceMs: number): Promise<void> {
    this.closing ??= this.closeAll(graceMs);
    return this.closing;
  }

  private async closeAll(graceMs: number): Promise<void> {
    const drained = Promise.all([
      this.bell.settled(),
      ...this.workers.map((worker) => worker.close()),
    ]);
    if (!(await within(graceMs, drained)))
      this.settings.log.warn({ graceMs }, 'Work went on after its time to finish and was left.');
    // What the last messages rang.
    await within(CLOSE_CONNECTIONS_MS, this.bell.settled());
    const closed = Promise.all([...this.queues.values()].map((queue) => queue.close()));
    await within(CLOSE_CONNECTIONS_MS, closed);
    await within(CLOSE_CONNECTIONS_MS, this.broker.close());
  }

  private async post(
    queue: QueueName,
    providerId: string | null,
    postings: readonly Posting[],
  ): Promise<void> {
    const target = this.queueOf(this.nameOf(queue, providerId));
    if (postings.length <= FEW) {
      await Promise.all(
        postings.map(({ message, options }) => target.add(queue, message, options)),
      );
      return;
    }
    await target.addBulk(
      postings.map(({ message, options }) => ({ name: queue, data: message, opts: options })),
    );
  }

  private nameOf(queue: QueueName, providerId: string | null): string {
    const prefix = this.settings.prefix ?? DEFAULT_PREFIX;
    const lane = catalogue[queue].perProvider ? `-${providerId ?? 'none'}` : '';
    return `${prefix}-${queue}${lane}`;
  }

  private queueOf(name: string): BrokerQueue {
    const open = this.queues.get(name);
    if (open !== undefined) return open;
    const queue = this.broker.queue(name, {
      streams: { events: { maxLen: EVENTS_KEPT } },
      defaultJobOptions: {
        attempts: WORK_ATTEMPTS,
        backoff: { type: 'exponential', delay: RETRY_DELAY_MS },
        removeOnComplete: true,
        removeOnFail: FAILED_KEPT,
        stackTraceLimit: 0,
      },
    });
    queue.on('error', this.complain);
    this.queues.set(name, queue);
    return queue;
  }

  private openWorker(
    queue: QueueName,
    run: (id: string) => Promise<void>,
    lane: Lane | null,
  ): BrokerWorker {
    const providerId = lane?.providerId ?? null;
    const lockMs = this.settings.lockMs ?? DEFAULT_LOCK_MS;
    const limit = lane?.perSecond ?? null;
    const worker = this.broker.worker(
      this.nameOf(queue, providerId),
      (delivery) => this.work(queue, run, delivery),
      {
        concurrency: catalogue[queue].concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        maxStalledCount: STALLED_LIMIT,
        runRetryDelay: RECONNECT_DELAY_MS,
        ...(limit !== null && { limiter: { max: limit, duration: 1_000 } }),
        ...(this.telemetry !== null && { telemetry: this.telemetry }),
      },
    );
    worker.on('error', this.complain);
    worker.on('failed', (delivery, error) => this.report(queue, providerId, delivery, error));
    return worker;
  }

  private async work(
    queue: QueueName,
    run: (id: string) => Promise<void>,
    { data }: Delivery,
  ): Promise<void> {
    const startedMs = this.settings.nowMs();
    let outcome: 'done' | 'failed' = 'failed';
    try {
      await run(idIn(data));
      outcome = 'done';
    } finally {
      this.figures.observeWork(queue, outcome, this.settings.nowMs() - startedMs);
    }
  }

  private report(
    queue: QueueName,
    providerId: string | null,
    delivery: Delivery | undefined,
    error: Error,
  ): void {
    const attempt = delivery?.attemptsMade ?? 0;
    const fields = { queue, providerId, message: delivery?.data, attempt, err: error };
    if (attempt < (delivery?.opts.attempts ?? 1))
      this.settings.log.warn(fields, 'Work on a message failed and will be tried again.');
    else this.settings.log.error(fields, 'Work on a message failed.');
  }
}

function idIn(data: unknown): string {
  if (typeof data === 'object' && data !== null && 'id' in data && typeof data.id === 'string')
    return data.id;
  throw new Error('a message without an id');
}

function traceParentIn(telemetry: Telemetry | null): string | null {
  if (telemetry === null) return null;
  const { contextManager } = telemetry;
  const metadata = contextManager.getMetadata(contextManager.active());
  return metadata === '{}' ? null : metadata;
}

/** Whether it was done within the time; what fails counts as done, since there is nothing left to wait for. */
async function within(limitMs: number, done: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const finished = done.then(
    () => true,
    () => true,
  );
  return Promise.race([finished, late]).finally(() => clearTimeout(timer));
}
