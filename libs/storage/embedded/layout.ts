import { randomUUID } from 'node:crypto';
import { chmod, cp, mkdir, readlink, realpath, rename, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { binariesIn, type Binaries } from './binaries';
import { codeOf, EmbeddedPostgresError } from './errors';
import { canLaunch, launchersFor, type Launcher } from './launcher';

/** Where everything of one embedded database is. */
export interface Layout {
  readonly dataDir: string;
  /** What PostgreSQL calls its data directory. */
  readonly cluster: string;
  /** Holds the socket. */
  readonly socketDir: string;
  readonly pidFile: string;
  readonly logFile: string;
  readonly ownerFile: string;
  readonly passwordFile: string;
}

/** A layout with programs that can be run in it. */
export interface Site {
  readonly layout: Layout;
  readonly binaries: Binaries;
  readonly launcher: Launcher;
}

/** Names a folder elsewhere that holds cluster and socket, where they could not be reached in place. */
const POINTER = 'moved-to';
const ELSEWHERE = '/var/lib/fairlead';

/** Make the data folder and return its path without symbolic links. */
export async function prepareDataDir(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const path = await realpath(dataDir);
  if (process.getuid?.() === 0) await chmod(path, 0o711);
  return path;
}

/** Settle where the data is and how the programs are run on it. */
export async function findSite(
  dataDir: string,
  binaries: Binaries,
  elsewhere: string = ELSEWHERE,
): Promise<Site> {
  const moved = await pointer(dataDir);
  if (moved !== null) return siteIn(moved, dataDir, await copied(binaries, moved));
  const inPlace = await usableSite(layoutIn(dataDir, dataDir), dataDir, binaries);
  if (inPlace !== null) return inPlace;
  return siteElsewhere(dataDir, binaries, elsewhere);
}

/**
 * The last resort for root: a folder that the account can enter. It is named by a pointer in the data folder, so
 * that moving the clone does not lose the data.
 */
async function siteElsewhere(
  dataDir: string,
  binaries: Binaries,
  elsewhere: string,
): Promise<Site> {
  if (process.getuid?.() !== 0 || (await exists(join(dataDir, 'cluster'))))
    throw unreachable(dataDir);
  const home = join(elsewhere, randomUUID());
  await mkdir(home, { recursive: true, mode: 0o711 });
  await chmod(elsewhere, 0o711);
  const site = await siteIn(home, dataDir, await copied(binaries, home));
  await symlink(home, join(dataDir, POINTER));
  return site;
}

async function siteIn(home: string, dataDir: string, binaries: Binaries): Promise<Site> {
  const site = await usableSite(layoutIn(dataDir, home), home, binaries);
  if (site === null) throw unreachable(home);
  return site;
}

async function usableSite(layout: Layout, home: string, binaries: Binaries): Promise<Site | null> {
  for (const launcher of await launchersFor(layout.cluster)) {
    if (await canLaunch(launcher, binaries, home)) return { layout, binaries, launcher };
  }
  return null;
}

function layoutIn(dataDir: string, home: string): Layout {
  const cluster = join(home, 'cluster');
  return {
    dataDir,
    cluster,
    socketDir: join(home, 'socket'),
    pidFile: join(cluster, 'postmaster.pid'),
    logFile: join(dataDir, 'server.log'),
    ownerFile: join(dataDir, 'owner'),
    passwordFile: join(dataDir, 'password'),
  };
}

/** A copy of the programs, made anew when it is not there; a half-made copy never bears the final name. */
async function copied(binaries: Binaries, home: string): Promise<Binaries> {
  const target = join(home, 'programs');
  if (!(await exists(target))) {
    const draft = `${target}.${randomUUID()}`;
    await cp(binaries.home, draft, { recursive: true, verbatimSymlinks: true });
    await rename(draft, target);
  }
  return binariesIn(target);
}

async function pointer(dataDir: string): Promise<string | null> {
  try {
    return await readlink(join(dataDir, POINTER));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function unreachable(path: string): EmbeddedPostgresError {
  const message =
    process.getuid?.() === 0
      ? `PostgreSQL refuses to run as root, and no unprivileged account of this machine (postgres, nobody) can reach ${path}.`
      : `The PostgreSQL programs cannot be run on ${path}.`;
  return new EmbeddedPostgresError('permission-denied', message);
}
