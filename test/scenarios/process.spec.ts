import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chown, readFile, stat } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { hasRedis, startRedis } from '../../libs/queue/testing/redis-server';
import { freshDatabase, type FreshDatabase } from '../../libs/storage/testing/fresh-database';
import { Api } from './api';
import { Child, ensureDist, removeFolders, REPOSITORY, stopChildren, tempFolder } from './child';
import { descendantsOf, proportionalKib, workloadsUnder } from './processes';
import { freePort, until } from './wait';

jest.setTimeout(180_000);

/** An account that every Unix has and that owns nothing. */
const NOBODY = 65_534;
/** What is left behind by a process that was killed is gone by then; its watchdogs look twice a second. */
const ORPHAN_LIMIT_MS = 30_000;
const OTHERS_MAY_ENTER = 0o001;

const ending: (() => Promise<unknown>)[] = [];

beforeAll(ensureDist);
afterAll(async () => {
  await stopChildren();
  for (const end of ending.splice(0)) await end();
  await removeFolders();
});

/** The product in a process of its own, and a client of it. */
interface Instance {
  readonly child: Child;
  readonly api: Api;
}

const settings = (dataDir: string, port: number) => ({
  PORT: String(port),
  FAIRLEAD_DATA_DIR: dataDir,
  FAIRLEAD_EMULATOR_DELAY_FACTOR: '0.01',
  FAIRLEAD_HEARTBEAT_SECONDS: '1',
});

