import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPlatform, platformSchema, type Platform } from '#libs/platform';
import { createLog, environment, start } from '#libs/runtime';
import { ADMIN_KEY_FILE, ensureAdminKey } from '#apps/gateway/gateway.module';
import { assemble } from '../standalone.module';

/** Data of demonstrations is kept apart from that of `npm start`. */
const DATA_DIR = join('.fairlead', 'demo');
/** Emulated clouds take their time as the real ones do; nobody wants to watch that. */
const DELAY_FACTOR = '0.02';
const HEARTBEAT_SECONDS = '1';

/** The whole product in this process, with a key to it and its insides in reach. */
export interface DemoRouter {
  readonly url: string;
  readonly key: string;
  readonly platform: Platform;
  close(): Promise<void>;
}

/** Starts everything on a free port, with emulated providers whatever credentials the environment holds. */
export async function startRouter(): Promise<DemoRouter> {
  const opened: { platform: Platform | null } = { platform: null };
  const log = createLog({ name: 'demo', level: 'error' });
  const running = await start(
    async (runtime) => {
      const platform = await openPlatform(runtime, { providers: 'live-or-emulated' });
      await ensureAdminKey(runtime, platform.storage.apiKeys);
      opened.platform = platform;
      return assemble(runtime, platform);
    },
    { name: 'demo', schema: platformSchema, env: await settings(), log },
  );
  const { platform } = opened;
  if (platform === null) throw new Error('the platform was not opened');
  const key = (await readFile(join(DATA_DIR, ADMIN_KEY_FILE), 'utf8')).trim();
  return { url: running.url, key, platform, close: () => running.close() };
}

async function settings(): Promise<Record<string, string>> {
  const { DATABASE_URL, REDIS_URL } = environment();
  return {
    PORT: String(await freePort()),
    FAIRLEAD_DATA_DIR: DATA_DIR,
    FAIRLEAD_EMULATOR_DELAY_FACTOR: DELAY_FACTOR,
    FAIRLEAD_HEARTBEAT_SECONDS: HEARTBEAT_SECONDS,
    ...(DATABASE_URL === undefined ? {} : { DATABASE_URL }),
    ...(REDIS_URL === undefined ? {} : { REDIS_URL }),
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
