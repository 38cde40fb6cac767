import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf, EmbeddedPostgresError, failure, textIn } from './errors';
import type { Site } from './layout';

const run = promisify(execFile);
const INIT_LIMIT_MS = 120_000;

/** The user that owns the database, and the database itself. */
export const DATABASE_USER = 'fairlead';

/** Whether what was acknowledged has to survive a power cut. `none` is for tests: it saves their time. */
export type Durability = 'full' | 'none';

/** Make the database files on first use and return the password. Repeatable, also after a crash half-way. */
export async function ensureCluster(site: Site, durability: Durability): Promise<string> {
  const { layout } = site;
  await removeDrafts(layout.cluster);
  const version = await readIfThere(join(layout.cluster, 'PG_VERSION'));
  const password = await readIfThere(layout.passwordFile);
  if (version !== null && password === null) throw noPassword(layout.passwordFile);
  if (version !== null) await checkVersion(site, version);
  const kept = password ?? (await newPassword(layout.passwordFile));
  if (version === null) await initialise(site, kept, durability);
  return kept;
}

/** Made under another name and renamed when whole, so that a cluster is there completely or not at all. */
async function initialise(site: Site, password: string, durability: Durability): Promise<void> {
  const { cluster } = site.layout;
  const draft = `${cluster}.${randomUUID()}`;
  const passwordFile = `${draft}.password`;
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await site.launcher.entrust(draft);
  await site.launcher.entrust(passwordFile);
  await runInitdb(site, [
    `--pgdata=${draft}`,
    `--username=${DATABASE_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    ...(durability === 'none' ? ['--no-sync'] : []),
  ]);
  await rm(passwordFile);
  await rename(draft, cluster);
  await syncFolder(dirname(cluster));
}

async function runInitdb(site: Site, args: readonly string[]): Promise<void> {
  const call = site.launcher.call(site.binaries.initdb, args);
  try {
    await run(call.file, [...call.args], { ...call.options, timeout: INIT_LIMIT_MS });
  } catch (error) {
    const said = textIn(error, 'stderr');
    throw failure(`The embedded database could not be made in ${site.layout.dataDir}`, said);
  }
}

/** What an interrupted first start left behind, its password file included. */
async function removeDrafts(cluster: string): Promise<void> {
  const folder = dirname(cluster);
  const drafts = (await readdir(folder)).filter((name) => name.startsWith(`${basename(cluster)}.`));
  for (const name of drafts) {
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

async function checkVersion(site: Site, found: string): Promise<void> {
  const call = site.launcher.call(site.binaries.postgres, ['--version']);
  const { stdout } = await run(call.file, [...call.args], call.options);
  const ours = /(\d+)\.\d+/.exec(stdout)?.[1] ?? stdout.trim();
  if (ours === found) return;
  throw new EmbeddedPostgresError(
    'wrong-version',
    `${site.layout.dataDir} was written by PostgreSQL ${found}, and this Fairlead brings PostgreSQL ${ours}.`,
  );
}

/** On disk before the cluster that needs it is. */
async function newPassword(file: string): Promise<string> {
  const password = randomBytes(24).toString('hex');
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${password}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
  return password;
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw unreadable(file, error);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError('permission-denied', `${file} cannot be read.`, { cause });
}

function noPassword(file: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'no-password',
    `There is a database but not its password, which belongs in ${file}.`,
  );
}
