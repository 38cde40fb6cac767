import { createRequire } from 'node:module';

export interface TelemetryOptions {
  /** The base address of an OTLP collector over HTTP. */
  readonly endpoint: string;
  readonly serviceName: string;
}

/** Traces that are being made and sent. */
export interface Telemetry {
  /** Sends what is left. */
  stop(): Promise<void>;
}

/** Asked often, by machines, about nothing that a trace would explain. */
const untraced: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);
/** What is instrumented while it loads, by packages that this process may have or not. */
const instrumented = ['node:http', 'node:https', 'pg', 'ioredis'];

/**
 * Start to trace HTTP, queries and Redis, and to send the traces. Loads OpenTelemetry only now, so that it costs
 * nothing where it is not wanted. Call before the parts that are to be traced are put to work.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const [{ NodeSDK }, { OTLPTraceExporter }, instrumentations] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    loadInstrumentations(),
  ]);
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', slashed(options.endpoint)).href,
  });
  const sdk = new NodeSDK({
    serviceName: options.serviceName,
    traceExporter: exporter,
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [...instrumentations],
  });
  sdk.start();
  loadInstrumented();
  return { stop: () => sdk.shutdown() };
}

async function loadInstrumentations() {
  const [http, undici, pg, redis, fastify] = await Promise.all([
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/instrumentation-undici'),
    import('@opentelemetry/instrumentation-pg'),
    import('@opentelemetry/instrumentation-ioredis'),
    import('@fastify/otel'),
  ]);
  return [
    new http.HttpInstrumentation({
      ignoreIncomingRequestHook: ({ url }) => untraced.has(pathOf(url)),
    }),
    new undici.UndiciInstrumentation(),
    new pg.PgInstrumentation({ requireParentSpan: true }),
    new redis.IORedisInstrumentation({ requireParentSpan: true }),
    new fastify.FastifyOtelInstrumentation({
      registerOnInitialization: true,
      // Nest adds hooks to every request, which say nothing about it.
      instrumentHooks: false,
      ignorePaths: ({ url }) => untraced.has(pathOf(url)),
    }),
  ];
}

/** The hooks act when a module is required; what was loaded before is patched by requiring it again. */
function loadInstrumented(): void {
  const load = createRequire(__filename);
  for (const name of instrumented) {
    try {
      load(name);
    } catch {
      // A process without the package has nothing to trace there.
    }
  }
}

function pathOf(url = ''): string {
  return url.split('?', 1)[0] ?? '';
}

function slashed(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
