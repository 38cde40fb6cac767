import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { renderBootstrap, type BootstrapOptions } from './render-bootstrap';
import { renderContainer } from './render-container';
import { TEST_TOKEN } from './testing/control-plane';
import {
  nodeFolder,
  openBench,
  pathWithout,
  recordingPath,
  shells,
  textOf,
  until,
  works,
  type Bench,
  type Shell,
} from './testing/run-bootstrap';

jest.setTimeout(30_000);

const sh: Shell = { name: 'sh', argv: ['sh'] };
const shell = (text: string): readonly string[] => ['sh', '-c', text];

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

async function runToEnd(
  overrides: Partial<BootstrapOptions>,
  on: Shell = sh,
  env: NodeJS.ProcessEnv = {},
): Promise<number | null> {
  return bench.start(on, overrides, env).exitCode;
}

describe.each(shells)('under $name', (on) => {
  it('runs the command once, with its arguments and environment as given, and sends all output in order', async () => {
    const odd = `a 'b' "c" $HOME $(id) \`id\` $$ \\n \\ * ; # é 漢 \n second line`;
    const command = shell(`printf '<%s>' "$@" "$ODD"; pwd; echo err >&2; echo once >>"$COUNT"`);
    const count = join(bench.directory, 'count');
    const exit = await runToEnd(
      { command: [...command, 'x', odd, ''], env: { ODD: odd, COUNT: count } },
      on,
    );

    expect(exit).toBe(0);
    expect(bench.controlPlane.logs().toString()).toBe(
      `<${odd}><><${odd}>${join(bench.directory, 'work')}\nerr\n`,
    );
    expect(readFileSync(count, 'utf8')).toBe('once\n');
    expect(bench.controlPlane.exits).toMatchObject([{ code: 0, reason: 'exited' }]);
  });

  it.each([
    { text: 'exit 1', code: 1, reason: 'exited' },
    { text: 'exit 42', code: 42, reason: 'exited' },
    { text: 'kill -9 $$', code: 137, reason: 'signalled' },
    { text: 'sleep 30 & exit 3', code: 3, reason: 'exited' },
  ])('reports "$text" as $code, $reason', async ({ text, code, reason }) => {
    expect(await runToEnd({ command: shell(text) }, on)).toBe(code);
    expect(bench.controlPlane.exits).toMatchObject([{ code, reason }]);
  });

  it('turns SIGTERM into a last checkpoint, sends it, and reports that it was stopped', async () => {
    const text =
      'mkdir c; echo 1 >c/step; trap "echo last >c/step; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    const running = bench.start(on, {
      command: shell(text),
      checkpoint: { path: 'c', intervalMs: 60_000, signal: null },
    });
    await until('the workload is ready', () => bench.controlPlane.logs().includes('ready'));
    running.child.kill('SIGTERM');
    await running.exitCode;

    const [sent] = bench.controlPlane.checkpoints;
    expect(bench.controlPlane.checkpoints).toHaveLength(1);
    expect(sent?.body.toString()).toContain('last');
    expect(bench.controlPlane.exits).toMatchObject([{ code: 0, reason: 'stopped' }]);
  });

  it('continues from the checkpoint that an interrupted boot sent', async () => {
    const text =
      'i=$(cat c/step || echo 0); echo from $i; while [ $i -lt 6 ]; do i=$((i+1)); echo $i >c/new; mv c/new c/step; ' +
      'echo step $i; [ $i != 3 ] || sleep 20; sleep 0.05; done';
    const overrides: Partial<BootstrapOptions> = {
      command: shell(`mkdir -p c; ${text}`),
      checkpoint: { path: 'c', intervalMs: 100, signal: null },
    };
    const first = bench.start(on, overrides);
    await until('step 3 is sent', () =>
      Boolean(bench.controlPlane.checkpoints.at(-1)?.body.includes('3\n')),
    );
    await until('its log is sent', () => bench.controlPlane.logs().includes('step 3'));
    process.kill(-first.pid, 'SIGKILL');
    await first.exitCode;

    bench.controlPlane.script.checkpoint = bench.controlPlane.checkpoints.at(-1)?.body ?? null;
    bench.controlPlane.script.verdict = () => 'resume';
    await runToEnd({ ...overrides, workingDirectory: join(bench.directory, 'elsewhere') }, on);
    const log = bench.controlPlane.logs().toString();
    expect(log.match(/from \d/g)).toEqual(['from 0', 'from 3']);
    expect(log).toContain('step 6');
    expect(bench.controlPlane.exits).toMatchObject([{ code: 0, reason: 'exited' }]);
  });

  it('asks first after a restart, and does not run an attempt that is over', async () => {
    bench.controlPlane.script.verdict = () => 'over';
    const exit = await runToEnd({ command: shell('touch ran') }, on);
    expect(exit).toBe(0);
    expect(bench.controlPlane.seen.map(({ route }) => route)).toEqual(['start']);
    expect(textOf(join(bench.directory, 'work', 'ran'))).toBe('');
    expect(readdirSync(bench.directory)).not.toContain('work');
  });
});

