import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findBinaries, type Binaries } from './binaries';
import { ensureCluster, type Durability } from './cluster';
import { becomesReady, connectionTo, urlOf, type Connection } from './connection';
import { EmbeddedPostgresError, failure, textIn } from './errors';
import { findSite, prepareDataDir, type Layout, type Site } from './layout';
import { stopOrphan, stopServer } from './orphan';
import { claimOwnership, type Ownership } from './owner';
import { serverArgs, SOCKET_PORT, type Address } from './settings';
import { setWatchdog } from './watchdog';

/** What to start, and where. */
export interface EmbeddedPostgresOptions {
  /** Belongs to the database alone; made when it is not there. */
  readonly dataDir: string;
  /** A folder with `bin`, `lib` and `share` of PostgreSQL; by default what npm installed. */
  readonly binariesDir?: string;
  /** Where root puts data that no unprivileged account can reach in place. */
  readonly fallbackDir?: string;
  /** How long to wait for another Fairlead to let go of the data folder. */
  readonly patienceMs?: number;
  readonly maxConnections?: number;
  readonly durability?: Durability;
  readonly log: (message: string) => void;
}

/** A running database that this process owns. */
export interface EmbeddedPostgres {
  readonly connection: Connection;
  readonly url: string;
  /** The process id of the server now; it changes when the server crashes and is started again. */
  pid(): number;
  /** Ends all sessions, writes everything out, and lets go of the data folder. Repeatable. */
  stop(): Promise<void>;
}

/** The longest path of a socket that all platforms take, its closing zero left out. */
const SOCKET_PATH_LIMIT = 103;
const LOG_SIZE_LIMIT = 5_000_000;
const LOG_TAIL_LINES = 12;
const MAX_CONNECTIONS = 60;
const PATIENCE_MS = 5_000;
const START_LIMIT = 3;
/** Starts in a row without the server getting ready once; then it stays down. */
const RESTART_LIMIT = 5;
const RESTART_PAUSE_MS = 500;

/**
 * Start the PostgreSQL that npm ships, on data of our own, and keep it up: it is made on first use, started again
 * when it crashes, and stopped by a watchdog when this process dies. Fails with words that a person can act on.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    const binaries = await findBinaries(options.binariesDir);
    const dataDir = await prepareDataDir(options.dataDir);
    const ownership = await claimOwnership(
      join(dataDir, 'owner'),
      dataDir,
      options.patienceMs ?? PATIENCE_MS,
    );
    return await startAsOwner(dataDir, binaries, ownership, options);
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    const what = `The embedded database cannot use the data folder ${options.dataDir}`;
    throw failure(what, textIn(error, 'message'));
  }
}

async function startAsOwner(
  dataDir: string,
  binaries: Binaries,
  ownership: Ownership,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    const site = await findSite(dataDir, binaries, options.fallbackDir);
    const orphan = await stopOrphan(site.layout);
    if (orphan !== null) options.log(`stopped a database server left behind (process ${orphan})`);
    const password = await ensureCluster(site, options.durability ?? 'full');
    return await supervise(site, ownership, password, options);
  } catch (error) {
    await ownership.release();
    throw error;
  }
}

/** One life of the server process. */
interface Run {
  readonly child: ChildProcess;
  readonly connection: Connection;
  readonly ended: () => boolean;
}

