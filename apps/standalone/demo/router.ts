import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPlatform, platformSchema, type Platform } from '#libs/platform';
import { createLog, start } from '#libs/runtime';
import { ADMIN_KEY_FILE, IssueApiKey } from '#apps/gateway/gateway.module';
import { assemble } from '../standalone.module';

/** Data of demonstrations is kept apart from that of `npm start`. */
const DATA_DIR = join('.fairlead', 'demo');
/** Holds the key of the latest demonstration. */
export const KEY_FILE = join(DATA_DIR, ADMIN_KEY_FILE);
/** Emulated clouds take their time as the real ones do; nobody wants to watch that. */
const DELAY_FACTOR = '0.02';
const HEARTBEAT_SECONDS = '1';

/** The whole product in this process, with a key to it and its insides in reach. */
export interface DemoRouter {
  readonly url: string;
  readonly key: string;
  readonly platform: Platform;
  /** What was charged before then belongs to earlier demonstrations. */
  readonly startedAt: string;
  close(): Promise<void>;
}

/** Starts everything on a free port, with emulated providers and data of its own whatever the environment holds. */
export async function startRouter(): Promise<DemoRouter> {
  const opened: { platform: Platform | null; key: string; startedAt: string } = {
    platform: null,
    key: '',
    startedAt: '',
  };
  const log = createLog({ name: 'demo', level: 'error' });
  const running = await start(
    async (runtime) => {
      const platform = await openPlatform(runtime, { providers: 'live-or-emulated' });
      const issue = new IssueApiKey(platform.storage.apiKeys, runtime.ids, runtime.clock);
      const { key } = await issue.run({ name: 'demo', roles: ['admin'], projects: null }, 'demo');
      await writeFile(KEY_FILE, `${key}\n`, { mode: 0o600 });
      const startedAt = new Date(runtime.clock.nowMs()).toISOString();
      Object.assign(opened, { platform, key, startedAt });
      return assemble(runtime, platform);
    },
    { name: 'demo', schema: platformSchema, env: await settings(), log },
  );
  const { platform, key, startedAt } = opened;
  if (platform === null) throw new Error('the platform was not opened');
  return { url: running.url, key, platform, startedAt, close: () => running.close() };
}

async function settings(): Promise<Record<string, string>> {
  return {
    PORT: String(await freePort()),
    FAIRLEAD_DATA_DIR: DATA_DIR,
    FAIRLEAD_EMULATOR_DELAY_FACTOR: DELAY_FACTOR,
    FAIRLEAD_HEARTBEAT_SECONDS: HEARTBEAT_SECONDS,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