describe('starting', () => {
  it('runs one of two boots: the other is told to wait, then that all is over', async () => {
    const { script, exits } = bench.controlPlane;
    let owner: string | null = null;
    script.verdict = (bootId) => {
      owner ??= bootId;
      if (owner === bootId) return 'run';
      return exits.length > 0 ? 'over' : 'busy';
    };
    const command = shell('echo ran >>count; sleep 0.5');
    await Promise.all([
      bench.start(sh, { command }).exitCode,
      bench.start(sh, { command }).exitCode,
    ]);
    expect(readFileSync(join(bench.directory, 'work', 'count'), 'utf8')).toBe('ran\n');
    expect(new Set(bench.controlPlane.boots).size).toBe(2);
    expect(exits).toHaveLength(1);
  });

  it.each([
    { title: 'a program that is not there', overrides: { command: ['no-such-program'] } },
    { title: 'an input that nobody has', overrides: { inputs: [{ path: 'x', url: null }] } },
    {
      title: 'a working directory that cannot be',
      overrides: { workingDirectory: '/dev/null/work' },
    },
  ])('reports $title as a failed start', async ({ overrides }) => {
    await runToEnd(overrides);
    expect(bench.controlPlane.exits).toMatchObject([{ reason: 'start-failed' }]);
    expect(bench.controlPlane.exits[0]?.code).not.toBe(0);
    expect(bench.controlPlane.logs().toString()).toContain('fairlead: ');
  });

  it('refuses to run where nothing could report the exit', async () => {
    const PATH = pathWithout(['curl', 'wget'], bench.directory);
    const running = bench.start(sh, { command: shell('touch ran') }, { PATH });
    expect(await running.exitCode).toBe(1);
    expect(running.console()).toMatch(/needs curl, or a wget/);
    expect(bench.controlPlane.seen).toEqual([]);
  });

  it('fetches inputs from the control plane and from elsewhere, where it shows no token', async () => {
    const headers: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      headers.push(request.headers.authorization);
      response.end('from elsewhere');
    }).listen(0, '127.0.0.1');
    await until('the other server listens', () => elsewhere.listening);
    const { port } = elsewhere.address() as AddressInfo;
    bench.controlPlane.script.inputs = [Buffer.from([0, 255, 10, 13])];
    const inputs = [
      { path: 'in/a', url: null },
      { path: join(bench.directory, 'b'), url: `http://127.0.0.1:${port}/some%20file?x=1&y=$HOME` },
    ];
    await runToEnd({ inputs, command: shell('cat in/a ../b') });
    elsewhere.close();
    expect(bench.controlPlane.logs()).toEqual(Buffer.from('\x00\xff\n\rfrom elsewhere', 'latin1'));
    expect(headers).toEqual([undefined]);
  });
});