async function supervise(
  site: Site,
  ownership: Ownership,
  password: string,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { layout } = site;
  await prepareFiles(site);
  const watchdog = setWatchdog(ownership, layout.pidFile);
  let stopping: Promise<void> | null = null;
  let restarting = Promise.resolve();

  const letGo = async (): Promise<void> => {
    watchdog.dismiss();
    await ownership.release();
  };
  const launch = (address: Address): Promise<Run> => startRun(site, address, password, options);
  let run: Run;
  try {
    run = await firstRun(layout, launch);
  } catch (error) {
    watchdog.dismiss();
    throw error;
  }
  const { connection } = run;
  const address = addressOf(connection);

  const keepUp = (current: Run): void => {
    current.child.once('exit', () => {
      if (stopping === null) restarting = restart();
    });
  };
  const restart = async (): Promise<void> => {
    for (let tries = 0; tries < RESTART_LIMIT && stopping === null; tries += 1) {
      options.log('the database server ended by itself; starting it again');
      try {
        run = await launch(address);
        return keepUp(run);
      } catch (error) {
        options.log(textIn(error, 'message'));
        await pause(RESTART_PAUSE_MS);
      }
    }
  };
  const stop = async (): Promise<void> => {
    await restarting;
    if (run.child.pid !== undefined && !run.ended())
      await stopServer(run.child.pid, layout.logFile);
    await stopOrphan(layout);
    await letGo();
  };

  keepUp(run);
  options.log(`database ready ${site.launcher.name} (process ${run.child.pid})`);
  return {
    connection,
    url: urlOf(connection),
    pid: () => run.child.pid ?? 0,
    stop: () => (stopping ??= stop()),
  };
}

/** The port is chosen a moment before the server takes it, so another program may be faster: choose again. */
async function firstRun(layout: Layout, launch: (address: Address) => Promise<Run>): Promise<Run> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await launch(await chooseAddress(layout));
    } catch (error) {
      const taken = error instanceof EmbeddedPostgresError && error.fault === 'address-taken';
      if (!taken || tries === START_LIMIT) throw error;
    }
  }
}

async function startRun(
  site: Site,
  address: Address,
  password: string,
  options: EmbeddedPostgresOptions,
): Promise<Run> {
  const { layout } = site;
  const child = await spawnServer(site, address, options);
  let ended = false;
  child.once('error', () => (ended = true));
  child.once('exit', () => (ended = true));
  const run = { child, connection: connectionTo(address, password), ended: () => ended };
  try {
    if (await becomesReady(run.connection, run.ended)) return run;
  } catch (error) {
    await abandon(run, layout);
    throw failure(`The embedded database refuses us: ${textIn(error, 'message')}`, '');
  }
  const words = ended ? 'did not start' : 'did not answer in time';
  await abandon(run, layout);
  throw failure(`The embedded database ${words}`, await logTail(layout.logFile), layout.logFile);
}

async function abandon({ child, ended }: Run, layout: Layout): Promise<void> {
  if (child.pid !== undefined && !ended()) await stopServer(child.pid, layout.logFile);
}

/** In a session of its own: Ctrl-C in a terminal is for us, and we stop the server after our last query. */
async function spawnServer(
  site: Site,
  address: Address,
  options: EmbeddedPostgresOptions,
): Promise<ChildProcess> {
  const { layout, binaries, launcher } = site;
  const { maxConnections = MAX_CONNECTIONS, durability = 'full' } = options;
  const args = serverArgs(layout.cluster, address, maxConnections, durability);
  const call = launcher.call(binaries.postgres, args);
  const log = await open(layout.logFile, 'a', 0o600);
  try {
    return spawn(call.file, call.args, {
      ...call.options,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
  } finally {
    await log.close();
  }
}

async function prepareFiles({ layout, launcher }: Site): Promise<void> {
  await mkdir(layout.socketDir, { recursive: true, mode: 0o700 });
  await chmod(layout.socketDir, 0o700);
  await launcher.entrust(layout.socketDir);
  const { size } = await stat(layout.logFile).catch(() => ({ size: 0 }));
  if (size > LOG_SIZE_LIMIT) await rename(layout.logFile, `${layout.logFile}.1`);
}

/** A socket is twice as fast as the loopback and private to the folder; its path has to be short. */
async function chooseAddress({ socketDir }: Layout): Promise<Address> {
  const socket = join(socketDir, `.s.PGSQL.${SOCKET_PORT}`);
  if (Buffer.byteLength(socket) > SOCKET_PATH_LIMIT) return { port: await freePort() };
  await rm(`${socket}.lock`, { force: true });
  return { socketDir };
}

function addressOf({ host, port }: Connection): Address {
  return host.startsWith('/') ? { socketDir: host } : { port };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}
