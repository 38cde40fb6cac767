import { setTimeout as pause } from 'node:timers/promises';
import { types } from 'node:util';
import type { IQueueBackend, PgPool, PgQueryResult } from 'bullmq';
import { Pool, type ClientConfig, type QueryResult } from 'pg';
import type { Broker, Delivery, Message } from './broker';
import { SharedEar } from './shared-ear';

/** The folder, in the words of Postgres a schema, in which BullMQ keeps its tables. */
const SCHEMA = 'bullmq';
/** Statements at a time; more of them make BullMQ on Postgres no faster. */
const POOL_SIZE = 8;
const CONNECT_LIMIT_MS = 10_000;
/** At rest the connections go, all but the one that listens. */
const IDLE_LIMIT_MS = 10_000;
/** A worker without messages looks for itself this often; NOTIFY and due times wake it at once. */
const LOOK_EVERY_SECONDS = 60;
/** BullMQ repeats some failed statements immediately; this keeps it from spinning. */
const FAILED_PAUSE_MS = 200;

type Connection = PgPool;

/** BullMQ on Postgres: one pool and one listening connection for all queues and workers of this process. */
export async function openPostgresBroker(
  url: string,
  onError: (error: Error) => void,
): Promise<Broker> {
  const { createPostgresBackend, Queue, Worker } = await import('bullmq');
  const config: ClientConfig = {
    connectionString: url,
    options: `-c search_path=${SCHEMA}`,
    application_name: 'fairlead-queues',
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    keepAlive: true,
  };
  const pool = new Pool({ ...config, max: POOL_SIZE, idleTimeoutMillis: IDLE_LIMIT_MS });
  pool.on('error', onError);
  await migrate(pool);
  const ear = new SharedEar(config, pool);
  const connection = new SharedPool(pool, ear, onError);
  return {
    queue: (name, options) =>
      new Queue<Message, void, string, Message, void, string, IQueueBackend, Connection>(
        name,
        { ...options, connection },
        createPostgresBackend,
      ),
    worker: (name, work, options) =>
      new Worker<Message, void, string, IQueueBackend, number, Connection>(
        name,
        (delivery: Delivery) => work(delivery),
        { ...options, drainDelay: LOOK_EVERY_SECONDS, connection },
        createPostgresBackend,
      ),
    close: async () => {
      await ear.close();
      await pool.end();
    },
  };
}

/** Bring BullMQ's tables up to date. Processes that start together take turns. */
async function migrate(pool: Pool): Promise<void> {
  try {
    const { runMigrations } = await import('bullmq');
    const client = await pool.connect();
    try {
      await runMigrations(client, SCHEMA);
    } finally {
      client.release(true);
    }
  } catch (cause) {
    await pool.end();
    throw new Error('The queues cannot be prepared in the database.', { cause });
  }
}

/** The pool as BullMQ sees it. */
class SharedPool implements PgPool {
  readonly options = { keepAlive: true };

  constructor(
    private readonly pool: Pool,
    private readonly ear: SharedEar,
    private readonly onError: (error: Error) => void,
  ) {}

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    try {
      const values = params === undefined ? undefined : [...params];
      const { rows, rowCount }: QueryResult = await this.pool.query(text, values);
      return { rows, rowCount };
    } catch (error) {
      if (!isUnreachable(error)) {
        if (!isAnswer(error)) await pause(FAILED_PAUSE_MS);
        throw error;
      }
      this.onError(error);
      await pause(FAILED_PAUSE_MS);
      throw unreachable(error);
    }
  }

  async connect(): Promise<ReturnType<SharedEar['lend']>> {
    return this.ear.lend();
  }

  /** Nothing: the pool is closed by who opened it, after all queues are. */
  async end(): Promise<void> {
    return undefined;
  }

  /** Nothing: errors of idle connections go to the log, once and not once per queue. */
  on(): this {
    return this;
  }

  removeAllListeners(): this {
    return this;
  }
}

/** Codes of a server that is away, going or coming, and of a socket whose server is. */
const awayCodes: ReadonlySet<string> = new Set(
  'ECONNREFUSED ECONNRESET ENOENT EPIPE ETIMEDOUT 57P01 57P02 57P03 08000 08003 08006'.split(' '),
);

/** BullMQ's functions answer with this code when a message is not in the state that was expected. */
const ANSWER_CODE = 'BM001';

function codeOf(error: unknown): string {
  return types.isNativeError(error) && 'code' in error ? String(error.code) : '';
}

function isAnswer(error: unknown): boolean {
  return codeOf(error) === ANSWER_CODE;
}

function isUnreachable(error: unknown): error is Error {
  if (!types.isNativeError(error)) return false;
  return awayCodes.has(codeOf(error)) || /terminated|timeout exceeded/i.test(error.message);
}

/** In the words by which BullMQ knows that it has to wait and try again. */
function unreachable(cause: Error): Error {
  return Object.assign(new Error('ECONNREFUSED: the database does not answer', { cause }), {
    code: 'ECONNREFUSED',
  });
}
