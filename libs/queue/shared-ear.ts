import { EventEmitter } from 'node:events';
import type { PgPoolClient, PgQueryable, PgQueryResult } from 'bullmq';
import { Client, type ClientConfig, type Notification } from 'pg';

/**
 * One connection that listens for all workers of a process. BullMQ would keep one per worker, each a server process
 * with memory of its own, although every worker listens to the same channel and picks out its queue by itself.
 */
export class SharedEar {
  private readonly listeners = new Set<Ear>();
  private client: Promise<Client> | null = null;
  /** What this connection listens to; a statement is sent once for all. */
  private readonly sent = new Map<string, Promise<unknown>>();
  private closed = false;

  constructor(
    private readonly config: ClientConfig,
    private readonly pool: PgQueryable,
  ) {}

  /** What BullMQ takes for a connection of its own. */
  lend(): PgPoolClient {
    return new Ear(this, this.pool);
  }

  async listen(ear: Ear, statement: string): Promise<void> {
    if (this.closed) return;
    this.listeners.add(ear);
    this.client ??= this.connect();
    const client = await this.client;
    const sent = this.sent.get(statement) ?? client.query(statement);
    this.sent.set(statement, sent);
    await sent;
  }

  forget(ear: Ear): void {
    this.listeners.delete(ear);
  }

  async close(): Promise<void> {
    this.closed = true;
    const client = await this.client?.catch(() => null);
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<Client> {
    const client = new Client(this.config);
    client.on('notification', (message) => this.pass(message));
    client.on('error', (error) => this.lose(client, error));
    client.on('end', () => this.lose(client, new Error('the listening connection has ended')));
    try {
      await client.connect();
    } catch (error) {
      this.client = null;
      throw error;
    }
    return client;
  }

  private pass(message: Notification): void {
    for (const ear of this.listeners) ear.emit('notification', message);
  }

  /** Tells every worker, which then listens again on a new connection. */
  private lose(client: Client, error: Error): void {
    client.removeAllListeners('notification').removeAllListeners('end');
    if (this.client === null || this.closed) return;
    this.client = null;
    this.sent.clear();
    const ears = [...this.listeners];
    this.listeners.clear();
    for (const ear of ears) ear.fail(error);
  }
}

class Ear extends EventEmitter implements PgPoolClient {
  constructor(
    private readonly shared: SharedEar,
    private readonly pool: PgQueryable,
  ) {
    super();
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    if (text.includes('application_name')) return { rows: [] };
    if (!/^\s*LISTEN\b/im.test(text)) return this.pool.query<R>(text, params);
    await this.shared.listen(this, text);
    return { rows: [] };
  }

  release(): void {
    this.shared.forget(this);
  }

  fail(error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }
}
