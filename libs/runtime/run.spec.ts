import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createDatabase, dropDatabase } from '../storage/embedded';

jest.setTimeout(60_000);

const WAIT_MS = 30_000;
const children: ChildProcess[] = [];
const servers: Server[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
});

interface App {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

function startApp(behaviour: string, env: Record<string, string> = {}): App {
  const testing = join(__dirname, 'testing');
  const child = spawn(
    process.execPath,
    [
      '--conditions=source',
      '--require',
      join(testing, 'register.cjs'),
      join(testing, 'app.ts'),
      behaviour,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], PORT: '0', FAIRLEAD_CLOSE_LIMIT_SECONDS: '2', ...env },
    },
  );
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
  return { child, said, exit };
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error('it did not come about in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it.each(['SIGTERM', 'SIGINT'] as const)('ends well on %s', async (signal) => {
  const { child, said, exit } = startApp('');
  await until(() => said.out.includes('is ready'));
  child.kill(signal);
  expect(await exit).toBe(0);
  expect(said.out).toContain('closed in order');
  expect(said.err).toBe('');
});

it('ends at once on a second signal', async () => {
  const { child, said, exit } = startApp('hang', { FAIRLEAD_CLOSE_LIMIT_SECONDS: '600' });
  await until(() => said.out.includes('is ready'));
  child.kill('SIGTERM');
  await until(() => said.out.includes('closed in order'));
  child.kill('SIGTERM');
  expect(await exit).toBe(1);
});

it('ends in time although a part does not close', async () => {
  const { child, said, exit } = startApp('hang');
  await until(() => said.out.includes('is ready'));
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(said.out).toContain('"part":"slow part"');
});

it('ends with a reason when something is thrown that nobody caught', async () => {
  const { said, exit } = startApp('crash');
  expect(await exit).toBe(1);
  expect(said.out).toContain('nobody caught me');
  expect(said.out).toContain('closed in order');
});

it('says in words why it cannot start, and keeps secrets', async () => {
  const { said, exit } = startApp('refuse');
  expect(await exit).toBe(1);
  expect(said.err).toContain('things cannot start: the database is away');
  expect(said.err + said.out).not.toContain('hush');
});

it('lists all settings that are wrong', async () => {
  const { said, exit } = startApp('', { PORT: 'eighty', LOG_LEVEL: 'loud' });
  expect(await exit).toBe(1);
  expect(said.err).toMatch(/PORT: .*\n.*LOG_LEVEL: /);
});

interface Span {
  readonly name: string;
  readonly traceId: string;
}

it('sends one trace that follows a request through the queue into the work, and marks log lines with it', async () => {
  const server = process.env['FAIRLEAD_TEST_PG'] ?? '';
  const name = `trace_${randomUUID().replaceAll('-', '')}`;
  const url = await createDatabase(server, name);
  const spans: Span[] = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      spans.push(...spansIn(JSON.parse(body)));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  servers.push(collector);
  await once(collector, 'listening');
  const address = collector.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const { child, said, exit } = startApp('', {
    TEST_DATABASE_URL: url,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  });
  await until(() => said.out.includes('is ready'));
  const base = /"url":"([^"]+)"/.exec(said.out)?.[1] ?? '';
  await fetch(`${base}/livez`);
  await fetch(`${base}/things/7`);
  await until(() => said.out.includes('learned'));
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  await dropDatabase(server, name);

  const work = spans.find((span) => span.name.startsWith('process'));
  const request = spans.find((span) => span.name.startsWith('GET'));
  expect(spans.map((span) => span.name)).toEqual(
    expect.arrayContaining([work?.name, request?.name]),
  );
  expect(work?.traceId).toBe(request?.traceId);
  expect(spans.some((span) => span.traceId === work?.traceId && /pg/.test(span.name))).toBe(true);
  expect(said.out).toContain(`"traceId":"${work?.traceId}"`);
  expect(spans.filter((span) => span.name.includes('livez'))).toEqual([]);
});

function spansIn(body: unknown): readonly Span[] {
  const found: Span[] = [];
  JSON.stringify(body, (_key, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'traceId' in value && 'name' in value)
      found.push({ name: String(value.name), traceId: String(value.traceId) });
    return value;
  });
  return found;
}
