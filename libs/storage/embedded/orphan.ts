import { readFile, rm } from 'node:fs/promises';
import { codeOf, EmbeddedPostgresError } from './errors';
import type { Layout } from './layout';
import { commandOf, endProcess, lifeOf } from './processes';

/** From "finish what you are doing" to "now"; PostgreSQL recovers from each of them. */
const stopSteps = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;

/** Stop a server: first with SIGINT, which ends its sessions and writes everything out. */
export async function stopServer(pid: number, logFile: string): Promise<void> {
  if (await endProcess(pid, stopSteps)) return;
  const message = `The PostgreSQL server with process id ${pid} does not stop; its log is ${logFile}.`;
  throw new EmbeddedPostgresError('not-answering', message);
}

/**
 * Stop the server that a killed Fairlead left on our data. Adopting it would save a tenth of a second, and leave us
 * with a server that nobody guards, that runs with the settings of an earlier version, and that the watchdog of the
 * dead process may be stopping this very moment. Returns the pid of what was stopped.
 */
export async function stopOrphan(layout: Layout): Promise<number | null> {
  const pid = await notedPid(layout.pidFile);
  if (pid === null || (await lifeOf(pid)) === null) return null;
  if (await isServerOf(pid, layout.cluster)) {
    await stopServer(pid, layout.logFile);
    return pid;
  }
  // The id was given to another program since. PostgreSQL would take that program for its own server and refuse.
  await rm(layout.pidFile, { force: true });
  return null;
}

/** Whether that process is a PostgreSQL server that was started on these files. */
export async function isServerOf(pid: number, cluster: string): Promise<boolean> {
  const command = await commandOf(pid);
  return command.includes('postgres') && command.includes(` -D ${cluster} `);
}

async function notedPid(pidFile: string): Promise<number | null> {
  try {
    const pid = Number((await readFile(pidFile, 'utf8')).split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