describe('ending', () => {
  it('delivers outputs also after a failure: files as they are, directories as tar', async () => {
    const command = shell('mkdir d; echo in d >d/f; printf "\\001\\377" >f; exit 7');
    await runToEnd({ command, outputs: [{ path: 'f' }, { path: 'd' }, { path: 'missing' }] });
    const { outputs, exits, seen } = bench.controlPlane;
    expect(outputs.get(0)).toEqual({
      body: Buffer.from([1, 255]),
      contentType: 'application/octet-stream',
    });
    expect(outputs.get(1)?.contentType).toBe('application/x-tar');
    expect(outputs.get(1)?.body.toString()).toContain('in d');
    expect([...outputs.keys()]).toEqual([0, 1]);
    expect(exits).toMatchObject([{ code: 7, reason: 'exited' }]);
    // Heartbeats go on until the exit is answered, and the last of them may arrive after it.
    const said = seen.map(({ route }) => route).filter((route) => route !== 'heartbeat');
    expect(said.at(-1)).toBe('exit');
  });

  it('stops on maximum duration, and kills what does not heed SIGTERM', async () => {
    await runToEnd({
      command: shell('trap "" TERM; while :; do sleep 0.2; done'),
      maxDurationMs: 600,
      graceMs: 400,
    });
    expect(bench.controlPlane.exits).toMatchObject([{ code: 137, reason: 'max-duration' }]);
  });

  it('stops when told to', async () => {
    bench.controlPlane.script.directive = () => (bench.controlPlane.beats() > 2 ? 'stop' : 'go');
    await runToEnd({ command: ['sleep', '30'] });
    expect(bench.controlPlane.exits).toMatchObject([{ code: 143, reason: 'stopped' }]);
  });

  it('sleeps where ended containers are started again, saying no more', async () => {
    const running = bench.start(sh, { onEnd: 'idle' });
    await until('the exit is reported', () => bench.controlPlane.exits.length === 1);
    await until(
      'the private folder is gone',
      () => readdirSync(join(bench.directory, 'tmp')).length === 0,
    );
    const requests = bench.controlPlane.seen.length;
    expect(running.child.exitCode).toBeNull();
    running.child.kill('SIGTERM');
    expect(await running.exitCode).toBe(0);
    expect(bench.controlPlane.seen).toHaveLength(requests);
  });

  it('heeds a SIGTERM that comes while the exit is being reported', async () => {
    bench.controlPlane.script.refuseExit = true;
    const running = bench.start(sh, { onEnd: 'idle' });
    const attempts = (): number =>
      bench.controlPlane.seen.filter(({ route }) => route === 'exit').length;
    await until('the exit was refused', () => attempts() > 0);
    running.child.kill('SIGTERM');
    bench.controlPlane.script.refuseExit = false;
    expect(await running.exitCode).toBe(0);
    expect(bench.controlPlane.exits).toMatchObject([{ code: 0, reason: 'exited' }]);
  });

  it('powers the machine off where that ends the bill, also when there was nothing to run', async () => {
    const bin = join(bench.directory, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'poweroff'), `#!/bin/sh\necho off >>"${bench.directory}/power"\n`, {
      mode: 0o755,
    });
    const PATH = `${bin}:${process.env['PATH']}`;
    const power = (): string => textOf(join(bench.directory, 'power'));
    bench.start(sh, { onEnd: 'poweroff' }, { PATH });
    await until('the machine goes off', () => power() === 'off\n');
    expect(bench.controlPlane.exits).toHaveLength(1);
    bench.controlPlane.script.verdict = () => 'over';
    bench.start(sh, { onEnd: 'poweroff' }, { PATH });
    await until('the restarted machine goes off', () => power() === 'off\noff\n');
  });

  it.each([401, 403, 410])('stops and says no more once it is answered %i', async (status) => {
    const { script, logs, exits, seen } = bench.controlPlane;
    const running = bench.start(sh, {
      command: shell(
        'echo ready; trap "echo stopped >../stopped; exit 0" TERM; while :; do sleep 0.1; done',
      ),
      outputs: [{ path: 'x' }],
    });
    await until('the workload is ready', () => logs().includes('ready'));
    script.refuseWith = status;
    await running.exitCode;
    expect(textOf(join(bench.directory, 'stopped'))).toBe('stopped\n');
    expect(exits).toEqual([]);
    expect(seen.map(({ route }) => route)).not.toContain('exit');
  });
});

describe('checkpoints', () => {
  it('signals the workload when asked for one, and sends what it saved', async () => {
    const { script, checkpoints, logs, beats } = bench.controlPlane;
    let asked = false;
    script.directive = () => {
      if (asked || !logs().includes('ready')) return 'go';
      asked = true;
      return 'checkpoint';
    };
    const running = bench.start(sh, {
      command: shell('trap "echo saved >c" USR1; echo ready; while :; do sleep 0.1; done'),
      checkpoint: { path: 'c', intervalMs: 60_000, signal: 'USR1' },
    });
    await until('the checkpoint arrives', () => checkpoints.length === 1);
    expect(checkpoints[0]?.body.toString()).toContain('saved');
    const before = beats();
    await until('the workload lives on', () => beats() > before + 1);
    running.child.kill('SIGTERM');
    await running.exitCode;
    expect(checkpoints).toHaveLength(1);
  });

  it('does not send a checkpoint again that has not changed, nor the one it was given', async () => {
    const once: Partial<BootstrapOptions> = {
      command: shell('[ -e c ] || echo 1 >c; sleep 1'),
      checkpoint: { path: 'c', intervalMs: 100, signal: null },
    };
    await runToEnd(once);
    expect(bench.controlPlane.checkpoints).toHaveLength(1);
    bench.controlPlane.script.checkpoint = bench.controlPlane.checkpoints[0]?.body ?? null;
    await runToEnd({ ...once, workingDirectory: join(bench.directory, 'elsewhere') });
    expect(bench.controlPlane.checkpoints).toHaveLength(1);
  });

  it('keeps a checkpoint file as it is where there is no tar, and makes do without setsid', async () => {
    const PATH = pathWithout(['tar', 'setsid'], bench.directory);
    const checkpoint = { path: 'c', intervalMs: 60_000, signal: null };
    await runToEnd({ command: shell('printf half >c'), checkpoint }, sh, { PATH });
    expect(bench.controlPlane.checkpoints.map(({ body }) => body.toString())).toEqual(['half']);
    bench.controlPlane.script.checkpoint = Buffer.from('half');
    const workingDirectory = join(bench.directory, 'elsewhere');
    await runToEnd({ command: ['cat', 'c'], checkpoint, workingDirectory });
    expect(bench.controlPlane.logs().toString()).toBe('half');
  });
});

