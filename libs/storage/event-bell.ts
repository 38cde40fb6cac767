import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { clientAddress, type DatabaseAddress } from './data-source';
import type { Database } from './transaction';
import type { EventSignal } from './workload-ports';

const CHANNEL = 'fairlead_event';
/** Rings within this time become one. */
const RING_EVERY_MS = 20;
const RECONNECT_EVERY_MS = 1_000;
const CONNECT_LIMIT_MS = 10_000;

/**
 * Tells readers in every process that there are new events. A ring may be lost, so readers poll as well, seldom.
 *
 * It does not ring inside the transactions that write: Postgres lets transactions that notify commit only one after the other,
 * each with its own flush to disk, which would cost intake most of its speed. A process rings once for all that it wrote in the
 * last moments, in a transaction that writes nothing.
 */
export class EventBell implements EventSignal {
  private ringing: Promise<void> | null = null;
  private readonly listeners = new Set<() => Promise<void>>();
  private closed = false;

  constructor(
    private readonly database: Database,
    private readonly address: DatabaseAddress,
  ) {}

  /** Call after the commit. Returns at once. */
  ring(): void {
    if (this.ringing !== null || this.closed) return;
    this.ringing = this.ringSoon().finally(() => {
      this.ringing = null;
    });
  }

  /** Calls `onRing` for each ring from any process, and after each reconnection, until the returned function is called. */
  async listen(onRing: () => void): Promise<() => Promise<void>> {
    const listener = await listenTo(this.address, onRing);
    const stop = async () => {
      this.listeners.delete(stop);
      await listener.stop();
    };
    this.listeners.add(stop);
    return stop;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.ringing;
    await Promise.all([...this.listeners].map((stop) => stop()));
  }

  private async ringSoon(): Promise<void> {
    await pause(RING_EVERY_MS);
    // A lost ring costs latency only.
    await this.database.rows(`SELECT pg_notify('${CHANNEL}', '')`).catch(() => undefined);
  }
}

/** Listens on a connection of its own and makes a new one when it breaks. */
async function listenTo(
  address: DatabaseAddress,
  onRing: () => void,
): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const first = await subscribe(address, onRing);
  const running = keepSubscribed(first, address, onRing, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function keepSubscribed(
  first: Subscription,
  address: DatabaseAddress,
  onRing: () => void,
  signal: AbortSignal,
): Promise<void> {
  let current: Subscription | null = first;
  while (!signal.aborted) {
    if (current === null) {
      await pause(RECONNECT_EVERY_MS, undefined, { signal }).catch(() => undefined);
      current = signal.aborted ? null : await subscribe(address, onRing).catch(() => null);
      if (current !== null) onRing();
    } else {
      await Promise.race([current.broken, aborted(signal)]);
      await current.end();
      current = null;
    }
  }
  await current?.end();
}

interface Subscription {
  /** Settles when the connection is lost. */
  readonly broken: Promise<void>;
  end(): Promise<void>;
}

async function subscribe(address: DatabaseAddress, onRing: () => void): Promise<Subscription> {
  const client = new Client({
    ...clientAddress(address),
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
  });
  const broken = new Promise<void>((resolve) => {
    client.on('error', () => resolve());
    client.on('end', () => resolve());
  });
  client.on('notification', onRing);
  try {
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return { broken, end: () => client.end().catch(() => undefined) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
