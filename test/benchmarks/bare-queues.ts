import { queues, type QueueName } from '#libs/contracts';
import type { Broker, BrokerQueue } from '../../libs/queue/broker';
import { openPostgresBroker } from '../../libs/queue/postgres-broker';
import type { Bench } from './bench';
import type { Timing } from './measure';

/** How many messages each queue is to carry. */
export type Messages = Readonly<Partial<Record<QueueName, number>>>;

/** BullMQ on the connections that the product gives it, with nothing around it and nothing to do. */
export interface BareQueues {
  /** Adds so many messages and works on them at the same time, until all are done. */
  run(messages: Messages): Promise<Timing>;
}

interface Lane {
  readonly queue: BrokerQueue;
  /** Messages that were ever sent; their ids go on from there. */
  sent: number;
  /** How many messages have still to be worked on. */
  left: number;
  done: () => void;
}

const BATCH = 100;
/** As the product has it: how long a worker that says nothing is believed to be alive. */
const LOCK_MS = 30_000;

/** As many queues and workers as the product has, each as wide as there, on a database of their own. */
export async function openBareQueues(
  url: string,
  names: readonly QueueName[],
  bench: Pick<Bench, 'atEnd'>,
): Promise<BareQueues> {
  const problems: Error[] = [];
  const broker = await openPostgresBroker(url, (error) => problems.push(error));
  bench.atEnd(() => broker.close());
  const opened = await Promise.all(
    names.map(async (name) => [name, await openLane(name, broker, bench)] as const),
  );
  const lanes = new Map(opened);
  return {
    run: async (messages) => {
      const timing = await carry(lanes, messages);
      if (problems.length > 0) throw new AggregateError(problems, 'the bare queues had trouble');
      return timing;
    },
  };
}

async function openLane(
  name: QueueName,
  broker: Broker,
  bench: Pick<Bench, 'atEnd'>,
): Promise<Lane> {
  const queue = broker.queue(name, { defaultJobOptions: { removeOnComplete: true } });
  const lane: Lane = { queue, sent: 0, left: 0, done: () => undefined };
  const worker = broker.worker(
    name,
    async () => {
      lane.left -= 1;
      if (lane.left === 0) lane.done();
    },
    { concurrency: queues[name].concurrency, lockDuration: LOCK_MS, stalledInterval: LOCK_MS },
  );
  bench.atEnd(() => queue.close());
  bench.atEnd(() => worker.close());
  await worker.waitUntilReady();
  return lane;
}

async function carry(lanes: ReadonlyMap<QueueName, Lane>, messages: Messages): Promise<Timing> {
  const startedMs = performance.now();
  const counts = await Promise.all(
    [...lanes].map(([name, lane]) => carryThrough(lane, messages[name] ?? 0)),
  );
  const count = counts.reduce((sum, each) => sum + each, 0);
  return { count, tookMs: performance.now() - startedMs, latenciesMs: [] };
}

async function carryThrough(lane: Lane, count: number): Promise<number> {
  if (count === 0) return 0;
  lane.left = count;
  const done = new Promise<void>((resolve) => (lane.done = resolve));
  for (const end = lane.sent + count; lane.sent < end;) {
    const size = Math.min(BATCH, end - lane.sent);
    await lane.queue.addBulk(Array.from({ length: size }, (_, n) => messageOf(lane.sent + n)));
    lane.sent += size;
  }
  await done;
  return count;
}

function messageOf(n: number): Parameters<BrokerQueue['addBulk']>[0][number] {
  const id = `message-${n}`;
  return { name: 'bare', data: { id }, opts: { jobId: id, delay: 0 } };
}
