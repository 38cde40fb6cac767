import { z } from 'zod';
import { secretText } from './secret';

/** Settings are wrong. The message lists all problems, one a line, by the name of the variable and without its value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(['The settings cannot be used:', ...problems].join('\n  '));
    this.name = 'ConfigError';
  }
}

const MIN_SECRET_CHARACTERS = 32;
const SECONDS_TO_CLOSE = 15;

const address = (protocols: readonly string[], example: string) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be an address such as ${example}`,
    );

/** What every process can be told. A field is read from the variable that its `env` names. */
export const baseConfigSchema = z.object({
  host: z.string().min(1).default('127.0.0.1').meta({ env: 'HOST' }),
  port: z.coerce.number().int().min(0).max(65_535).default(8080).meta({ env: 'PORT' }),
  logLevel: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('info')
    .meta({ env: 'LOG_LEVEL' }),
  /** What Fairlead keeps on this machine. */
  dataDir: z.string().min(1).default('.fairlead').meta({ env: 'FAIRLEAD_DATA_DIR' }),
  /** A Postgres to use instead of the embedded one. */
  databaseUrl: address(['postgres:', 'postgresql:'], 'postgresql://user@host:5432/fairlead')
    .pipe(secretText)
    .optional()
    .meta({ env: 'DATABASE_URL' }),
  /** Puts the queues on Redis. */
  redisUrl: address(['redis:', 'rediss:'], 'redis://host:6379')
    .pipe(secretText)
    .optional()
    .meta({ env: 'REDIS_URL' }),
  /** How workloads reach this installation. */
  publicUrl: address(['http:', 'https:'], 'https://fairlead.example')
    .optional()
    .meta({ env: 'FAIRLEAD_PUBLIC_URL' }),
  /** Where traces are sent; without it none are made. */
  otlpEndpoint: address(['http:', 'https:'], 'http://localhost:4318')
    .optional()
    .meta({ env: 'OTEL_EXPORTER_OTLP_ENDPOINT' }),
  /** Signs what this installation hands out; made and kept in the data folder when not given. */
  secret: z
    .string()
    .min(MIN_SECRET_CHARACTERS, `must have ${MIN_SECRET_CHARACTERS} characters or more`)
    .pipe(secretText)
    .optional()
    .meta({ env: 'FAIRLEAD_SECRET' }),
  /** How long work may take to finish when the process is asked to end. */
  closeLimitSeconds: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(SECONDS_TO_CLOSE)
    .meta({ env: 'FAIRLEAD_CLOSE_LIMIT_SECONDS' }),
  /** Whether `/metrics` answers other machines as well; this machine it answers always. */
  metricsOpen: z
    .enum(['yes', 'no'])
    .default('no')
    .transform((word) => word === 'yes')
    .meta({ env: 'FAIRLEAD_METRICS_OPEN' }),
});
export type BaseConfig = z.output<typeof baseConfigSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Read the settings of an app from the environment. An empty variable counts as one that is not there. */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Environment = process.env,
): z.output<Schema> {
  const variables = new Map(
    Object.entries(schema.shape).map(([field, type]) => [field, variableOf(field, type)]),
  );
  const given = Object.fromEntries(
    [...variables].flatMap(([field, variable]) => {
      const text = env[variable]?.trim();
      return text === undefined || text === '' ? [] : [[field, text]];
    }),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: [field, ...rest], message }) => {
    const variable = variables.get(String(field)) ?? String(field);
    return `${[variable, ...rest.map(String)].join('.')}: ${wording(message, given, field)}`;
  });
  throw new ConfigError(problems);
}

/** A field without an `env` of its own is read from its name: `bodyLimit` from FAIRLEAD_BODY_LIMIT. */
function variableOf(field: string, type: unknown): string {
  const env = type instanceof z.ZodType ? type.meta()?.['env'] : undefined;
  if (typeof env === 'string') return env;
  return `FAIRLEAD_${field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function wording(
  message: string,
  given: Readonly<Record<string, unknown>>,
  field: PropertyKey | undefined,
): string {
  const missing = field === undefined || !Object.hasOwn(given, field);
  return missing ? 'is needed and not set' : message;
}

/** The environment of the process, for a composition root that has to hand part of it on. */
export function environment(): Environment {
  return process.env;
}
