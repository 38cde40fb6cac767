import { chmod, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createDatabase, startEmbeddedPostgres } from '#libs/storage/embedded';

/** A database server for one run. */
export interface BenchServer {
  /** Makes an empty database and returns its address. */
  database(name: string): Promise<string>;
  /** A new folder that goes with the server. */
  folder(name: string): Promise<string>;
  stop(): Promise<void>;
}

const CONNECTIONS = 150;
const PREFIX = 'fairlead-bench-';
/** File systems in memory, where a flush to disk costs nothing and would flatter every figure. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Starts the embedded server as it is delivered, with every commit flushed to disk, on a folder that goes when it stops. */
export async function startBenchServer(): Promise<BenchServer> {
  const root = await mkdtemp(join(await parentOnDisk(), PREFIX));
  await chmod(root, 0o711);
  const removeAll = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    const postgres = await startEmbeddedPostgres({
      dataDir: join(root, 'postgres'),
      maxConnections: CONNECTIONS,
      durability: 'full',
      log: () => undefined,
    });
    return {
      database: (name) => createDatabase(postgres.url, name),
      folder: async (name) => {
        const folder = join(root, name);
        await mkdir(folder);
        return folder;
      },
      stop: async () => {
        await postgres.stop();
        await removeAll();
      },
    };
  } catch (error) {
    await removeAll();
    throw error;
  }
}

async function parentOnDisk(): Promise<string> {
  const { type } = await statfs(tmpdir());
  if (!IN_MEMORY.has(type)) return tmpdir();
  const beside = resolve('.fairlead');
  await mkdir(beside, { recursive: true });
  return beside;
}
