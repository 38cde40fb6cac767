import type { Redis } from 'ioredis';
import type { Broker, Delivery, Message } from './broker';

/** How long a Redis that was configured may take to answer at the start. */
const CONNECT_LIMIT_MS = 10_000;
const RECONNECT_LIMIT_MS = 2_000;
const RECONNECT_STEP_MS = 100;
/** A worker without messages looks for itself this often; markers wake it at once. */
const LOOK_EVERY_SECONDS = 10;
/** Every queue and worker adds a few listeners to the connection that they share. */
const LISTENER_LIMIT = 500;

/** BullMQ on Redis: one shared connection, and one that blocks for each worker. */
export async function openRedisBroker(
  url: string,
  onError: (error: Error) => void,
): Promise<Broker> {
  const { Queue, Worker } = await import('bullmq');
  const { Redis: Client } = await import('ioredis');
  const connection = new Client(url, {
    maxRetriesPerRequest: null,
    connectionName: 'fairlead-queues',
    retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_LIMIT_MS),
  });
  connection.setMaxListeners(LISTENER_LIMIT);
  connection.on('error', onError);
  await firstAnswer(connection);
  return {
    queue: (name, options) => new Queue<Message, void, string>(name, { ...options, connection }),
    worker: (name, work, options) =>
      new Worker<Message, void>(name, (delivery: Delivery) => work(delivery), {
        ...options,
        drainDelay: LOOK_EVERY_SECONDS,
        connection,
      }),
    close: async () => {
      connection.disconnect();
    },
  };
}

async function firstAnswer(connection: Redis): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${CONNECT_LIMIT_MS} ms`)),
      CONNECT_LIMIT_MS,
    );
  });
  try {
    await Promise.race([connection.ping(), late]);
  } catch (cause) {
    connection.disconnect();
    throw new Error('The Redis that REDIS_URL names does not answer.', { cause });
  } finally {
    clearTimeout(timer);
  }
}
