import { posix } from 'node:path';
import { supervisorFunctions } from './script-functions';
import { supervisorMain } from './script-main';
import { shellQuote } from './shell-quote';

/** What becomes of the machine once the attempt is over there. */
export type SupervisorEnd =
  /** The machine powers itself off; for virtual machines that are billed until they are gone. */
  | 'poweroff'
  /** The bootstrap exits with the code of the workload; for containers that stay ended. */
  | 'exit'
  /** The bootstrap sleeps; for platforms that start an ended container again. */
  | 'idle';

/** A file to be in place before the workload starts. */
export interface SupervisorInput {
  /** Absolute, or relative to the working directory. */
  readonly path: string;
  /** An http(s) address to download it from; null asks the control plane for `inputs/{n}`. */
  readonly url: string | null;
}

/** A file or directory to deliver once the workload has ended, however it ended. */
export interface SupervisorOutput {
  readonly path: string;
}

export interface SupervisorCheckpoint {
  /** File or directory the workload saves to, by writing beside it and renaming. Absolute, or relative to the working directory. */
  readonly path: string;
  /** How often to look for a changed checkpoint and send it. */
  readonly intervalMs: number;
  /** Sent to the workload's first process when the control plane asks for a checkpoint; null only sends what is there. */
  readonly signal: 'USR1' | 'USR2' | 'HUP' | null;
}

export interface BootstrapOptions {
  readonly attemptId: string;
  /** Base address of the gateway, reachable from the machine, without `/v1`. */
  readonly controlUrl: string;
  /** Good for this attempt alone; letters, digits and `._~+/=-`. */
  readonly token: string;
  /** Program and arguments, run as they are: no shell reads them. */
  readonly command: readonly string[];
  /** Added to what the machine already has. Names are shell identifiers. */
  readonly env: Readonly<Record<string, string>>;
  /** Made if missing. Absolute ones are taken below `$FAIRLEAD_ROOT` where a machine sets it. */
  readonly workingDirectory: string;
  readonly inputs: readonly SupervisorInput[];
  readonly outputs: readonly SupervisorOutput[];
  readonly checkpoint: SupervisorCheckpoint | null;
  /** From the start of the bootstrap, so that fetching inputs counts. */
  readonly maxDurationMs: number;
  readonly heartbeatMs?: number;
  /** Between SIGTERM and SIGKILL, for the workload to save its last checkpoint. */
  readonly graceMs?: number;
  /** Without an answer from the control plane for this long, the workload is stopped and the machine given back. */
  readonly giveUpAfterMs?: number;
  /** Disk for output that could not be sent yet; beyond it the middle is dropped and a line says so. */
  readonly logBufferBytes?: number;
  readonly onEnd: SupervisorEnd;
}

export interface Bootstrap {
  /** For any POSIX `sh`; carries the token, so it is as secret as the token. */
  readonly script: string;
}

/** What holds where options leave it open. */
export const supervisorDefaults = {
  heartbeatMs: 10_000,
  graceMs: 25_000,
  giveUpAfterMs: 15 * 60_000,
  logBufferBytes: 32 * 1024 * 1024,
} as const;

/** How the workload is started, stopped for good, and found unstartable. */
export interface Launcher {
  /** Shell lines; `$1` is a private directory, the working directory is current. */
  readonly lines: readonly string[];
  /** A command that kills what SIGKILL to the started process leaves behind. */
  readonly reap: string;
  /** The exit code that means the workload never ran, if there is one. */
  readonly startFailureCode: number | null;
  /** More directories to make, as shell words. */
  readonly directories: readonly string[];
  /** Whether other users than the supervisor's must be able to write the working directory. */
  readonly shared: boolean;
}

const MAX_TICK_MS = 1_000;
const MIN_TICK_MS = 100;
const READ_BYTES = 65_536;
/** The buffer is dropped from in steps of about this fraction, and a segment holds at most this many reads. */
const SEGMENTS_PER_BUFFER = 16;
const MAX_READS_PER_SEGMENT = 64;
const MAX_PERIOD_MS = 366 * 24 * 3_600_000;
const TOKEN = /^[\w.~+/=-]{1,4096}$/;
/** Names that only the script itself uses start with `_`; shortened, they leave more of the user data to the workload. */
const INNER_NAME = /(?<![A-Za-z0-9_])_[a-z]+/g;
const innerNames = [...new Set(`${supervisorFunctions}${supervisorMain}`.match(INNER_NAME))];
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The script that asks, runs the command once and reports. Throws RangeError on a value that no shell or machine could take. */
export function renderBootstrap(options: BootstrapOptions): Bootstrap {
  return renderWith(options, commandLauncher(options));
}

/** As `renderBootstrap`, with another way to start the workload. */
export function renderWith(options: BootstrapOptions, launcher: Launcher): Bootstrap {
  check(options);
  const parts = [
    settings(options, launcher),
    stripped(supervisorFunctions),
    `reap() { ${launcher.reap}; }`,
    preparation(options, launcher),
    shellFunction('inputs', options.inputs.map(fetchLine)),
    shellFunction('outputs', options.outputs.map(outputLine)),
    launcherFunction(launcher.lines),
    stripped(supervisorMain),
  ];
  return { script: `${parts.join('\n')}\n` };
}

