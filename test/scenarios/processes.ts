import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What is known of a living process. */
export interface Seen {
  readonly pid: number;
  readonly command: string;
}

/** Living processes that work in, or were started from, this folder; those of emulated hosts have their home there. */
export function workloadsUnder(folder: string): readonly Seen[] {
  return livingProcesses().filter(
    ({ pid, command }) =>
      pid !== process.pid &&
      (folderOf(pid).startsWith(folder) ||
        command.includes(folder) ||
        read(`/proc/${pid}/environ`).includes(folder)),
  );
}

/** The living processes of this machine; empty where there is no /proc. */
function livingProcesses(): readonly Seen[] {
  const pids = list('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    return command === '' ? [] : [{ pid, command }];
  });
}

/** The living children of a process, and theirs. */
export function descendantsOf(pid: number): readonly number[] {
  const parents = new Map(livingProcesses().map((each) => [each.pid, parentOf(each.pid)]));
  const found: number[] = [];
  for (let wave = [pid]; wave.length > 0;) {
    const next = [...parents].flatMap(([child, parent]) =>
      parent !== null && wave.includes(parent) ? [child] : [],
    );
    found.push(...next);
    wave = next;
  }
  return found;
}

function parentOf(pid: number): number | null {
  // The name of the program stands in brackets and may hold anything.
  const found = /\) \S (\d+) [^)]*$/.exec(read(`/proc/${pid}/stat`));
  return found === null ? null : Number(found[1]);
}

/** Memory that a process has to itself plus its share of what it shares, in KiB; null where nobody can say. */
export function proportionalKib(pid: number): number | null {
  const found = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`));
  return found === null ? null : Number(found[1]);
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A process may end between two looks. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
