import { resolve } from 'node:path';
import { openQueues, type Queues } from '#libs/queue';
import { rateSources } from '#libs/price-feeds';
import { plugins } from '#libs/providers';
import { serverSecret, type BaseConfig, type Runtime, type Secret } from '#libs/runtime';
import { openStorage, type Storage } from '#libs/storage';
import type { PlatformConfig } from './config';
import { jobSecrets, type JobSecrets } from './job-secrets';
import { openProviders, type OpenProviders, type ProviderSettings } from './open-providers';
import { ProviderRecord } from './provider-record';

/** What the services of a process share. Closed by the runtime, in the right order, when the process ends. */
export interface Platform {
  readonly storage: Storage;
  readonly queues: Queues;
  readonly providers: OpenProviders;
  readonly serverSecret: Secret;
  readonly jobSecrets: JobSecrets;
}

/** Which parts a process needs. Emulated providers live in one process, so only a process that is alone may have them. */
export interface PlatformNeeds {
  readonly providers: 'none' | 'live' | 'live-or-emulated';
}

type PlatformRuntime = Runtime<BaseConfig & PlatformConfig>;

/** Open database, providers and queues as configured. What was opened is closed again when the start fails. */
export async function openPlatform(
  runtime: PlatformRuntime,
  needs: PlatformNeeds,
): Promise<Platform> {
  const secret = await serverSecret(runtime.config);
  const databaseUrl = await openDatabase(runtime);
  const storage = await openStores(runtime, databaseUrl);
  const providers = await openAccounts(runtime, needs, storage);
  const queues = await openWakeUps(runtime, databaseUrl);
  return {
    storage,
    queues,
    providers,
    serverSecret: secret,
    jobSecrets: jobSecrets(runtime.env),
  };
}

/** The configured database, else one of our own in the data folder. */
async function openDatabase({ config, log, atEnd }: PlatformRuntime): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl.reveal();
  const { startEmbeddedPostgres } = await import('#libs/storage/embedded');
  const database = await startEmbeddedPostgres({
    dataDir: resolve(config.dataDir, 'postgres'),
    log: (message) => log.info(message),
  });
  atEnd('embedded database', () => database.stop());
  return database.url;
}

async function openStores(
  { config, readiness, atEnd }: PlatformRuntime,
  url: string,
): Promise<Storage> {
  const storage = await openStorage({ url, poolSize: config.dbPoolSize });
  atEnd('storage', () => storage.close());
  await storage.migrate();
  readiness.add('database', () => storage.offers.version());
  return storage;
}

async function openAccounts(
  { config, env, metrics, clock, log, atEnd }: PlatformRuntime,
  needs: PlatformNeeds,
  stores: Storage,
): Promise<OpenProviders> {
  const record = new ProviderRecord({ stores, metrics, clock, log });
  await record.begin();
  atEnd('what was seen of providers', () => record.end());
  const wanted = needs.providers === 'none' ? [] : plugins;
  const settings: ProviderSettings = {
    env,
    emulate: needs.providers === 'live-or-emulated' ? config.emulate : 'no',
    emulatorDir: resolve(config.dataDir, 'emulators'),
    delayFactor: config.emulatorDelayFactor,
    metrics: record,
    clock,
    circuitOf: (id) => record.circuitOf(id),
  };
  const providers = await openProviders(wanted, settings, rateSources);
  atEnd('providers', () => providers.close());
  return providers;
}

async function openWakeUps(
  { config, log, clock, metrics, atEnd }: PlatformRuntime,
  databaseUrl: string,
): Promise<Queues> {
  const backend =
    config.redisUrl === undefined
      ? ({ kind: 'postgres', url: databaseUrl } as const)
      : ({ kind: 'redis', url: config.redisUrl.reveal() } as const);
  const telemetry = config.otlpEndpoint !== undefined;
  const queues = await openQueues({
    backend,
    log,
    nowMs: () => clock.nowMs(),
    telemetry,
    figures: metrics,
  });
  atEnd('queues', () => queues.close(config.closeLimitSeconds * 1_000));
  return queues;
}
