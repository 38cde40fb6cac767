import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { DATABASE_USER } from './cluster';
import { codeOf } from './errors';
import { SOCKET_PORT, type Address } from './settings';

/** What a client of the database needs to know. A host that begins with a slash is the folder of a socket. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

const DATABASE = 'fairlead';
const NO_SUCH_DATABASE = '3D000';
/** The server is up but still recovering, or not up yet. */
const notYet: ReadonlySet<string> = new Set(['57P03', 'ECONNREFUSED', 'ENOENT', 'ECONNRESET']);
const ASK_LIMIT = 1200;
const ASK_EVERY_MS = 25;
const CONNECT_LIMIT_MS = 10_000;

/** How to reach a server at this address. */
export function connectionTo(address: Address, password: string): Connection {
  const place =
    'port' in address
      ? { host: '127.0.0.1', port: address.port }
      : { host: address.socketDir, port: SOCKET_PORT };
  return { ...place, user: DATABASE_USER, password, database: DATABASE };
}

/** The same as an address that `pg` understands. */
export function urlOf({ host, port, user, password, database }: Connection): string {
  const place = host.startsWith('/') ? `localhost:${port}` : `${host}:${port}`;
  const query = host.startsWith('/') ? `?host=${encodeURIComponent(host)}` : '';
  return `postgresql://${user}:${encodeURIComponent(password)}@${place}/${database}${query}`;
}

/** Run one statement on a connection of its own. */
export async function runStatement(target: Connection | string, statement: string): Promise<void> {
  const address = typeof target === 'string' ? { connectionString: target } : target;
  const client = new Client({ ...address, connectionTimeoutMillis: CONNECT_LIMIT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Wait until the server answers a query, for at most half a minute, and make the database when it is not there.
 * False when the time is up or `given up` turns true, which it does when the server has ended.
 */
export async function becomesReady(
  connection: Connection,
  givenUp: () => boolean,
): Promise<boolean> {
  for (let asked = 0; asked < ASK_LIMIT && !givenUp(); asked += 1) {
    try {
      await runStatement(connection, 'SELECT 1');
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code === NO_SUCH_DATABASE) await makeDatabase(connection);
      else if (!notYet.has(code)) throw error;
    }
    await pause(ASK_EVERY_MS);
  }
  return false;
}

async function makeDatabase(connection: Connection): Promise<void> {
  await runStatement(
    { ...connection, database: 'postgres' },
    `CREATE DATABASE ${connection.database}`,
  );
}
