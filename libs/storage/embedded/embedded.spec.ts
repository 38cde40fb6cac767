import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { findBinaries } from './binaries';
import { createDatabase, dropDatabase } from './databases';
import { lifeOf, waitUntil } from './processes';
import { scratchParent } from './test-server';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './server';

const WAIT_MS = 20_000;
const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65534, gid: 65534 };
const asRoot = isRoot ? it : it.skip;
/** Root can lend a test to another user, unless that user cannot enter the clone. */
const asNobody =
  isRoot && spawnSync(process.execPath, ['--version'], nobody).status === 0 ? it : it.skip;
const folders: string[] = [];
const children: ChildProcess[] = [];
const servers: EmbeddedPostgres[] = [];
const serverPids: number[] = [];

jest.setTimeout(60_000);

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const pid of serverPids.splice(0))
    if ((await lifeOf(pid)) !== null) process.kill(pid, 'SIGQUIT');
  for (const folder of folders.splice(0))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A new folder that everybody may enter. */
function newFolder(mode = 0o755, parent = scratch): string {
  const folder = mkdtempSync(join(parent, 'fairlead-embedded-'));
  chmodSync(folder, mode);
  folders.push(folder);
  return folder;
}

let scratch = '';
let prototype = '';

beforeAll(async () => {
  scratch = await scratchParent();
  prototype = mkdtempSync(join(scratch, 'fairlead-embedded-'));
  const server = await startEmbeddedPostgres({ dataDir: prototype, log: () => undefined });
  await server.stop();
});

afterAll(() => rmSync(prototype, { recursive: true, force: true }));

/** A data folder that was used and stopped before: a copy, since making one takes a second. */
function usedFolder(): string {
  const folder = newFolder();
  spawnSync('cp', ['-a', `${prototype}/.`, folder]);
  return folder;
}

async function start(
  dataDir: string,
  rest: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    dataDir,
    durability: 'none',
    patienceMs: 0,
    log: () => undefined,
    ...rest,
  });
  servers.push(server);
  return server;
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

interface OwnerProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly pid: number;
  readonly error: string;
}

/** The same in a process of its own, which can be killed. */
async function startInProcess(
  options: { dataDir: string; fallbackDir?: string },
  { through = [], ...account }: { uid?: number; gid?: number; through?: readonly string[] } = {},
): Promise<OwnerProcess> {
  const script = join(__dirname, 'testing', 'owner-process.cjs');
  const [file = '', ...args] = [...through, process.execPath, script, JSON.stringify(options)];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], ...account });
  children.push(child);
  for await (const line of createInterface(child.stdout)) {
    const { url = '', pid = 0, error = '' } = JSON.parse(line) as Partial<OwnerProcess>;
    if (pid > 0) serverPids.push(pid);
    return { child, url, pid, error };
  }
  throw new Error('the process ended without a word');
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const isGone = (pid: number) => waitUntil(async () => (await lifeOf(pid)) === null, WAIT_MS);

