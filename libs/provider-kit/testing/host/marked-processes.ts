import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

/**
 * Every process of a host carries the host's mark in its environment, also when it made a session of its own or lost
 * its parent; so that is how they are found.
 */
export const MARK_VARIABLE = 'FAIRLEAD_EMULATED_HOST';

/** Each round can only be outrun by a process that forks between two looks. */
const MAX_KILL_ROUNDS = 50;

/** Ids of the living processes of the host with this mark. */
export function processesMarked(mark: string): readonly number[] {
  const text = `${MARK_VARIABLE}=${mark}`;
  return existsSync('/proc/self/environ') ? fromProc(text) : fromPs(text);
}

/** SIGKILL to all processes of the host, until none is left. */
export function killMarked(mark: string): void {
  for (let round = 0; round < MAX_KILL_ROUNDS; round++) {
    const found = processesMarked(mark);
    if (found.length === 0) return;
    found.forEach((pid) => signalIfAlive(pid, 'SIGKILL'));
  }
}

/** Whether the process was there to be signalled. */
export function signalIfAlive(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function fromProc(text: string): readonly number[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.filter((id) => environmentOf(id).includes(text)).map(Number);
}

function environmentOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function fromPs(text: string): readonly number[] {
  const table = execFileSync('ps', ['-axwwE', '-o', 'pid=', '-o', 'command=']).toString();
  const lines = table.split('\n').filter((line) => line.includes(text));
  return lines.map((line) => Number.parseInt(line, 10));
}
