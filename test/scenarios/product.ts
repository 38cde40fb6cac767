import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_KEY_FILE, ensureAdminKey } from '#apps/gateway/gateway.module';
import { assemble } from '#apps/standalone/standalone.module';
import type { AttemptId } from '#libs/domain';
import { openPlatform, platformSchema, type Platform } from '#libs/platform';
import { AdapterRegistry, guard, type RunningEmulator, type Timers } from '#libs/provider-kit';
import { createLog, start, type Running } from '#libs/runtime';
import { freshDatabase } from '../../libs/storage/testing/fresh-database';
import { Api } from './api';
import { freePort, until } from './wait';

/** Provider-side waits pass this much faster. */
const DELAY_FACTOR = 0.01;
/** Nothing that runs in this process takes longer to answer a call. */
const CALL_TIMEOUT_MS = 2_000;
const START_LIMIT = 3;

/** The whole product at work in this process: five services, a database of its own, and emulated providers. */
export interface Product {
  readonly api: Api;
  readonly platform: Platform;
  readonly dataDir: string;
  /** What was written to the log, a line each. */
  readonly logged: readonly string[];
  emulator(providerId: string): RunningEmulator;
  /** Whatever the providers' own books say is still running. */
  leasesLeft(): readonly AttemptId[];
  close(): Promise<void>;
}

/** `env` adds settings, such as secrets for jobs. Takes everything down again when it cannot start. */
export async function startProduct(env: Readonly<Record<string, string>> = {}): Promise<Product> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fairlead-scenario-'));
  const database = await freshDatabase();
  const drop = async (): Promise<void> => {
    await database.drop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const settings = { FAIRLEAD_DATA_DIR: dataDir, DATABASE_URL: database.url, ...env };
    const { running, platform, logged } = await startSomewhere(settings);
    try {
      const key = (await readFile(join(dataDir, ADMIN_KEY_FILE), 'utf8')).trim();
      const product = productOf(new Api(running.url, key), platform, dataDir, logged, async () => {
        await running.close();
        await drop();
      });
      await until('offers of every provider', () => hasOffers(product));
      return product;
    } catch (error) {
      await running.close();
      throw error;
    }
  } catch (error) {
    await drop();
    throw error;
  }
}

async function hasOffers({ api, platform }: Product): Promise<boolean> {
  const { providers } = platform.providers;
  const read = await Promise.all(
    providers.map(({ descriptor }) => api.offers(`provider=${descriptor.id}`)),
  );
  return read.every((offers) => offers.length > 0);
}

function productOf(
  api: Api,
  platform: Platform,
  dataDir: string,
  logged: readonly string[],
  close: () => Promise<void>,
): Product {
  const { providers } = platform.providers;
  return {
    api,
    platform,
    dataDir,
    logged,
    close,
    emulator: (providerId) => {
      const found = providers.find(({ descriptor }) => descriptor.id === providerId)?.emulator;
      if (found === undefined || found === null) throw new Error(`${providerId} is not emulated`);
      return found;
    },
    leasesLeft: () =>
      providers
        .flatMap(({ emulator }) => emulator?.leases() ?? [])
        .flatMap(({ running, leaseKey }) => (running ? [leaseKey] : [])),
  };
}

/** Another program may take the port first: choose again. */
async function startSomewhere(settings: Readonly<Record<string, string>>) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOn(await freePort(), settings);
    } catch (error) {
      if (!String(error).includes('EADDRINUSE') || tries === START_LIMIT) throw error;
    }
  }
}

async function startOn(
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<{ running: Running; platform: Platform; logged: readonly string[] }> {
  const opened: Platform[] = [];
  const logged: string[] = [];
  const log = createLog({
    name: 'scenario',
    level: 'debug',
    destination: { write: (line: string) => void logged.push(line) },
  });
  const running = await start(
    async (runtime) => {
      const platform = hastened(await openPlatform(runtime, { providers: 'live-or-emulated' }));
      await ensureAdminKey(runtime, platform.storage.apiKeys);
      opened.push(platform);
      return assemble(runtime, platform);
    },
    {
      name: 'scenario',
      schema: platformSchema,
      log,
      env: {
        ...settings,
        PORT: String(port),
        FAIRLEAD_EMULATOR_DELAY_FACTOR: String(DELAY_FACTOR),
        FAIRLEAD_HEARTBEAT_SECONDS: '1',
      },
    },
  );
  const [platform] = opened;
  if (platform === undefined) throw new Error('the platform was not opened');
  return { running, platform, logged };
}

const timers: Timers = {
  nowMs: () => Date.now(),
  setTimer: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * The emulators' reads lag by the delay factor less and their calls end sooner than those of the real providers, so
 * their silence may be believed as much sooner. Everything else of their manners stays.
 */
function hastened(platform: Platform): Platform {
  const adapters = platform.providers.adapters.all().map((adapter) => {
    const { quietMs, callTimeoutMs } = adapter.descriptor;
    const descriptor = {
      ...adapter.descriptor,
      quietMs: Math.ceil(quietMs * DELAY_FACTOR),
      callTimeoutMs: Math.min(callTimeoutMs, CALL_TIMEOUT_MS),
    };
    const metrics = { observeCall: () => undefined };
    return guard({ ...adapter, descriptor }, { timers, metrics });
  });
  const providers = { ...platform.providers, adapters: new AdapterRegistry(adapters) };
  return { ...platform, providers };
}