/** The watchdog of a process is the shell that has the claim's token among its arguments. */
function watchdogOf(dataDir: string): number {
  const token = readFileSync(join(dataDir, 'owner'), 'utf8').split('\n')[2] ?? '';
  // The brackets keep the search from finding itself, which comes first where process ids have wrapped.
  const pattern = `[${token.charAt(0)}]${token.slice(1)}`;
  const found = spawnSync('/bin/sh', ['-c', `grep -l '${pattern}' /proc/[0-9]*/cmdline`], {
    encoding: 'utf8',
  });
  return Number(/proc\/(\d+)\//.exec(found.stdout)?.[1]);
}

describe('the embedded database', () => {
  it('makes its files on first use and finds its rows at the second start', async () => {
    const dataDir = join(newFolder(), 'a', 'postgres');
    const first = await start(dataDir, { durability: 'full' });
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    const [settings] = await query(
      first.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('server_encoding') AS encoding,
        (SELECT datcollate FROM pg_database WHERE datname = current_database()) AS locale`,
    );
    await first.stop();
    const second = await start(dataDir);

    expect(settings).toEqual({ fsync: 'on', encoding: 'UTF8', locale: 'C' });
    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
    expect(second.connection).toEqual(first.connection);
    expect(first.connection.host).toMatch(/^\//);
    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
  });

  it('lets nobody in without the password', async () => {
    const server = await start(usedFolder());
    const wrong = server.url.replace(server.connection.password, 'guess');
    await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('listens on the loopback when the path is too long for a socket', async () => {
    const server = await start(join(newFolder(), 'x'.repeat(100), 'postgres'));
    expect(server.connection.host).toBe('127.0.0.1');
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('recovers from a first start that was cut short', async () => {
    const dataDir = newFolder();
    await mkdir(join(dataDir, 'cluster.half-made', 'base'), { recursive: true });
    writeFileSync(join(dataDir, 'cluster.half-made.password'), 'stale');
    const server = await start(dataDir);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(readdirSync(dataDir).filter((name) => name.startsWith('cluster'))).toEqual(['cluster']);
  });

  it('starts the server again when it crashes, with every acknowledged row', async () => {
    const server = await start(usedFolder(), { durability: 'full' });
    await query(server.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    const crashed = server.pid();
    process.kill(crashed, 'SIGKILL');
    expect(await waitUntil(async () => server.pid() !== crashed, WAIT_MS)).toBe(true);
    expect(await query(server.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
  });

  it('makes and drops databases', async () => {
    const server = await start(usedFolder());
    const template = await createDatabase(server.url, 'first');
    await query(template, 'CREATE TABLE kept AS SELECT 7 AS value');
    const copy = await createDatabase(server.url, 'sec"ond', 'first');
    expect(await query(copy, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
    await dropDatabase(server.url, 'sec"ond');
    await dropDatabase(server.url, 'sec"ond');
    await expect(query(copy, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
  });
});

describe('one owner', () => {
  it('refuses a second living owner and leaves the first one alone', async () => {
    const dataDir = usedFolder();
    const server = await start(dataDir);
    const second = start(dataDir);
    await expect(second).rejects.toMatchObject({ fault: 'already-owned' });
    await expect(second).rejects.toThrow(`process ${process.pid}`);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('waits for an owner that is on its way out', async () => {
    const dataDir = usedFolder();
    const server = await start(dataDir);
    const next = start(dataDir, { patienceMs: WAIT_MS });
    await server.stop();
    await expect(next).resolves.toBeDefined();
  });

  it('lets only one of several that start at once have it, also over a dead claim', async () => {
    const dataDir = usedFolder();
    writeFileSync(join(dataDir, 'owner'), '999999999\nlong ago\nnobody\n');
    const tries = await Promise.allSettled([start(dataDir), start(dataDir), start(dataDir)]);
    const refused = tries.flatMap((tried) =>
      tried.status === 'rejected' ? [String(tried.reason)] : [],
    );
    expect(refused).toHaveLength(2);
    expect(refused.join()).toContain('is in use by another Fairlead');
  });

  it('does not take a process that has been given the id of a dead owner for that owner', async () => {
    const dataDir = usedFolder();
    writeFileSync(join(dataDir, 'owner'), `${process.pid}\nanother life\ntoken\n`);
    await expect(start(dataDir)).resolves.toBeDefined();
  });
});

describe('after the death of the owner', () => {
  it('is stopped within seconds, and the next start has every acknowledged row', async () => {
    const dataDir = usedFolder();
    const owner = await startInProcess({ dataDir });
    await query(owner.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    await killed(owner.child);
    expect(await isGone(owner.pid)).toBe(true);
    const next = await start(dataDir);
    expect(await query(next.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
  });

  it('is stopped by the next start when the watchdog was killed too', async () => {
    const dataDir = usedFolder();
    const owner = await startInProcess({ dataDir });
    await query(owner.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    const watchdog = watchdogOf(dataDir);
    process.kill(watchdog, 'SIGKILL');
    expect(await isGone(watchdog)).toBe(true);
    await killed(owner.child);
    expect(await lifeOf(owner.pid)).not.toBeNull();
    const messages: string[] = [];
    const next = await start(dataDir, { log: (message) => messages.push(message) });
    expect(await lifeOf(owner.pid)).toBeNull();
    expect(messages.join()).toContain(`left behind (process ${owner.pid})`);
    expect(await query(next.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
  });

  it('does not touch a stranger that has the process id of an old server', async () => {
    const dataDir = usedFolder();
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    writeFileSync(
      join(dataDir, 'cluster', 'postmaster.pid'),
      `${stranger.pid}\n${dataDir}/cluster\n`,
    );
    await start(dataDir);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });

  it('leaves neither server nor watchdog after an orderly stop', async () => {
    const dataDir = usedFolder();
    const owner = await startInProcess({ dataDir });
    const watchdog = watchdogOf(dataDir);
    const ended = once(owner.child, 'exit');
    owner.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await lifeOf(owner.pid)).toBeNull();
    expect(await isGone(watchdog)).toBe(true);
    expect(readdirSync(dataDir)).not.toContain('owner');
  });
});

describe('errors in words', () => {
  it('names both versions when the data is of another one', async () => {
    const dataDir = usedFolder();
    writeFileSync(join(dataDir, 'cluster', 'PG_VERSION'), '16\n');
    await expect(start(dataDir)).rejects.toThrow(
      /written by PostgreSQL 16, .* brings PostgreSQL 18[^]*DATABASE_URL/,
    );
  });

  it('says what to do when there are no programs for this platform', async () => {
    const wanted = start(newFolder(), { binariesDir: newFolder() });
    await expect(wanted).rejects.toMatchObject({ fault: 'no-binaries' });
    await expect(wanted).rejects.toThrow('DATABASE_URL');
  });

  it('quotes the log when the server does not start', async () => {
    const dataDir = usedFolder();
    rmSync(join(dataDir, 'cluster', 'global', 'pg_control'));
    await expect(start(dataDir)).rejects.toThrow(/did not start[^]*server\.log[^]*pg_control/);
  });

  it('says so when the password is gone', async () => {
    const dataDir = usedFolder();
    rmSync(join(dataDir, 'password'));
    await expect(start(dataDir)).rejects.toMatchObject({ fault: 'no-password' });
  });

  it('lets go of the data folder after a failure', async () => {
    const dataDir = usedFolder();
    await expect(start(dataDir, { maxConnections: -1 })).rejects.toThrow('max_connections');
    await expect(start(dataDir)).resolves.toBeDefined();
  });
});

describe('accounts', () => {
  asRoot('never runs the server as root', async () => {
    const server = await start(usedFolder());
    const status = readFileSync(`/proc/${server.pid()}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+[1-9]/m);
  });

  asNobody('works for an ordinary user', async () => {
    const folder = newFolder(0o777);
    const dataDir = join(folder, 'postgres');
    const owner = await startInProcess({ dataDir }, nobody);
    expect(owner.error).toBe('');
    expect(readFileSync(`/proc/${owner.pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534/m);
    await killed(owner.child);
    expect(await isGone(owner.pid)).toBe(true);
  });

  asNobody('tells an ordinary user that the folder belongs to another', async () => {
    const dataDir = usedFolder();
    const owner = await startInProcess({ dataDir }, nobody);
    expect(owner.error).toMatch(/Remedy: let the user that runs Fairlead read and write it/);
  });

  asRoot('works in a clone that only root can enter, and leaves the data there', async () => {
    const clone = newFolder(0o700, tmpdir());
    const binariesDir = join(clone, 'native');
    cpSync((await findBinaries()).home, binariesDir, { recursive: true, verbatimSymlinks: true });
    const server = await start(join(clone, 'postgres'), { binariesDir });
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(readdirSync(join(clone, 'postgres'))).toContain('cluster');
  });

  asRoot(
    'moves data and programs to where an account can reach them when nothing else is left',
    async () => {
      const clone = newFolder(0o700, tmpdir());
      const fallbackDir = join(newFolder(0o755, tmpdir()), 'elsewhere');
      const dataDir = join(clone, 'postgres');
      const through = ['setpriv', '--bounding-set=-setpcap'];
      const owner = await startInProcess({ dataDir, fallbackDir }, { through });
      await query(owner.url, 'CREATE TABLE kept AS SELECT 7 AS value');
      expect(dirname(await readlink(join(dataDir, 'moved-to')))).toBe(fallbackDir);
      await killed(owner.child);
      expect(await isGone(owner.pid)).toBe(true);
      const next = await start(dataDir, { fallbackDir });
      expect(await query(next.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
    },
  );
});
