import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POLL_MS = 50;

/**
 * A mark that tells one life of a process id from the next, or null when no such process lives. A process that has
 * ended and only waits to be collected counts as gone.
 */
export async function lifeOf(pid: number): Promise<string | null> {
  return process.platform === 'linux' ? lifeInProc(pid) : lifeInPs(pid);
}

async function lifeInProc(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0] ?? '', fields[19] ?? ''];
    if (state === 'Z' || state === 'X') return null;
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()}:${startTicks}`;
  } catch {
    return null;
  }
}

async function lifeInPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
    const [state = '', ...started] = stdout.trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? null : started.join(' ');
  } catch {
    return null;
  }
}

/** The command line of a living process, its words parted by spaces, or an empty string. */
export async function commandOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    }
    return (await run('ps', ['-o', 'args=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}

/** Send signals of rising force until the process is gone. False when it outlives them all. */
export async function endProcess(
  pid: number,
  steps: readonly { readonly signal: NodeJS.Signals; readonly waitMs: number }[],
): Promise<boolean> {
  const life = await lifeOf(pid);
  for (const { signal, waitMs } of steps) {
    if (life === null || !sendSignal(pid, signal)) return true;
    const gone = async () => (await lifeOf(pid)) !== life;
    if (await waitUntil(gone, waitMs)) return true;
  }
  return false;
}

/** Ask again and again until the answer is yes. False when the time is up. */
export async function waitUntil(ask: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= limitMs; waitedMs += POLL_MS) {
    if (await ask()) return true;
    await pause(POLL_MS);
  }
  return false;
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