describe('the token', () => {
  const clients = [
    { client: 'curl', without: ['wget'] },
    { client: 'GNU wget', without: ['curl'] },
  ];
  it.each(clients)(
    'appears in no process list and not in the workload, with $client',
    async ({ without }) => {
      const PATH = recordingPath(without, bench.directory);
      const { command, env } = renderContainer(
        renderBootstrap(bench.options({ command: shell('env; echo ready; sleep 0.3') })),
      );
      const bootstrap = { name: 'container', argv: command };
      const running = bench.start(bootstrap, {}, { PATH, token: 'of the machine', ...env });
      const ownArguments = textOf(`/proc/${running.pid}/cmdline`);
      expect(await running.exitCode).toBe(0);

      const started = textOf(join(bench.directory, 'record'));
      expect(started).toContain('/heartbeat');
      expect(started).toContain('/exit');
      const log = bench.controlPlane.logs().toString();
      expect(log).toContain('ready');
      for (const text of [ownArguments, started, log]) expect(text).not.toContain(TEST_TOKEN);
      expect(log).not.toContain('FAIRLEAD_BOOTSTRAP');
    },
  );
});

describe('other machines', () => {
  const hasBusybox = works(['busybox', 'true']);
  const busyboxPath = (): string => {
    const bin = join(bench.directory, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'wget'), '#!/bin/sh\nexec busybox wget "$@"\n', { mode: 0o755 });
    return `${bin}:${pathWithout(['curl', 'wget'], bench.directory)}`;
  };
  const others = [
    {
      client: 'GNU wget',
      path: () => pathWithout(['curl'], bench.directory),
      skip: !works(['wget', '--version']),
    },
    { client: 'busybox wget', path: busyboxPath, skip: !hasBusybox },
  ].filter(({ skip }) => !skip);

  it.each(others)('does everything with $client alone', async ({ path }) => {
    const { script, logs, outputs, exits, checkpoints } = bench.controlPlane;
    script.inputs = [Buffer.from('input bytes')];
    await runToEnd(
      {
        inputs: [{ path: 'in', url: null }],
        outputs: [{ path: 'out' }],
        checkpoint: { path: 'c', intervalMs: 60_000, signal: null },
        command: shell('cat in; cp in out; echo 1 >c; exit 9'),
      },
      sh,
      { PATH: path() },
    );
    expect(logs().toString()).toBe('input bytes');
    expect(outputs.get(0)?.body.toString()).toBe('input bytes');
    expect(checkpoints).toHaveLength(1);
    expect(exits).toMatchObject([{ code: 9, reason: 'exited' }]);
  });

  it.each(others)('ends on 401 with $client', async ({ path }) => {
    bench.controlPlane.script.refuseWith = 401;
    const running = bench.start(sh, { command: shell('touch ran') }, { PATH: path() });
    await running.exitCode;
    expect(running.console()).toContain('may not start (answer 401)');
  });

  it('takes absolute paths below the root that the machine names', async () => {
    const root = join(bench.directory, 'root');
    const command = [join(nodeFolder, 'node'), '-e', 'console.log(process.cwd())'];
    await runToEnd({ workingDirectory: '/workspace/job', command }, sh, { FAIRLEAD_ROOT: root });
    expect(bench.controlPlane.logs().toString()).toBe(`${root}/workspace/job\n`);
  });
});