/** An `export` line for each variable. */
export function exportLines(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}`);
}

/** A path as one shell word: below the machine's root if absolute, else relative to the working directory. */
export function pathWord(path: string): string {
  return posix.isAbsolute(path) ? `"$root"${shellQuote(path)}` : shellQuote(`./${path}`);
}

function commandLauncher({ command, env }: BootstrapOptions): Launcher {
  const program = shellQuote(command[0] ?? '');
  return {
    lines: [
      ...exportLines(env),
      `command -v ${program} >/dev/null || { echo fairlead: ${program} was not found; : >"$1/failed"; exit 127; }`,
      `exec ${command.map(shellQuote).join(' ')}`,
    ],
    reap: ':',
    startFailureCode: null,
    directories: [],
    shared: false,
  };
}

function check(options: BootstrapOptions): void {
  const { attemptId, controlUrl, token, command, env, inputs, checkpoint } = options;
  const periods = [
    options.maxDurationMs,
    options.heartbeatMs,
    options.graceMs,
    options.giveUpAfterMs,
  ];
  refuseUnless(attemptId !== '', 'an attempt id is needed');
  refuseUnless(TOKEN.test(token), 'the token has characters that cannot go into a header');
  refuseUnless(command.length > 0 && command[0] !== '', 'a command is needed');
  refuseUnless(isHttp(controlUrl), 'the control URL is not http(s)');
  refuseUnless(
    inputs.every(({ url }) => url === null || isHttp(url)),
    'an input URL is not http(s)',
  );
  refuseUnless(
    Object.keys(env).every((name) => ENV_NAME.test(name)),
    'an environment name is not an identifier',
  );
  refuseUnless(
    [...periods, checkpoint?.intervalMs].every(
      (ms) => ms === undefined || (ms > 0 && ms <= MAX_PERIOD_MS),
    ),
    'a duration is not positive or longer than a year',
  );
}

function refuseUnless(holds: boolean, message: string): void {
  if (!holds) throw new RangeError(message);
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function settings(options: BootstrapOptions, launcher: Launcher): string {
  const { checkpoint } = options;
  const heartbeatMs = options.heartbeatMs ?? supervisorDefaults.heartbeatMs;
  const bufferBytes = options.logBufferBytes ?? supervisorDefaults.logBufferBytes;
  const base = options.controlUrl.replace(/\/+$/, '');
  const values: Readonly<Record<string, string | number>> = {
    api: shellQuote(`${base}/v1/attempts/${encodeURIComponent(options.attemptId)}`),
    token: shellQuote(options.token),
    max: centiseconds(options.maxDurationMs),
    beat: centiseconds(heartbeatMs),
    tick: centiseconds(Math.min(Math.max(heartbeatMs, MIN_TICK_MS), MAX_TICK_MS)),
    grace: centiseconds(options.graceMs ?? supervisorDefaults.graceMs),
    giveup: centiseconds(options.giveUpAfterMs ?? supervisorDefaults.giveUpAfterMs),
    every: centiseconds(checkpoint?.intervalMs ?? MAX_PERIOD_MS),
    saveSignal: checkpoint?.signal ?? "''",
    onEnd: options.onEnd,
    logKib: Math.ceil(bufferBytes / 1024),
    reads: readsPerSegment(bufferBytes),
    badCode: launcher.startFailureCode ?? "''",
    ckName: checkpoint === null ? "''" : shellQuote(posix.basename(checkpoint.path)),
    root: '${FAIRLEAD_ROOT-}',
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return ['unset token', ...lines].join('\n');
}

function centiseconds(ms: number): number {
  return Math.max(1, Math.round(ms / 10));
}

function readsPerSegment(bufferBytes: number): number {
  const reads = Math.floor(bufferBytes / SEGMENTS_PER_BUFFER / READ_BYTES);
  return Math.min(Math.max(reads, 1), MAX_READS_PER_SEGMENT);
}

/** Makes the directories that are written to, with the permissions the machine would give them. */
function preparation(options: BootstrapOptions, launcher: Launcher): string {
  const { workingDirectory, checkpoint, inputs } = options;
  const checkpointDirectory = checkpoint === null ? '.' : posix.dirname(checkpoint.path);
  const work = posix.isAbsolute(workingDirectory)
    ? pathWord(workingDirectory)
    : shellQuote(workingDirectory);
  const below = new Set([...inputs.map(({ path }) => posix.dirname(path)), checkpointDirectory]);
  const made = [...below].filter((path) => path !== '.').map(pathWord);
  const directories = [...new Set([...made, ...launcher.directories])];
  return shellFunction('prepare', [
    `umask $mask`,
    `mkdir -p ${work} && cd ${work} || return 1`,
    `ckDir=${pathWord(checkpointDirectory)}`,
    ...directories.map((word) => `mkdir -p ${word} || return 1`),
    ...(launcher.shared ? [`chmod 777 . ${directories.join(' ')}`] : []),
    `umask 077`,
  ]);
}

function fetchLine({ path, url }: SupervisorInput, index: number): string {
  const source = url === null ? '' : ` ${shellQuote(new URL(url).href)}`;
  return `fetch ${index} ${pathWord(path)}${source}`;
}

function outputLine({ path }: SupervisorOutput, index: number): string {
  return `output ${index} ${pathWord(posix.dirname(path))} ${shellQuote(posix.basename(path))}`;
}

function shellFunction(name: string, lines: readonly string[]): string {
  return [`${name}() {`, ...lines, ':', '}'].join('\n');
}

function launcherFunction(lines: readonly string[]): string {
  const text = lines.join('\n');
  let end = 'END';
  while (text.includes(end)) end += '_';
  return [`launcher() {`, `cat <<'${end}'`, text, end, '}'].join('\n');
}

/** Removes what only a reader needs: indentation, blank lines, comments on lines of their own, long inner names. */
function stripped(script: string): string {
  const lines = script.split('\n').map((line) => line.trim());
  const kept = lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n');
  return kept.replaceAll(INNER_NAME, (name) => `_${innerNames.indexOf(name).toString(36)}`);
}
