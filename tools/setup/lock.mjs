import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError, tell } from './errors.mjs';

const WAIT_LIMIT_MS = 15 * 60_000;
const LOOK_EVERY_MS = 200;

/** Do something that only one process may do at a time in this clone. Waits for a living holder, replaces a dead one. */
export async function alone(file, work) {
  await take(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function take(file) {
  mkdirSync(dirname(file), { recursive: true });
  for (let waitedMs = 0; waitedMs < WAIT_LIMIT_MS; waitedMs += LOOK_EVERY_MS) {
    if (placed(file)) return;
    const holder = readNote(file);
    if (holder === null) continue;
    if (isAlive(holder)) {
      if (waitedMs === 0)
        tell(`waiting for another one that is setting up (process ${holder.pid})`);
      await pause(LOOK_EVERY_MS);
    } else {
      setAside(file, holder);
    }
  }
  throw new SetupError(
    `Another process still holds ${file}. Delete that file if no setup is under way.`,
  );
}

/** A hard link appears whole or not at all, and never over another. */
function placed(file) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${process.pid}\n${lifeOf(process.pid)}\n`);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Another process may have replaced the dead holder in the meantime: then it gets its place back. */
function setAside(file, dead) {
  const aside = `${file}.${process.pid}.old`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== dead.text) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** What a note says, or null when there is none. */
export function readNote(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const [pid, life] = text.split('\n');
    return { pid: Number(pid), life, text };
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether the process that a note was written about still lives. */
export function isAlive({ pid, life }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return lifeOf(pid) === life;
}

/** Tells one life of a process id from the next where the system says so. */
export function lifeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return 'unknown';
  }
}
