import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createHostPark,
  type BootRequest,
  type HostHandle,
  type HostPark,
  type HostState,
} from './host-park';
import { watchdogScript } from './watchdog';

jest.setTimeout(20_000);

const POLL_MS = 20;
const LONGEST_WAIT_MS = 10_000;

let rootDir: string;
let park: HostPark;
let booted = 0;

beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'fairlead-park-'));
  park = createHostPark({ rootDir, restartDelays: { firstMs: 20, maxMs: 100 } });
});
afterEach(async () => {
  await park.closeAll();
  rmSync(rootDir, { recursive: true, force: true });
});

function boot(script: string, request: Partial<BootRequest> = {}): HostHandle {
  booted += 1;
  return park.boot({ hostId: `host-${booted}`, script, kind: 'vm', restart: 'never', ...request });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += POLL_MS) {
    if (holds()) return;
    await delay(POLL_MS);
  }
  throw new Error(`waited in vain until ${what}`);
}

/** Boots, waits for the script to print its process ids on one line, and returns them. */
async function pidsFrom(host: HostHandle): Promise<readonly number[]> {
  await until('the ids are printed', () => /pids [\d ]+\n/.test(host.consoleOutput()));
  const [, ids = ''] = /pids ([\d ]+)\n/.exec(host.consoleOutput()) ?? [];
  return ids.trim().split(' ').map(Number);
}

/** Dead but not yet collected by its parent does not count as alive. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)]);
  return /^[^Z]/.test(stdout.toString().trim());
}

/** One process in its group, one in a session of its own, one that lost its parent too. */
const scattered =
  'sleep 60 & a=$!; setsid sleep 60 & b=$!; (setsid sh -c "sleep 60 & echo \\$! >orphan; exit" &); ' +
  'while [ ! -s orphan ]; do sleep 0.02; done; echo pids $a $b $(cat orphan); wait';

describe('a machine', () => {
  it('runs its user data once, stays on after it, and tells the exit code and the console', async () => {
    const states: HostState[] = [];
    const host = boot('echo from user data; echo also this >&2; exit 4', {
      onStateChange: (s) => states.push(s),
    });
    expect(host.state()).toBe('booting');
    await until('the script has ended', () => host.exitCodes().length === 1);
    await until(
      'its console is read',
      () => host.consoleOutput() === 'from user data\nalso this\n',
    );
    expect(host.exitCodes()).toEqual([4]);
    expect(host.state()).toBe('running');
    expect(states).toEqual(['running']);
    expect(host.poweredOffBy()).toBeNull();
  });

  it.each(['poweroff', 'shutdown -h now', 'shutdown now'])(
    'goes off by "%s" with all it ran',
    async (command) => {
      const host = boot(
        `(${scattered}) & while [ ! -s go ]; do sleep 0.02; done; ${command}; sleep 60`,
      );
      const pids = await pidsFrom(host);
      writeFileSync(join(rootDir, host.id, 'root', 'go'), 'go');
      await until('it is off', () => host.state() === 'off');
      expect(host.poweredOffBy()).toBe('guest');
      await until('nothing runs', () => !pids.some(isAlive));
    },
  );

  it('stays on after "halt", and with a power-off timer that has not run out', async () => {
    const host = boot('shutdown -h +60; halt; echo done');
    await until('the script has ended', () => host.exitCodes().length === 1);
    await until('its console is read', () => host.consoleOutput().includes('done'));
    expect(host.state()).toBe('running');
  });

  it('has an environment of its own: nothing of the emulator, and the root that stands for /', async () => {
    process.env['FAIRLEAD_PARK_SPEC'] = 'secret of the emulator';
    const host = boot('env; pwd; node -p "6 * 7"', { env: { GIVEN: 'yes' } });
    delete process.env['FAIRLEAD_PARK_SPEC'];
    await until('the last line is there', () => host.consoleOutput().endsWith('\n42\n'));
    const root = join(rootDir, host.id, 'root');
    expect(host.consoleOutput()).not.toContain('secret of the emulator');
    expect(host.consoleOutput()).toContain('GIVEN=yes\n');
    expect(host.consoleOutput()).toContain(`FAIRLEAD_ROOT=${root}\n`);
    expect(host.consoleOutput()).toContain(`\n${root}\n42\n`);
  });

  it('keeps the last 64 KiB of its console', async () => {
    const host = boot('yes 0123456 | head -c 200000; echo the end');
    await until('the end is there', () => host.consoleOutput().endsWith('the end\n'));
    expect(Buffer.byteLength(host.consoleOutput())).toBe(65_536);
  });
});

