import { DataSource } from 'typeorm';
import { createDataSource } from './data-source';
import { Initial1764000000000 } from './migrations/1764000000000-initial';
import { PolicyLife1764200000000 } from './migrations/1764200000000-policy-life';
import { openStorage } from './storage';
import { freshDatabase, type FreshDatabase } from './testing/fresh-database';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
}, 30_000);
afterAll(() => database.drop());

/** The database as a release made it that knew only these migrations. */
async function migratedWith(migrations: readonly (new () => object)[]): Promise<DataSource> {
  const options = createDataSource({ url: database.url }).options;
  const source = await new DataSource({
    ...options,
    migrations: [...migrations],
  } as typeof options).initialize();
  await source.runMigrations();
  return source;
}

it('gives the policies of an earlier release a state and a history, and keeps what is in force', async () => {
  const before = await migratedWith([Initial1764000000000]);
  const document = (description: string) =>
    JSON.stringify({
      kind: 'RoutingPolicy',
      name: 'acme',
      description,
      rules: [],
      preferences: {},
    });
  for (const [version, active, activatedAtMs] of [
    [1, false, 10],
    [2, true, 20],
    [3, false, null],
  ] as const)
    await before.query(
      `INSERT INTO policy_version (name, version, document, created_at_ms, created_by, active, activated_at_ms)
       VALUES ('acme', $1, $2::json, $3, 'key-1', $4, $5)`,
      [version, document(`v${version}`), version, active, activatedAtMs],
    );
  await before.destroy();
  await (await migratedWith([Initial1764000000000, PolicyLife1764200000000])).destroy();

  const storage = await openStorage({ url: database.url });
  try {
    await storage.migrate();
    expect(await storage.policies.ofName('acme')).toMatchObject([
      { version: 3, state: 'draft', active: false, document: { description: 'v3' } },
      { version: 2, state: 'active', active: true, activatedAtMs: 20 },
      { version: 1, state: 'retired', active: false },
    ]);
    expect(await storage.policies.events('acme', 10)).toMatchObject([
      { version: 3, type: 'create', by: 'key-1' },
      { version: 2, type: 'create' },
      { version: 1, type: 'create' },
    ]);
    expect(await storage.policies.activate('acme', 1, 99)).toBe(true);
    expect((await storage.policies.active()).map(({ version }) => version)).toEqual([1]);
  } finally {
    await storage.close();
  }
});
