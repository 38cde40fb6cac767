import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workloadsUnder } from './processes';
import { until, WAIT_LIMIT_MS } from './wait';

export const REPOSITORY = join(__dirname, '..', '..');
const DIST = join(REPOSITORY, 'dist', 'apps');

const WATCHDOG_LIMIT_MS = 15_000;

const children: Child[] = [];
const folders: string[] = [];

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The account to run as; ours unless said. */
  readonly uid?: number;
}

/** A built program of the product in a process, and a session, of its own. */
export class Child {
  out = '';
  err = '';
  private code: number | string | null = null;
  private readonly process: ChildProcess;

  /** `program` is its place below `dist/apps`. Of our environment it gets no more than the search path. */
  constructor(program: string, { env = {}, args = [], cwd = REPOSITORY, uid }: ChildOptions) {
    const base = { PATH: process.env['PATH'] ?? '', HOME: tmpdir() };
    this.process = spawn(process.execPath, [join(DIST, `${program}.js`), ...args], {
      cwd,
      env: { ...base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.err += chunk.toString()));
    this.process.once('close', (code, signal) => (this.code = code ?? signal ?? 0));
    children.push(this);
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the process was not started');
    return this.process.pid;
  }

  get isOver(): boolean {
    return this.code !== null;
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Its exit code, or the signal that ended it. */
  async exited(limitMs: number = WAIT_LIMIT_MS): Promise<number | string> {
    await until(
      `the end of a process that said ${this.err.slice(-500)}`,
      () => this.isOver,
      limitMs,
    );
    return this.code ?? '';
  }

  /** Ends it whatever state it is in; its children are up to its own watchdogs. */
  async stop(): Promise<void> {
    if (this.isOver) return;
    const over = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await over;
  }
}

/** For `afterAll`: ends all that was started and not ended yet. */
export async function stopChildren(): Promise<void> {
  await Promise.all(children.splice(0).map((child) => child.stop()));
}

/** A folder that every account may enter. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-process-'));
  await chmod(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** For `afterAll`: with the folders goes whatever still works in them, when the watchdogs did not see to it in time. */
export async function removeFolders(): Promise<void> {
  for (const folder of folders.splice(0)) {
    const over = until(
      'the watchdogs',
      () => workloadsUnder(folder).length === 0,
      WATCHDOG_LIMIT_MS,
    );
    await over.catch(() =>
      workloadsUnder(folder).forEach(({ pid }) => process.kill(pid, 'SIGKILL')),
    );
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Builds when there is no build; `npm test` has brought it up to date before. */
export function ensureDist(): void {
  if (existsSync(join(DIST, 'standalone', 'main.js'))) return;
  const { status } = spawnSync(process.execPath, [join('tools', 'run.mjs'), 'build'], {
    cwd: REPOSITORY,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the product could not be built');
}