async function startInstance(
  dataDir: string,
  {
    env = {},
    uid,
  }: { readonly env?: Readonly<Record<string, string>>; readonly uid?: number } = {},
): Promise<Instance> {
  const port = await freePort();
  const child = new Child('standalone/main', {
    env: { ...settings(dataDir, port), ...env },
    cwd: dataDir,
    ...(uid === undefined ? {} : { uid }),
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`a router that is ready; it said ${child.err}`, async () => {
    if (child.isOver) throw new Error(`it ended instead of starting: ${child.err}${child.out}`);
    return new Api(url, null).ready();
  });
  const key = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
  return { child, api: new Api(url, key) };
}

async function ownDatabase(): Promise<FreshDatabase> {
  const database = await freshDatabase();
  ending.push(() => database.drop());
  return database;
}

const short = {
  name: 'short',
  image: 'docker.io/library/node:24',
  command: ['node', '-p', '"done by " + process.getuid()'],
  durationEstimate: '5m',
};

async function runShortJob(api: Api): Promise<string> {
  const id = await api.submit(short);
  expect(await api.ended(id)).toMatchObject({ outcome: 'completed' });
  return api.logs(id);
}

/** A job that runs until the test lets it end, wherever it was started again meanwhile. */
async function heldJob(): Promise<{ readonly document: unknown; letEnd(): void }> {
  let mayEnd = false;
  const server: Server = createHttpServer((_request, response) => {
    response.writeHead(mayEnd ? 200 : 409).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const program = `
    console.log('at work');
    const look = async () => {
      const { ok } = await fetch('http://127.0.0.1:${port}');
      if (ok) console.log('let go'); else setTimeout(look, 200);
    };
    void look();`;
  const document = { ...short, name: 'held', command: ['node', '-e', program] };
  return { document, letEnd: () => void (mayEnd = true) };
}

async function nothingLeft(dataDir: string): Promise<void> {
  await until(
    `no process of ${dataDir} among ${JSON.stringify(workloadsUnder(dataDir))}`,
    () => workloadsUnder(dataDir).length === 0,
    ORPHAN_LIMIT_MS,
  );
}

/** One life after the other on the same data; each test goes on where the one before ended. */
describe('on a data folder of its own', () => {
  let dataDir: string;
  let instance: Instance;
  let finished: string;
  let held: string;
  let job: Awaited<ReturnType<typeof heldJob>>;

  beforeAll(async () => {
    dataDir = await tempFolder();
    job = await heldJob();
    instance = await startInstance(dataDir);
  });

  it('runs jobs, and keeps its key where only the owner can read it', async () => {
    const { api } = instance;
    held = await api.submit(job.document);
    finished = await api.submit(short);
    expect(await api.ended(finished)).toMatchObject({ outcome: 'completed' });
    expect((await stat(join(dataDir, 'admin-key'))).mode & 0o077).toBe(0);
    await api.printed(held, /at work/);
  });

  it('keeps a second instance away, which says why and who is there', async () => {
    const second = new Child('standalone/main', {
      env: settings(dataDir, await freePort()),
      cwd: dataDir,
    });
    expect(await second.exited()).toBe(1);
    expect(second.err).toContain('standalone cannot start');
    expect(second.err).toContain(dataDir);
    expect(second.err).toContain(String(instance.child.pid));
    expect(second.err).not.toMatch(/^\s+at /m);
    expect(await instance.api.ready()).toBe(true);
  });

  it('ends with code 0 on SIGTERM, and leaves no server and no workload behind', async () => {
    expect(workloadsUnder(dataDir).length).toBeGreaterThan(2);
    instance.child.signal('SIGTERM');
    expect(await instance.child.exited()).toBe(0);
    expect(workloadsUnder(dataDir)).toEqual([]);
    expect(instance.child.err).toBe('');
  });

  it('finds its data at the second start, and goes on with what was running', async () => {
    const startedMs = performance.now();
    instance = await startInstance(dataDir);
    note('second start to ready', `${Math.round(performance.now() - startedMs)} ms`);
    const { api, child } = instance;
    noteMemory(child.pid);
    expect(await api.job(finished)).toMatchObject({ outcome: 'completed', name: 'short' });
    expect(await api.logs(finished)).toContain('done by');
    await until('a second attempt at work', async () => {
      const attempts = await api.attempts(held);
      return attempts.length === 2 && attempts[1]?.phase === 'running';
    });
  });

  it('leaves nothing running for long when it is killed', async () => {
    const children = descendantsOf(instance.child.pid);
    expect(children.length).toBeGreaterThan(2);
    instance.child.signal('SIGKILL');
    expect(await instance.child.exited()).toBe('SIGKILL');
    const startedMs = performance.now();
    await nothingLeft(dataDir);
    note('orphans gone after', `${Math.round(performance.now() - startedMs)} ms`);
  });

  it('recovers at the next start: data are whole, and the job that was running ends', async () => {
    instance = await startInstance(dataDir);
    const { api } = instance;
    expect(await api.job(finished)).toMatchObject({ outcome: 'completed' });
    await until('a third attempt at work', async () => {
      const attempts = await api.attempts(held);
      return attempts.length === 3 && attempts[2]?.phase === 'running';
    });
    job.letEnd();
    expect(await api.ended(held)).toMatchObject({ outcome: 'completed', attempts: 3 });
    const attempts = await api.attempts(held);
    expect(attempts.map(({ outcome }) => outcome)).toEqual([
      'interrupted',
      'interrupted',
      'succeeded',
    ]);
    expect(await api.logs(held)).toContain('let go');
    instance.child.signal('SIGTERM');
    expect(await instance.child.exited()).toBe(0);
    expect(workloadsUnder(dataDir)).toEqual([]);
  });
});

const unprivileged = 'works for an account that may do nothing but own its data';
const whyNot = whyNoOtherAccount();
const itAsNobody =
  whyNot === null
    ? (test: () => Promise<void>) => it(unprivileged, test)
    : (test: () => Promise<void>) => it.skip(`${unprivileged} (${whyNot})`, test);

itAsNobody(async () => {
  const dataDir = await tempFolder();
  await chown(dataDir, NOBODY, NOBODY);
  const { child, api } = await startInstance(dataDir, { uid: NOBODY });
  expect(await runShortJob(api)).toContain(`done by ${NOBODY}`);
  child.signal('SIGTERM');
  expect(await child.exited()).toBe(0);
  expect(workloadsUnder(dataDir)).toEqual([]);
});

it('says in words that the port is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  ending.push(async () => taken.close());
  const { port } = taken.address() as AddressInfo;
  const { url } = await ownDatabase();
  const dataDir = await tempFolder();
  const child = new Child('standalone/main', {
    env: { ...settings(dataDir, port), DATABASE_URL: url },
  });
  expect(await child.exited()).toBe(1);
  expect(child.err).toMatch(/standalone cannot start: .*in use/);
  expect(child.err).toContain(String(port));
  expect(child.err).not.toMatch(/^\s+at /m);
});

it('lists every setting that is wrong', async () => {
  const child = new Child('standalone/main', {
    env: {
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      FAIRLEAD_HEARTBEAT_SECONDS: '0',
      FAIRLEAD_EMULATE: 'maybe',
      DATABASE_URL: 'mysql://somebody:hush@localhost/x',
      FAIRLEAD_SECRET: 'too-short',
    },
  });
  expect(await child.exited()).toBe(1);
  for (const name of [
    'PORT',
    'LOG_LEVEL',
    'FAIRLEAD_HEARTBEAT_SECONDS',
    'FAIRLEAD_EMULATE',
    'DATABASE_URL',
    'FAIRLEAD_SECRET',
  ])
    expect(child.err).toMatch(new RegExp(`^ +${name}: `, 'm'));
  expect(child.err + child.out).not.toMatch(/hush|too-short|^\s+at /m);
});

(hasRedis() ? it : it.skip)('runs jobs with its queues on Redis (needs redis-server)', async () => {
  const redis = await startRedis();
  ending.push(() => redis.stop());
  const { url } = await ownDatabase();
  const dataDir = await tempFolder();
  const { child, api } = await startInstance(dataDir, {
    env: { DATABASE_URL: url, REDIS_URL: redis.url },
  });
  expect(await runShortJob(api)).toContain('done by');
  expect(await sayTo(redis.url, 'DBSIZE')).toMatch(/^:[1-9]/);
  child.signal('SIGTERM');
  expect(await child.exited()).toBe(0);
  expect(workloadsUnder(dataDir)).toEqual([]);
});

async function sayTo(url: string, line: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end(`${line}\r\n`);
  const [chunk] = await once(socket, 'data');
  socket.destroy();
  return String(chunk);
}

/** Why nothing can be run under another account here, or null when it can. */
function whyNoOtherAccount(): string | null {
  if (process.getuid?.() !== 0) return 'needs root; all other tests run unprivileged already';
  const entered = [REPOSITORY, dirname(process.execPath)].every(othersMayEnter);
  return entered ? null : 'other accounts cannot enter the folders of this clone';
}

function othersMayEnter(folder: string): boolean {
  const parts = folder.split('/').map((_, at, all) => all.slice(0, at + 1).join('/') || '/');
  return parts.every((part) => (statSync(part).mode & OTHERS_MAY_ENTER) !== 0);
}

function noteMemory(pid: number): void {
  const parts = [pid, ...descendantsOf(pid)].map(proportionalKib);
  const kib = parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
  note('memory with the database', `${Math.round(kib / 1_024)} MiB in ${parts.length} processes`);
}

function note(what: string, text: string): void {
  process.stderr.write(`note: ${what}: ${text}\n`);
}