describe('a host', () => {
  it('dies at once when its plug is pulled, whatever its processes made of themselves', async () => {
    const host = boot(`trap '' TERM; ${scattered}`);
    const pids = await pidsFrom(host);
    expect(pids.every(isAlive)).toBe(true);
    host.pullPlug();
    expect(host.state()).toBe('off');
    expect(host.poweredOffBy()).toBe('host');
    await until('nothing runs', () => !pids.some(isAlive));
  });

  it('passes signals to its first process', async () => {
    const host = boot(
      'trap "echo got TERM; exit 9" TERM; echo ready; while :; do sleep 0.05; done',
      {
        kind: 'container',
      },
    );
    await until('it is ready', () => host.consoleOutput().includes('ready'));
    expect(host.signal('SIGTERM')).toBe(true);
    await until('it is off', () => host.state() === 'off');
    expect(host.consoleOutput()).toContain('got TERM');
    expect(host.exitCodes()).toEqual([9]);
    expect(host.poweredOffBy()).toBe('guest');
    expect(host.signal('SIGTERM')).toBe(false);
  });

  it.each(['vm', 'container'] as const)('is shut down in order as a %s', async (kind) => {
    const host = boot('trap "echo saved; exit 0" TERM; echo ready; while :; do sleep 0.05; done', {
      kind,
      restart: 'always',
    });
    await until('it is ready', () => host.consoleOutput().includes('ready'));
    await host.shutdown(5_000);
    expect(host.consoleOutput()).toContain('saved\n');
    expect(host.poweredOffBy()).toBe('host');
    expect(host.exitCodes()).toEqual([0]);
  });

  it('is taken away after a notice, heeded or not', async () => {
    const host = boot('trap "echo noticed" TERM; echo ready; while :; do sleep 0.05; done', {
      kind: 'container',
      restart: 'always',
    });
    await until('it is ready', () => host.consoleOutput().includes('ready'));
    await host.interruptIn(300);
    expect(host.consoleOutput()).toContain('noticed');
    expect(host.state()).toBe('off');
    expect(host.poweredOffBy()).toBe('host');
  });
});

describe('a container', () => {
  it('is started again with its files but without its processes, when the platform does so', async () => {
    const states: HostState[] = [];
    const script = 'sleep 60 & n=$(($(cat n || echo 0) + 1)); echo $n >n; echo run $n; exit $n';
    const host = boot(script, {
      kind: 'container',
      restart: 'always',
      onStateChange: (state) => states.push(state),
    });
    await until('it ran three times', () => host.exitCodes().length >= 3);
    host.pullPlug();
    expect(host.exitCodes().slice(0, 3)).toEqual([1, 2, 3]);
    expect(states.slice(0, 3)).toEqual(['running', 'booting', 'running']);
    expect(states.at(-1)).toBe('off');
  });

  it('is off after its end where it is never started again', async () => {
    const host = boot('exit 3', { kind: 'container' });
    await until('it is off', () => host.state() === 'off');
    expect(host.exitCodes()).toEqual([3]);
    expect(host.poweredOffBy()).toBe('guest');
  });

  it('can neither power its machine off nor start containers', async () => {
    const host = boot('poweroff; echo $?; shutdown -h now; echo $?; docker ps; echo $?', {
      kind: 'container',
    });
    await until('it is off', () => host.state() === 'off');
    expect(host.consoleOutput().match(/^\d+$/gm)).toEqual(['1', '1', '127']);
  });
});

describe('the park', () => {
  it('leaves nothing: no process, no folder', async () => {
    const hosts = [boot(scattered), boot(scattered, { kind: 'container', restart: 'always' })];
    const pids = (await Promise.all(hosts.map(pidsFrom))).flat();
    await park.closeAll();
    expect(pids.some(isAlive)).toBe(false);
    expect(readdirSync(rootDir)).toEqual([]);
    expect(() => boot('true')).toThrow('closed');
  });

  it('refuses an id twice, and one that leads out of its folder', () => {
    boot('true', { hostId: 'same' });
    expect(() => boot('true', { hostId: 'same' })).toThrow('already');
    expect(() => boot('true', { hostId: '../other' })).toThrow('not a host id');
  });

  it('does not outlive the process that holds it, even when that is killed', async () => {
    const holder = spawn(process.execPath, [
      '-e',
      holderProgram,
      rootDir,
      watchdogScript,
      scattered,
    ]);
    const printed = join(rootDir, 'printed');
    await until(
      'the guest runs',
      () => existsSync(printed) && /pids [\d ]+\n/.test(readFileSync(printed, 'utf8')),
    );
    const pids = (readFileSync(printed, 'utf8').match(/\d+/g) ?? []).map(Number);
    expect(pids.every(isAlive)).toBe(true);
    holder.kill('SIGKILL');
    await until('nothing runs', () => !pids.some(isAlive));
  });
});

/** Starts a watchdog exactly as a host does, and then does nothing until it is killed. */
const holderProgram = `
  const { spawn } = require('node:child_process');
  const { writeFileSync, openSync } = require('node:fs');
  const [root, watchdog, guest] = process.argv.slice(1);
  writeFileSync(root + '/watchdog.sh', watchdog);
  writeFileSync(root + '/guest.sh', guest);
  const printed = openSync(root + '/printed', 'w');
  const args = [root + '/watchdog.sh', require('node:crypto').randomUUID(), root + '/guest.sh', 'vm', root];
  spawn('sh', args, { cwd: root, detached: true, stdio: ['pipe', printed, printed] });
  setInterval(() => {}, 1000);
`;
