import { openStorage, type Storage } from './storage';
import { freshDatabase, type FreshDatabase } from './testing/fresh-database';

let database: FreshDatabase;
let storages: readonly Storage[];
beforeAll(async () => {
  database = await freshDatabase();
  storages = await Promise.all([1, 2, 3].map(() => openStorage({ url: database.url })));
}, 30_000);
afterAll(async () => {
  await Promise.all(storages.map((storage) => storage.close()));
  await database.drop();
});

function first(): Storage {
  const [storage] = storages;
  if (storage === undefined) throw new Error('no storage is open');
  return storage;
}

interface Constraint {
  readonly name: string;
  readonly definition: string;
}

it('is made once by processes that start together', async () => {
  await Promise.all(storages.map((storage) => storage.migrate()));
  const migrations = await first().dataSource.query('SELECT name FROM schema_migration');
  expect(migrations).toHaveLength(first().dataSource.migrations.length);
});

it('is what the entities say', async () => {
  await first().migrate();
  const { upQueries } = await first().dataSource.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

it('admits exactly the words of the closed lists', async () => {
  await first().migrate();
  const inDatabase: readonly Constraint[] = await first().dataSource.query(
    `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE contype = 'c'`,
  );
  const words = (definition: string) =>
    [...definition.matchAll(/'([^']*)'/g)].map(([, word]) => word).sort();
  const declared = first().dataSource.entityMetadatas.flatMap(({ checks }) => checks);
  expect(declared.length).toBeGreaterThan(0);
  for (const { name, expression } of declared) {
    const known = inDatabase.find((constraint) => constraint.name === name);
    expect([name, words(known?.definition ?? '')]).toEqual([name, words(expression)]);
  }
});

it('has the indexes that entities cannot describe', async () => {
  await first().migrate();
  const indexes: readonly Constraint[] = await first().dataSource.query(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE indexname IN ('job_labels', 'attempt_unbooked') ORDER BY indexname`,
  );
  expect(indexes[0]?.definition).toContain('(COALESCE(booked_to_ms, billed_from_ms), id)');
  expect(indexes[1]?.definition).toContain('USING gin (labels jsonb_path_ops)');
});

it('lets go of its lock, so that the next process is not kept waiting', async () => {
  await first().migrate();
  const held = await first().dataSource.query(
    `SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database
     WHERE locktype = 'advisory' AND d.datname = current_database()`,
  );
  expect(held).toEqual([]);
});
