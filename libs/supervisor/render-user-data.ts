import { posix } from 'node:path';
import {
  exportLines,
  pathWord,
  renderBootstrap,
  renderWith,
  supervisorDefaults,
  type BootstrapOptions,
  type Launcher,
} from './render-bootstrap';
import { shellQuote } from './shell-quote';

/** How the workload runs in Docker on a virtual machine. */
export interface DockerRun {
  readonly image: string;
  /** Whether the container sees the machine's GPUs. */
  readonly gpus: boolean;
  /** Replaces the entrypoint of the image; null keeps it. */
  readonly entrypoint: string | null;
  /** TCP ports opened on the machine under the same number. */
  readonly ports: readonly number[];
  /** Shared memory, which multi-GPU frameworks need more of than Docker's 64 MiB; null keeps Docker's default. */
  readonly shmMib: number | null;
}

export interface UserDataOptions {
  /** With `dockerRun`, the working directory and the paths are those inside the container, and `command` goes to the image. */
  readonly bootstrap: BootstrapOptions;
  /** Null runs the command on the machine itself. */
  readonly dockerRun: DockerRun | null;
}

export interface UserData {
  /** Run as root at first boot. Carries the attempt's token and environment. */
  readonly userData: string;
  /** To compare with the limit of the provider, before any base64. */
  readonly bytes: number;
}

/** What EC2 accepts, before base64. */
export const EC2_USER_DATA_LIMIT_BYTES = 16_384;

/** Where the container's working directory, and other absolute paths, lie on the machine. */
const HOST_DIRECTORY = '/var/lib/fairlead/work';
const HOST_MOUNTS = '/var/lib/fairlead/mounts';
const DOCKER_COULD_NOT_RUN = 125;
const MS_PER_MINUTE = 60_000;
/** The machine's own timer fires this long after the supervisor should have ended everything. */
const POWER_OFF_SLACK_MINUTES = 10;

/** User data for a virtual machine: a power-off timer that needs no supervisor, then the bootstrap. */
export function renderUserData({ bootstrap, dockerRun }: UserDataOptions): UserData {
  const { script } =
    dockerRun === null
      ? renderBootstrap(bootstrap)
      : renderWith(onMachine(bootstrap), dockerLauncher(bootstrap, dockerRun));
  const userData = `#!/bin/sh\n${powerOffTimer(bootstrap)}\n${script}`;
  return { userData, bytes: Buffer.byteLength(userData) };
}

/** Scheduled with the machine's own init, so that it also fires when the supervisor was killed. */
function powerOffTimer({ maxDurationMs, giveUpAfterMs, graceMs }: BootstrapOptions): string {
  const { giveUpAfterMs: giveUpDefaultMs, graceMs: graceDefaultMs } = supervisorDefaults;
  const longestMs =
    maxDurationMs + (giveUpAfterMs ?? giveUpDefaultMs) + (graceMs ?? graceDefaultMs);
  return `shutdown -h +${Math.ceil(longestMs / MS_PER_MINUTE) + POWER_OFF_SLACK_MINUTES} 2>/dev/null`;
}

/** The same files as the machine sees them. */
function onMachine(options: BootstrapOptions): BootstrapOptions {
  const moved = (path: string): string => hostPath(path, options.workingDirectory);
  const { inputs, outputs, checkpoint } = options;
  return {
    ...options,
    workingDirectory: HOST_DIRECTORY,
    inputs: inputs.map((input) => ({ ...input, path: moved(input.path) })),
    outputs: outputs.map((output) => ({ ...output, path: moved(output.path) })),
    checkpoint: checkpoint && { ...checkpoint, path: moved(checkpoint.path) },
  };
}

function hostPath(path: string, workingDirectory: string): string {
  const inside = insideOf(path, workingDirectory);
  return inside === null ? `${HOST_MOUNTS}${posix.normalize(path)}` : inside;
}

/** The path relative to the working directory, or null when it lies elsewhere. */
function insideOf(path: string, workingDirectory: string): string | null {
  if (!posix.isAbsolute(path)) return path;
  const relative = posix.relative(workingDirectory, path);
  return relative === '' || relative.startsWith('..') ? null : relative;
}

function dockerLauncher(options: BootstrapOptions, run: DockerRun): Launcher {
  const name = shellQuote(options.attemptId.replaceAll(/[^\w.-]/g, '-'));
  const mounts = mountedDirectories(options);
  const inFile = Object.entries(options.env).filter(([, value]) => fitsEnvFile(value));
  const passedOn = Object.entries(options.env).filter(([, value]) => !fitsEnvFile(value));
  const flags = [
    `--name ${name}`,
    ...(run.gpus ? ['--gpus all'] : []),
    ...(run.shmMib === null ? [] : [`--shm-size ${run.shmMib}m`]),
    ...(run.entrypoint === null ? [] : [`--entrypoint ${shellQuote(run.entrypoint)}`]),
    ...run.ports.map((port) => `-p ${port}:${port}`),
    `-v "$PWD":${shellQuote(options.workingDirectory)}`,
    ...mounts.map((path) => `-v ${pathWord(HOST_MOUNTS + path)}:${shellQuote(path)}`),
    `-w ${shellQuote(options.workingDirectory)}`,
    `--env-file "$1/env"`,
    ...passedOn.map(([variable]) => `-e ${variable}`),
  ];
  const words = [run.image, ...options.command].map(shellQuote).join(' ');
  return {
    lines: [
      'root=${FAIRLEAD_ROOT-}',
      `(umask 077; ${[': >"$1/env"', ...inFile.map(envFileLine)].join('; ')}) || exit 1`,
      ...exportLines(Object.fromEntries(passedOn)),
      `exec docker run --rm --init ${flags.join(' ')} ${words}`,
    ],
    reap: `docker kill ${name} >/dev/null 2>&1`,
    startFailureCode: DOCKER_COULD_NOT_RUN,
    directories: mounts.map((path) => pathWord(HOST_MOUNTS + path)),
    shared: true,
  };
}

function envFileLine([name, value]: readonly [string, string]): string {
  return `printf '%s\\n' ${shellQuote(`${name}=${value}`)} >>"$1/env"`;
}

/** Docker reads env files by line; what does not fit a line is handed over through its own environment. */
function fitsEnvFile(value: string): boolean {
  return !/[\r\n]/.test(value);
}

/** Directories outside the working directory that the machine and the container must share. Throws RangeError for files in `/`. */
function mountedDirectories(options: BootstrapOptions): readonly string[] {
  const { workingDirectory, inputs, outputs, checkpoint } = options;
  const outside = (path: string): boolean => insideOf(path, workingDirectory) === null;
  const files = [...inputs, ...outputs].map(({ path }) => path).filter(outside);
  const holders = files.map((path) => posix.dirname(posix.normalize(path)));
  if (holders.includes('/')) throw new RangeError('an input or output cannot lie in / itself');
  if (checkpoint === null || !outside(checkpoint.path)) return [...new Set(holders)];
  const path = posix.normalize(checkpoint.path);
  const holder = posix.dirname(path);
  return [...new Set([...holders, holder === '/' ? path : holder])];
}
