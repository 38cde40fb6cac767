import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renderBootstrap, type BootstrapOptions } from '../render-bootstrap';
import { startControlPlane, TEST_ATTEMPT, TEST_TOKEN, type ControlPlane } from './control-plane';

/** A shell of this machine that the script is run with. */
export interface Shell {
  readonly name: string;
  readonly argv: readonly string[];
}

/** A folder, a control plane and whatever bootstraps a test starts in them. */
export interface Bench {
  readonly directory: string;
  readonly controlPlane: ControlPlane;
  /** Short times, this folder as working directory; the test overrides what it is about. */
  readonly options: (overrides?: Partial<BootstrapOptions>) => BootstrapOptions;
  readonly start: (
    shell: Shell,
    overrides?: Partial<BootstrapOptions>,
    env?: NodeJS.ProcessEnv,
  ) => Running;
  /** Makes an empty file in the folder, for workloads that wait for one. */
  readonly touch: (name: string) => void;
  readonly close: () => Promise<void>;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly console: () => string;
  /** The exit code of the bootstrap itself. */
  readonly exitCode: Promise<number | null>;
}

export const LONGEST_WAIT_MS = 15_000;
const POLL_MS = 20;

/** What this machine has of the shells the script is written for. */
export const shells: readonly Shell[] = [
  { name: 'sh', argv: ['sh'] },
  { name: 'bash', argv: ['bash'] },
  { name: 'busybox sh', argv: ['busybox', 'sh'] },
].filter(({ argv }) => works([...argv, '-c', 'exit 0']));

export function works([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

export async function openBench(): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-supervisor-'));
  mkdirSync(join(directory, 'tmp'));
  const controlPlane = await startControlPlane();
  const running: Running[] = [];
  const options = (overrides: Partial<BootstrapOptions> = {}): BootstrapOptions => ({
    ...quick(directory, controlPlane.url()),
    ...overrides,
  });
  return {
    directory,
    controlPlane,
    options,
    start: (shell, overrides, env = {}) => {
      const one = run(shell, renderBootstrap(options(overrides)).script, directory, env);
      running.push(one);
      return one;
    },
    touch: (name) => writeFileSync(join(directory, name), ''),
    close: async () => {
      for (const { pid } of running) killTree(pid, directory);
      await controlPlane.goDown();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function quick(directory: string, controlUrl: string): BootstrapOptions {
  return {
    attemptId: TEST_ATTEMPT,
    controlUrl,
    token: TEST_TOKEN,
    command: ['true'],
    env: {},
    workingDirectory: join(directory, 'work'),
    inputs: [],
    outputs: [],
    checkpoint: null,
    maxDurationMs: 30_000,
    heartbeatMs: 200,
    graceMs: 2_000,
    giveUpAfterMs: 10_000,
    onEnd: 'exit',
  };
}

function run(shell: Shell, script: string, directory: string, env: NodeJS.ProcessEnv): Running {
  const file = join(directory, `bootstrap-${process.hrtime.bigint()}.sh`);
  writeFileSync(file, script, { mode: 0o600 });
  const [program = 'sh', ...args] = shell.argv;
  const child = spawn(program, [...args, file], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      TMPDIR: join(directory, 'tmp'),
      FAIRLEAD_BENCH: directory,
      ...env,
    },
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => output.push(part));
  child.stderr.on('data', (part: Buffer) => output.push(part));
  return {
    child,
    pid: child.pid ?? 0,
    console: () => Buffer.concat(output).toString(),
    exitCode: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
  };
}

/** Kills the bootstrap's group and what left it, which still carries the folder in its environment. */
function killTree(pid: number, directory: string): void {
  for (const target of [-pid, ...membersOf(directory)]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}

/** Living processes started below a bench, found by their environment. */
export function membersOf(directory: string): readonly number[] {
  const mark = `FAIRLEAD_BENCH=${directory}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => textOf(`/proc/${name}/environ`).includes(mark))
    .map(Number);
}

/** What a file says, or nothing when it is gone. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Waits until something holds, and fails with what it waited for. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += POLL_MS) {
    if (holds()) return;
    await delay(POLL_MS);
  }
  throw new Error(`waited in vain until ${what}`);
}

/** All that the script uses, and no more than that of what a machine may have; then what the workloads of the tests use. */
const programs: readonly string[] = [
  'sh busybox cat chmod cksum curl date dd du head kill ls mkdir mkfifo mktemp mv od rm setsid sleep tail tar tr wc wget',
  'cp env touch',
].flatMap((names) => names.split(' '));

/** A PATH with the programs the script uses but for the named ones, as slim images have it. */
export function pathWithout(names: readonly string[], directory: string): string {
  const folder = join(directory, `path-without-${names.join('-')}`);
  mkdirSync(folder);
  const wanted = programs.filter((name) => !names.includes(name));
  wanted.forEach((name) => linkProgram(name, folder));
  return folder;
}

function linkProgram(name: string, folder: string): void {
  const found = placeOf(name);
  if (found !== undefined) symlinkSync(found, join(folder, name));
}

function placeOf(name: string): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((place) => join(place, name));
  return places.find((path) => existsSync(path));
}

/** As `pathWithout`, but each program first adds a line with its arguments to the file `record` in the directory. */
export function recordingPath(names: readonly string[], directory: string): string {
  const folder = join(directory, 'recording-path');
  mkdirSync(folder);
  for (const name of programs.filter((program) => !names.includes(program))) {
    const place = placeOf(name);
    if (place === undefined) continue;
    const script = `#!/bin/sh\necho "${name} $*" >>'${join(directory, 'record')}'\nexec '${place}' "$@"\n`;
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  }
  return folder;
}

/** The folder of the Node that runs the tests, for workloads that are Node scripts. */
export const nodeFolder = dirname(process.execPath);
