import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  EmulatedHost,
  type BootRequest,
  type HostHandle,
  type RestartDelays,
} from './emulated-host';

export type {
  BootRequest,
  HostHandle,
  HostKind,
  HostRestart,
  HostState,
  RestartDelays,
} from './emulated-host';

export interface HostParkOptions {
  /** Each host gets a folder in it, removed by `closeAll`. */
  readonly rootDir: string;
  /** Where guests find real programs, behind the stand-ins and the running Node. */
  readonly searchPath?: string;
  readonly restartDelays?: RestartDelays;
}

/** The emulated machines of one emulator. They die with the process that holds the park, even when that is killed. */
export interface HostPark {
  /** Throws when the id is taken or is no plain file name. */
  boot(request: BootRequest): HostHandle;
  hosts(): readonly HostHandle[];
  /** Pulls every plug, waits until nothing runs any more and removes the folders. Repeatable; nothing boots afterwards. */
  closeAll(): Promise<void>;
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_RESTART_DELAYS: RestartDelays = { firstMs: 200, maxMs: 5_000 };
const HOST_ID = /^[A-Za-z0-9][\w.-]{0,127}$/;

export function createHostPark(options: HostParkOptions): HostPark {
  const { rootDir, searchPath = SYSTEM_PATH, restartDelays = DEFAULT_RESTART_DELAYS } = options;
  const hosts = new Map<string, EmulatedHost>();
  let closed = false;
  return {
    boot: (request) => {
      const { hostId } = request;
      if (closed) throw new Error('the park is closed');
      if (!HOST_ID.test(hostId)) throw new Error(`not a host id: ${hostId}`);
      if (hosts.has(hostId)) throw new Error(`there is a host ${hostId} already`);
      const directory = join(rootDir, hostId);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const path = `${dirname(process.execPath)}:${searchPath}`;
      const host = new EmulatedHost(request, { directory, searchPath: path, restartDelays });
      hosts.set(hostId, host);
      return host;
    },
    hosts: () => [...hosts.values()],
    closeAll: async () => {
      closed = true;
      hosts.forEach((host) => host.pullPlug());
      await Promise.all([...hosts.values()].map((host) => host.gone()));
      hosts.forEach(({ id }) =>
        rmSync(join(rootDir, id), { recursive: true, force: true, maxRetries: 5 }),
      );
    },
  };
}
