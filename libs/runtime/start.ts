import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import type { CustomTransportStrategy, MicroserviceOptions } from '@nestjs/microservices';
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import type { z } from 'zod';
import type { Clock, Ids } from './clock';
import { baseConfigSchema, loadConfig, type BaseConfig } from './config';
import { addOperations } from './operations';
import { createLog, NestLog, type Log } from './log';
import { Metrics } from './metrics';
import { Readiness } from './readiness';
import { SystemClock } from './system-clock';
import { startTelemetry } from './telemetry';
import { UuidIds } from './uuid-ids';
import { within } from './within';

/** What a process gives to the module that it runs. */
export interface Runtime<Config extends BaseConfig = BaseConfig> {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly readiness: Readiness;
  /** For settings whose names only a provider or a job knows; everything else comes from `config`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Run when the process ends, after the module has stopped; the last one added goes first. */
  atEnd(name: string, close: () => Promise<unknown>): void;
}

/** A module, and how it is reached. */
export interface Assembly {
  readonly module: DynamicModule | Type;
  /** Through which the module's message patterns are asked. */
  readonly transport?: { readonly strategy: CustomTransportStrategy } | MicroserviceOptions;
  readonly http?: {
    readonly adapter?: () => FastifyAdapter;
    readonly bodyParser?: boolean;
    /** Called once, before the application listens. */
    readonly prepare?: (app: NestFastifyApplication) => Promise<void>;
  };
}

export interface StartOptions<Schema extends z.ZodObject> {
  /** The name of the process in logs, traces and figures. */
  readonly name: string;
  /** The settings of the app; those of every process are added. */
  readonly schema?: Schema;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log?: Log;
}

/** A process at work. */
export interface Running {
  readonly url: string;
  readonly log: Log;
  /** Stops taking work in, lets what is under way finish within the configured time, and lets go of everything. */
  close(): Promise<void>;
}

type ConfigOf<Schema extends z.ZodObject> = BaseConfig & z.output<Schema>;
type Ending = readonly [name: string, close: () => Promise<unknown>];

/** Of the time to close, this part is kept for what the module rests on: queues, database. */
const REST_MS = 3_000;

/**
 * Put a module to work in this process: settings, log, figures, traces when they are wanted, HTTP with health, and
 * messages. Does nothing to the process itself; `run` does. What was opened is closed again when the start fails.
 */
export async function start<Schema extends z.ZodObject = z.ZodObject<{}>>(
  assemble: (runtime: Runtime<ConfigOf<Schema>>) => Promise<Assembly> | Assembly,
  options: StartOptions<Schema>,
): Promise<Running> {
  const config = configOf(options);
  const log = options.log ?? createLog({ name: options.name, level: config.logLevel });
  const endings: Ending[] = [];
  const readiness = new Readiness();
  const close = closer(config, log, readiness, endings);
  try {
    await startTraces(config, options, endings);
    const metrics = new Metrics(options.name);
    const assembly = await assemble({
      config,
      log,
      metrics,
      clock: new SystemClock(),
      ids: new UuidIds(),
      readiness,
      env: options.env ?? process.env,
      atEnd: (name, ending) => void endings.push([name, ending]),
    });
    const app = await createApp(assembly, log);
    endings.push(['application', () => app.close()]);
    addOperations(app, { readiness, metrics, metricsOpen: config.metricsOpen });
    await assembly.http?.prepare?.(app);
    if (assembly.transport !== undefined) {
      app.connectMicroservice(assembly.transport, { inheritAppConfig: true });
      await app.startAllMicroservices();
    }
    await app.listen({ port: config.port, host: config.host });
    readiness.isUp();
    return { url: await urlOf(app), log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function configOf<Schema extends z.ZodObject>({
  schema,
  env,
}: StartOptions<Schema>): ConfigOf<Schema> {
  const whole = schema === undefined ? baseConfigSchema : baseConfigSchema.extend(schema.shape);
  return loadConfig(whole, env) as ConfigOf<Schema>;
}

async function startTraces(
  { otlpEndpoint }: BaseConfig,
  { name }: { readonly name: string },
  endings: Ending[],
): Promise<void> {
  if (otlpEndpoint === undefined) return;
  const telemetry = await startTelemetry({
    endpoint: otlpEndpoint,
    serviceName: `fairlead-${name}`,
  });
  endings.push(['traces', () => telemetry.stop()]);
}

async function createApp({ module, http }: Assembly, log: Log): Promise<NestFastifyApplication> {
  const { NestFactory } = await import('@nestjs/core');
  const adapter = http?.adapter?.() ?? (await defaultAdapter());
  return NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(log),
    abortOnError: false,
    bodyParser: http?.bodyParser ?? true,
  });
}

async function defaultAdapter(): Promise<FastifyAdapter> {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return new FastifyAdapter({ forceCloseConnections: true });
}

async function urlOf(app: INestApplication): Promise<string> {
  return (await app.getUrl()).replace('[::1]', 'localhost');
}

/** Closes in reverse order, once, and never fails: what does not close in time is left and named in the log. */
function closer(
  { closeLimitSeconds }: BaseConfig,
  log: Log,
  readiness: Readiness,
  endings: readonly Ending[],
): () => Promise<void> {
  let closing: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    readiness.isClosing();
    const endMs = performance.now() + closeLimitSeconds * 1_000;
    for (const [name, close] of endings.toReversed()) {
      const leftMs = Math.max(endMs - performance.now(), REST_MS / endings.length);
      await closeOne(name, close, leftMs, log);
    }
  };
  return () => (closing ??= closeAll());
}

async function closeOne(
  name: string,
  close: () => Promise<unknown>,
  limitMs: number,
  log: Log,
): Promise<void> {
  try {
    const done = await within(
      limitMs,
      close().then(() => true),
    );
    if (done === null) log.warn({ part: name, limitMs }, 'A part did not close in time.');
  } catch (error) {
    log.warn({ part: name, err: error }, 'A part did not close properly.');
  }
}
