import { inspect } from 'node:util';
import { z } from 'zod';
import { baseConfigSchema, ConfigError, loadConfig } from './config';
import { Secret } from './secret';

function problemsOf(env: Record<string, string>, schema: z.ZodObject = baseConfigSchema) {
  try {
    loadConfig(schema, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('loadConfig', () => {
  it('needs nothing on a laptop, and listens to the loopback alone', () => {
    expect(loadConfig(baseConfigSchema, {})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      logLevel: 'info',
      dataDir: '.fairlead',
      closeLimitSeconds: 15,
      metricsOpen: false,
    });
  });

  it('reads the variables by their usual names and takes an empty one for none', () => {
    const config = loadConfig(baseConfigSchema, {
      PORT: '9000',
      DATABASE_URL: 'postgresql://me:hush@db/x',
      REDIS_URL: ' ',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    });
    expect(config.port).toBe(9000);
    expect(config.redisUrl).toBeUndefined();
    expect(config.otlpEndpoint).toBe('http://collector:4318');
    expect(config.databaseUrl?.reveal()).toBe('postgresql://me:hush@db/x');
    expect(inspect(config)).not.toContain('hush');
    expect(JSON.stringify(config)).not.toContain('hush');
  });

  it('names all problems at once, by variable and without the value', () => {
    const problems = problemsOf({
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://me:hush@db/x',
      FAIRLEAD_SECRET: 'short',
    });
    expect(problems).toHaveLength(4);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'FAIRLEAD_SECRET',
    ]);
    expect(problems.join()).not.toMatch(/hush|short|eighty|loud/);
    expect(problems[2]).toBe(
      'DATABASE_URL: must be an address such as postgresql://user@host:5432/fairlead',
    );
  });

  it("an app's own fields are read by their names, and one that is missing is said to be", () => {
    const schema = baseConfigSchema.extend({ messagesPort: z.coerce.number(), region: z.string() });
    expect(problemsOf({ FAIRLEAD_MESSAGES_PORT: '4000' }, schema)).toEqual([
      'FAIRLEAD_REGION: is needed and not set',
    ]);
    const env = { FAIRLEAD_MESSAGES_PORT: '4000', FAIRLEAD_REGION: 'eu' };
    expect(loadConfig(schema, env)).toMatchObject({ messagesPort: 4000, region: 'eu' });
  });
});

describe('Secret', () => {
  const secret = new Secret('hush');
  const ways: readonly (readonly [string, (secret: Secret) => string])[] = [
    ['a template', (value) => `${value}`],
    ['String', String],
    ['JSON', (value) => JSON.stringify({ value })],
    ['inspect', (value) => inspect({ value }, { showHidden: true, depth: 9 })],
    ['the entries', (value) => JSON.stringify(Object.entries(value))],
  ];
  it.each(ways)('does not show in %s', (_way, print) => {
    expect(print(secret)).not.toContain('hush');
  });

  it('reveals itself to who asks for it', () => {
    expect(secret.reveal()).toBe('hush');
  });
});
