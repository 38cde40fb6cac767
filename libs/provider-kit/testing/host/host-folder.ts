import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BLOCKED_BIN, CONTAINERS, GPU_BIN, MISSING_IMAGES, SEARCH_PATH } from './docker-stand-in';
import { gpuStandIn, standInsOf, type StandIn } from './stand-ins';
import { watchdogScript } from './watchdog';

/** What a host's folder is made from. */
export interface FolderOptions {
  readonly directory: string;
  readonly kind: 'vm' | 'container';
  readonly script: string;
  readonly searchPath: string;
  readonly missingImages: readonly string[];
}

export interface HostFolder {
  readonly watchdog: string;
  readonly script: string;
  /** Process ids and exit codes, written by the watchdog. */
  readonly notes: string;
  /** Working directory of the guest, and what stands for `/`. */
  readonly root: string;
  /** The guest's environment before anything is added. */
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the folder of one host: its programs, its root and its temporary files. Nothing of it is shared with another host. */
export function makeHostFolder(options: FolderOptions): HostFolder {
  const { directory, kind, searchPath } = options;
  const at = (name: string): string => join(directory, name);
  const folders = ['notes', 'root/root', 'tmp', CONTAINERS];
  folders.forEach((name) => mkdirSync(at(name), { recursive: true }));
  const standIns = standInsOf({ directory, kind });
  writePrograms(at('bin'), [...standIns, gpuStandIn]);
  writePrograms(at(GPU_BIN), [gpuStandIn]);
  writePrograms(at(BLOCKED_BIN), standInsOf({ directory, kind: 'container' }));
  writeFileSync(at(SEARCH_PATH), `${searchPath}\n`);
  writeFileSync(at(MISSING_IMAGES), options.missingImages.map((name) => `${name}\n`).join(''));
  writeFileSync(at('watchdog.sh'), watchdogScript);
  writeFileSync(at('guest.sh'), options.script, { mode: 0o600 });
  return {
    watchdog: at('watchdog.sh'),
    script: at('guest.sh'),
    notes: at('notes'),
    root: at('root'),
    env: {
      PATH: `${at('bin')}:${searchPath}`,
      HOME: at('root/root'),
      TMPDIR: at('tmp'),
      FAIRLEAD_ROOT: at('root'),
    },
  };
}

function writePrograms(folder: string, programs: readonly StandIn[]): void {
  mkdirSync(folder, { recursive: true });
  programs.forEach(({ name, script }) =>
    writeFileSync(join(folder, name), script, { mode: 0o755 }),
  );
}
