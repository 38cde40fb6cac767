import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeHostFolder, type HostFolder } from './host-folder';
import { killMarked, processesMarked, signalIfAlive } from './marked-processes';
import { OutputTail } from './output-tail';

/** A container that waits to be started again is `booting`. */
export type HostState = 'booting' | 'running' | 'off';
export type HostKind = 'vm' | 'container';
/** Whether an ended container is started again, as platforms for services do. Means nothing for a machine. */
export type HostRestart = 'never' | 'always';

export interface BootRequest {
  readonly hostId: string;
  /** User data of a machine, run once at first boot; or what a container runs as its first process. For `sh`. */
  readonly script: string;
  readonly kind: HostKind;
  /** Added to the guest's environment, which otherwise is clean. `FAIRLEAD_EMULATED_GPU="NAME, COUNT"` gives it GPUs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly restart: HostRestart;
  /** Image names that the host's `docker` cannot find. */
  readonly missingImages?: readonly string[];
  readonly onStateChange?: (state: HostState) => void;
}

/** One emulated machine or container; its programs are processes of this computer. */
export interface HostHandle {
  readonly id: string;
  state(): HostState;
  /** The end of what the guest wrote, at most 64 KiB. */
  consoleOutput(): string;
  /** Who turned it off; null while it is on. A container that ends by itself counts as its guest's doing. */
  poweredOffBy(): 'guest' | 'host' | null;
  /** Exit codes of the script, one per run; 128 + n after signal n. */
  exitCodes(): readonly number[];
  /** To the script's process, as platforms signal a container's first process. False when there is none. */
  signal(name: NodeJS.Signals): boolean;
  /** Everything on the host dies at once, without warning. Repeatable. */
  pullPlug(): void;
  /** Takes the host away after a notice: SIGTERM now unless `silent`, the plug after `noticeMs`. Resolves when it is off. */
  interruptIn(noticeMs: number, warning?: 'sigterm' | 'silent'): Promise<void>;
  /** As an orderly end from outside: SIGTERM, then off once all has ended, with the plug after `graceMs`. */
  shutdown(graceMs: number): Promise<void>;
}

export interface RestartDelays {
  readonly firstMs: number;
  /** The delay doubles with each restart up to this. */
  readonly maxMs: number;
}

export interface HostSurroundings {
  readonly directory: string;
  readonly searchPath: string;
  readonly restartDelays: RestartDelays;
}

const POLL_MS = 25;
const OUTPUT_PATIENCE_MS = 250;

export class EmulatedHost implements HostHandle {
  readonly id: string;
  private readonly mark = randomUUID();
  private readonly folder: HostFolder;
  private readonly console = new OutputTail();
  private current: HostState = 'booting';
  private offBy: 'guest' | 'host' | null = null;
  private watchdog: ChildProcess | null = null;
  private watchdogEnded: Promise<void> = Promise.resolve();
  private restartTimer: NodeJS.Timeout | null = null;
  private restarts = 0;
  private isEnding = false;

  constructor(
    private readonly request: BootRequest,
    private readonly around: HostSurroundings,
  ) {
    this.id = request.hostId;
    const { directory, searchPath } = around;
    const { kind, script, missingImages = [] } = request;
    this.folder = makeHostFolder({ directory, kind, script, searchPath, missingImages });
    this.start();
  }

  state(): HostState {
    return this.current;
  }

  consoleOutput(): string {
    return this.console.text();
  }

  poweredOffBy(): 'guest' | 'host' | null {
    return this.offBy;
  }

  exitCodes(): readonly number[] {
    return this.note('codes').split('\n').filter(Boolean).map(Number);
  }

  signal(name: NodeJS.Signals): boolean {
    const guest = Number(this.note('guest'));
    return this.current === 'running' && guest > 0 && this.has(guest) && signalIfAlive(guest, name);
  }

  pullPlug(): void {
    if (this.current === 'off') return;
    this.turnOff('host');
    killMarked(this.mark);
    this.watchdog?.stdin?.destroy();
  }

  async interruptIn(noticeMs: number, warning: 'sigterm' | 'silent' = 'sigterm'): Promise<void> {
    if (warning === 'sigterm') this.askToEnd();
    await this.waitAtMost(noticeMs, () => this.current === 'off');
    this.pullPlug();
    await this.watchdogEnded;
  }

  async shutdown(graceMs: number): Promise<void> {
    this.isEnding = true;
    this.askToEnd();
    await this.waitAtMost(graceMs, () => processesMarked(this.mark).length === 0);
    this.pullPlug();
    await this.watchdogEnded;
  }

  /** Resolves when nothing of a host that is off is left. */
  async gone(): Promise<void> {
    await this.watchdogEnded;
    killMarked(this.mark);
  }

  /** A machine's init signals every process, a container's platform only the first one. */
  private askToEnd(): void {
    if (this.request.kind === 'container') this.signal('SIGTERM');
    else processesMarked(this.mark).forEach((pid) => signalIfAlive(pid, 'SIGTERM'));
  }

  private async waitAtMost(boundMs: number, holds: () => boolean): Promise<void> {
    const end = performance.now() + boundMs;
    while (performance.now() < end && !holds()) await delay(Math.min(POLL_MS, boundMs));
  }

  private start(): void {
    const { watchdog, script, notes, root, env } = this.folder;
    const child = spawn('sh', [watchdog, this.mark, script, this.request.kind, notes], {
      cwd: root,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env, ...this.request.env },
    });
    this.watchdog = child;
    [child.stdout, child.stderr].forEach((stream) => this.console.follow(stream));
    child.once('spawn', () => this.become('running'));
    this.watchdogEnded = endOf(child).then(() => this.ended(child));
  }

  private ended(child: ChildProcess): void {
    child.stdin?.destroy();
    if (this.current === 'off') return;
    const { kind, restart } = this.request;
    if (kind === 'container' && restart === 'always' && !this.isEnding) this.startAgain();
    else this.turnOff(this.isEnding ? 'host' : 'guest');
  }

  private startAgain(): void {
    const { firstMs, maxMs } = this.around.restartDelays;
    const delayMs = Math.min(firstMs * 2 ** this.restarts, maxMs);
    this.restarts += 1;
    this.become('booting');
    this.restartTimer = setTimeout(() => this.start(), delayMs);
  }

  private turnOff(by: 'guest' | 'host'): void {
    if (this.restartTimer !== null) clearTimeout(this.restartTimer);
    this.offBy = by;
    this.become('off');
  }

  private become(state: HostState): void {
    if (this.current === state || this.current === 'off') return;
    this.current = state;
    this.request.onStateChange?.(state);
  }

  /** Guards against signalling another process that was given the guest's old id. */
  private has(pid: number): boolean {
    return processesMarked(this.mark).includes(pid);
  }

  private note(name: string): string {
    const path = join(this.folder.notes, name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  }
}

/** Resolves once the process has ended and its output is read; a stray that holds the output open is not waited for. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
    child.once('exit', () => setTimeout(resolve, OUTPUT_PATIENCE_MS));
  });
}
