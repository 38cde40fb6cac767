import { execFile } from 'node:child_process';
import { chown, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Binaries } from './binaries';
import { codeOf } from './errors';

const run = promisify(execFile);
const PROBE_LIMIT_MS = 10_000;

/** A program call as `spawn` and `execFile` take it. */
export interface Call {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: {
    readonly cwd: string;
    readonly env: { readonly [name: string]: string };
    readonly uid?: number;
    readonly gid?: number;
  };
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** How the programs of PostgreSQL are run on this machine by this user. */
export interface Launcher {
  readonly name: string;
  call(file: string, args: readonly string[]): Call;
  /** Give a file or folder to the account under which the programs run. */
  entrust(path: string): Promise<void>;
}

const surroundings = {
  cwd: '/',
  env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' },
};

const asOurselves: Launcher = {
  name: 'as the current user',
  call: (file, args) => ({ file, args, options: surroundings }),
  entrust: () => Promise.resolve(),
};

/**
 * The ways to run PostgreSQL, the best first. It refuses to run as root, so root lends it an account that exists
 * already. When that account cannot enter the folders above the clone, it is also lent the one capability to do so,
 * which leaves data and programs where they are.
 */
export async function launchersFor(dataPath: string): Promise<readonly Launcher[]> {
  if (process.getuid?.() !== 0) return [asOurselves];
  const account = (await ownerOf(dataPath)) ?? (await unprivilegedAccount());
  if (account === null) return [];
  const lent = ['dac_read_search', 'dac_override'].map((name) => withCapability(account, name));
  return [asAccount(account), ...lent];
}

/** Whether the programs can be run this way and can reach the folder of the data. */
export async function canLaunch(
  launcher: Launcher,
  binaries: Binaries,
  folder: string,
): Promise<boolean> {
  const script = 'cd "$1" && test -r "$2/share" && test -x "$3" && exec "$3" --version';
  const args = ['-c', script, 'probe', folder, binaries.home, binaries.postgres];
  const { file, args: words, options } = launcher.call('/bin/sh', args);
  try {
    await run(file, [...words], { ...options, timeout: PROBE_LIMIT_MS });
    return true;
  } catch {
    return false;
  }
}

function asAccount(account: Account): Launcher {
  return {
    name: `as user ${account.uid}`,
    call: (file, args) => ({ file, args, options: { ...surroundings, ...account } }),
    entrust: (path) => chown(path, account.uid, account.gid),
  };
}

/** `no_setuid_fixup` matters: without it the kernel ignores capabilities in access(2), by which PostgreSQL looks for itself. */
function withCapability(account: Account, capability: string): Launcher {
  const change = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
  ];
  return {
    name: `as user ${account.uid} with ${capability}`,
    call: (file, args) => ({
      file: 'setpriv',
      args: [...change, '--', file, ...args],
      options: surroundings,
    }),
    entrust: (path) => chown(path, account.uid, account.gid),
  };
}

/** Who owns data that is there already, unless that is root. */
async function ownerOf(path: string): Promise<Account | null> {
  try {
    const { uid, gid } = await stat(path);
    return uid === 0 ? null : { uid, gid };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function unprivilegedAccount(): Promise<Account | null> {
  const entries = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const entry = entries.find(([name]) => name === wanted);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  return null;
}
