import { randomUUID } from 'node:crypto';
import { createDatabase, dropDatabase } from '../embedded/databases';
import { startTestServer } from '../embedded/test-server';
import { openStorage, type Storage } from '../storage';

export interface FreshDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty database of a test's own, on the server of the run (`FAIRLEAD_TEST_PG`) or else on one of its own. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const shared = process.env['FAIRLEAD_TEST_PG'];
  const own = shared === undefined ? await startTestServer() : null;
  const server = shared ?? own?.url ?? '';
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = await createDatabase(server, name);
  return {
    url,
    drop: async () => {
      await dropDatabase(server, name);
      await own?.stop();
    },
  };
}

/** Storage on a fresh database with its schema, and a way to empty it between tests. */
export interface TestStorage {
  readonly storage: Storage;
  readonly url: string;
  empty(): Promise<void>;
  /** Closes the storage and drops its database. */
  close(): Promise<void>;
}

export async function openTestStorage(): Promise<TestStorage> {
  const database = await freshDatabase();
  const storage = await openStorage({ url: database.url });
  await storage.migrate();
  const tables = storage.dataSource.entityMetadatas.map(({ tableName }) => `"${tableName}"`);
  return {
    storage,
    url: database.url,
    empty: async () => {
      await storage.dataSource.query(`TRUNCATE ${tables.join(', ')}`);
    },
    close: async () => {
      await storage.close();
      await database.drop();
    },
  };
}
