import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { codeOf, EmbeddedPostgresError } from './errors';
import { lifeOf, waitUntil } from './processes';

/** The claim of one living process on a data folder. */
export interface Ownership {
  readonly file: string;
  /** Stands in the file for as long as the claim does. */
  readonly token: string;
  release(): Promise<void>;
}

interface Claim {
  readonly pid: number;
  readonly life: string;
  readonly text: string;
}

const CLAIM_LIMIT = 5;

/**
 * Claim a data folder for this process, or say who holds it. A living holder is given `patienceMs` to finish, since
 * it may be on its way out. The claim of a process that no longer lives is taken over; a process id that was given
 * to another program since does not count as alive.
 */
export async function claimOwnership(
  file: string,
  dataDir: string,
  patienceMs: number,
): Promise<Ownership> {
  const token = randomUUID();
  const draft = `${file}.${token}`;
  await writeFile(draft, `${process.pid}\n${await lifeOf(process.pid)}\n${token}\n`);
  try {
    for (let tries = 0; tries < CLAIM_LIMIT; tries += 1) {
      if (await placed(draft, file)) return { file, token, release: () => release(file, token) };
      const holder = await readClaim(file);
      if (holder === null) continue;
      if (!(await letsGo(file, holder, patienceMs))) throw owned(dataDir, holder.pid);
      await setAside(file, holder);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw owned(dataDir, null);
}

/** Whether a claim is there whose process no longer lives. */
export async function hasDeadOwner(file: string): Promise<boolean> {
  const holder = await readClaim(file);
  return holder !== null && (await lifeOf(holder.pid)) !== holder.life;
}

/** Whether the holder died or gave up its claim in time. */
async function letsGo(file: string, holder: Claim, patienceMs: number): Promise<boolean> {
  const gone = async (): Promise<boolean> => {
    if ((await lifeOf(holder.pid)) !== holder.life) return true;
    return (await readClaim(file))?.text !== holder.text;
  };
  return waitUntil(gone, patienceMs);
}

/** Whether the draft became the claim: a hard link appears whole or not at all, and never over another. */
async function placed(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Move a dead claim out of the way, and put it back should another process have renewed it in the meantime. */
async function setAside(file: string, dead: Claim): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await readClaim(aside);
  if (moved !== null && moved.text !== dead.text) await placed(aside, file);
  await rm(aside, { force: true });
}

async function release(file: string, token: string): Promise<void> {
  const claim = await readClaim(file);
  if (claim?.text.includes(token) === true) await rm(file, { force: true });
}

async function readClaim(file: string): Promise<Claim | null> {
  try {
    const text = await readFile(file, 'utf8');
    const [pid = '', life = ''] = text.split('\n');
    return { pid: Number(pid), life, text };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function owned(dataDir: string, pid: number | null): EmbeddedPostgresError {
  const holder = pid === null ? 'another process' : `process ${pid}`;
  return new EmbeddedPostgresError(
    'already-owned',
    `The data folder ${dataDir} is in use by another Fairlead (${holder}).`,
  );
}
