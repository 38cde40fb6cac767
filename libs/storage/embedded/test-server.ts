import { chmod, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasDeadOwner } from './owner';
import { startEmbeddedPostgres } from './server';

/** A database server for the tests of one run. */
export interface TestServer {
  /** The address of a user that may create and drop databases. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Test files run side by side and each has pools of its own. */
const TEST_CONNECTIONS = 200;

const PREFIX = 'fairlead-test-server-';
const MEMORY_FOLDER = '/dev/shm';
const MEMORY_WANTED_BYTES = 2 * 1024 ** 3;

/** The parent of folders that tests make and drop: memory where there is plenty of it, else the disk. */
export async function scratchParent(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY_FOLDER).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= MEMORY_WANTED_BYTES ? MEMORY_FOLDER : tmpdir();
}

/** Start a server on a new folder, without durability, that takes its data with it when it stops. */
export async function startTestServer(): Promise<TestServer> {
  const parent = await scratchParent();
  await removeLeftovers(parent);
  const dataDir = await mkdtemp(join(parent, PREFIX));
  await chmod(dataDir, 0o711);
  const server = await startEmbeddedPostgres({
    dataDir,
    durability: 'none',
    maxConnections: TEST_CONNECTIONS,
    log: () => undefined,
  });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What killed test runs left: their server was stopped by its watchdog, but the folder is still there. */
async function removeLeftovers(parent: string): Promise<void> {
  const folders = (await readdir(parent)).filter((name) => name.startsWith(PREFIX));
  for (const folder of folders.map((name) => join(parent, name))) {
    if (!(await hasDeadOwner(join(folder, 'owner')))) continue;
    const stopped = await stat(join(folder, 'cluster', 'postmaster.pid')).then(
      () => false,
      () => true,
    );
    if (stopped) await rm(folder, { recursive: true, force: true });
  }
}
