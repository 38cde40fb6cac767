import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IdKind } from '#libs/domain';
import { baseConfigSchema, createLog, Ids, loadConfig } from '#libs/runtime';
import { ApiKeys, type ApiKey } from '#libs/storage';
import { BUILT_AT_MS, ManualClock } from '#libs/testkit';
import { ADMIN_KEY_FILE, ensureAdminKey } from './admin-key';
import { isSecretOf, readApiKey } from './api-key';

/** A store of keys in memory that can be away for a moment. */
class KeysInMemory extends ApiKeys {
  readonly rows = new Map<string, ApiKey>();
  isAway = false;

  async create(key: ApiKey): Promise<void> {
    if (this.isAway) throw new Error('the database is away');
    this.rows.set(key.id, key);
  }

  async get(id: string): Promise<ApiKey | null> {
    return this.rows.get(id) ?? null;
  }

  async list(): Promise<readonly ApiKey[]> {
    return [...this.rows.values()];
  }

  async revoke(id: string, nowMs: number): Promise<boolean> {
    const key = this.rows.get(id);
    if (key !== undefined) this.rows.set(id, { ...key, revokedAtMs: nowMs });
    return key !== undefined;
  }
}

class CountingIds extends Ids {
  private count = 0;

  next(_kind: IdKind): string {
    this.count += 1;
    return `key-${this.count}`;
  }
}

let dataDir: string;
let keys: KeysInMemory;
let ids: Ids;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'fairlead-admin-key-'));
  keys = new KeysInMemory();
  ids = new CountingIds();
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const startOnce = () =>
  ensureAdminKey(
    {
      config: loadConfig(baseConfigSchema, { FAIRLEAD_DATA_DIR: dataDir }),
      clock: new ManualClock(BUILT_AT_MS),
      ids,
      log: createLog({ name: 'test', level: 'silent' }),
    },
    keys,
  );
const file = () => join(dataDir, ADMIN_KEY_FILE);

/** Whether the key in the file opens the door. */
async function fileWorks(): Promise<boolean> {
  const presented = readApiKey((await readFile(file(), 'utf8')).trim());
  const row = presented === null ? null : await keys.get(presented.id);
  if (presented === null || row === null) return false;
  return isSecretOf(presented.secret, row.secretDigest) && row.revokedAtMs === null;
}

it('makes a key that works, for its owner only, and once', async () => {
  await startOnce();
  const text = await readFile(file(), 'utf8');
  await startOnce();
  expect(await fileWorks()).toBe(true);
  expect(await readFile(file(), 'utf8')).toBe(text);
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(keys.rows.size).toBe(1);
});

it('ends with a key that works when an earlier start stopped half-way', async () => {
  keys.isAway = true;
  await expect(startOnce()).rejects.toThrow('away');
  keys.isAway = false;
  await startOnce();
  expect(await fileWorks()).toBe(true);
});

it('keeps no key that cannot be written down', async () => {
  await rm(dataDir, { recursive: true });
  await writeFile(dataDir, 'a file where the folder should be');
  await expect(startOnce()).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(keys.rows.size).toBe(0);
});

it('makes another key when all are revoked, in place of the old file and not as open', async () => {
  await startOnce();
  await keys.revoke('key-1', 1);
  await rm(file());
  await writeFile(file(), 'open to all', { mode: 0o644 });
  await startOnce();
  expect(await fileWorks()).toBe(true);
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(await readdir(dataDir)).toEqual([ADMIN_KEY_FILE]);
});
