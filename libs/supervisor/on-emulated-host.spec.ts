import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostPark, type HostPark } from '../provider-kit/testing/host/host-park';
import { renderBootstrap, type BootstrapOptions } from './render-bootstrap';
import { renderContainer } from './render-container';
import { renderUserData, type DockerRun } from './render-user-data';
import {
  startControlPlane,
  TEST_ATTEMPT,
  TEST_TOKEN,
  type ControlPlane,
} from './testing/control-plane';
import { until } from './testing/run-bootstrap';

jest.setTimeout(30_000);

let rootDir: string;
let park: HostPark;
let controlPlane: ControlPlane;
beforeEach(async () => {
  rootDir = mkdtempSync(join(tmpdir(), 'fairlead-machines-'));
  mkdirSync(join(rootDir, 'hosts'));
  park = createHostPark({
    rootDir: join(rootDir, 'hosts'),
    restartDelays: { firstMs: 50, maxMs: 100 },
  });
  controlPlane = await startControlPlane();
});
afterEach(async () => {
  await park.closeAll();
  await controlPlane.goDown();
  rmSync(rootDir, { recursive: true, force: true });
});

const docker: DockerRun = {
  image: 'node:24',
  gpus: false,
  entrypoint: null,
  ports: [],
  shmMib: null,
};

function options(overrides: Partial<BootstrapOptions>): BootstrapOptions {
  return {
    attemptId: TEST_ATTEMPT,
    controlUrl: controlPlane.url(),
    token: TEST_TOKEN,
    command: ['true'],
    env: {},
    workingDirectory: '/workspace',
    inputs: [],
    outputs: [],
    checkpoint: null,
    maxDurationMs: 60_000,
    heartbeatMs: 200,
    graceMs: 3_000,
    giveUpAfterMs: 10_000,
    onEnd: 'poweroff',
    ...overrides,
  };
}

const bootMachine = (script: string) =>
  park.boot({ hostId: 'vm', script, kind: 'vm', restart: 'never' });

it('runs a job in docker from user data: files in and out, environment, exit code, and the machine off', async () => {
  controlPlane.script.inputs = [Buffer.from('21')];
  const program =
    'const fs = require("fs"); const n = Number(fs.readFileSync("in/n")); fs.writeFileSync("answer", String(n * 2)); ' +
    'console.log(JSON.stringify([process.env.PLAIN, process.env.LINES, Object.keys(process.env).sort()])); process.exit(11)';
  const { userData } = renderUserData({
    bootstrap: options({
      command: ['node', '-e', program],
      env: { PLAIN: `it's "plain" $HOME`, LINES: 'one\ntwo' },
      inputs: [{ path: '/workspace/in/n', url: null }],
      outputs: [{ path: 'answer' }],
    }),
    dockerRun: docker,
  });
  const host = bootMachine(userData);
  await until('the machine is off', () => host.state() === 'off');

  expect(host.poweredOffBy()).toBe('guest');
  expect(controlPlane.exits).toMatchObject([{ code: 11, reason: 'exited' }]);
  expect(controlPlane.outputs.get(0)?.body.toString()).toBe('42');
  const log = controlPlane.logs().toString();
  expect(log).toContain(JSON.stringify([`it's "plain" $HOME`, 'one\ntwo']).slice(0, -1));
  expect(log).not.toContain(TEST_TOKEN);
  expect(host.consoleOutput()).toContain('fairlead: ended with exit code 11 (exited)');
});

it('reports an image that cannot be had as a failed start', async () => {
  const { userData } = renderUserData({
    bootstrap: options({}),
    dockerRun: { ...docker, image: 'no/such' },
  });
  const host = park.boot({
    hostId: 'vm',
    script: userData,
    kind: 'vm',
    restart: 'never',
    missingImages: ['no/such'],
  });
  await until('the machine is off', () => host.state() === 'off');
  expect(controlPlane.exits).toMatchObject([{ code: 125, reason: 'start-failed' }]);
  expect(controlPlane.logs().toString()).toContain('manifest unknown');
});

it('sends a last checkpoint when the machine is shut down from outside', async () => {
  const text =
    'trap "echo saved >c/step; exit 0" TERM; mkdir -p c; echo begun >c/step; echo ready; while :; do sleep 0.1; done';
  const { userData } = renderUserData({
    bootstrap: options({
      command: ['sh', '-c', text],
      checkpoint: { path: 'c', intervalMs: 60_000, signal: null },
    }),
    dockerRun: docker,
  });
  const host = bootMachine(userData);
  await until('the workload is ready', () => controlPlane.logs().includes('ready'));
  await host.shutdown(8_000);
  expect(controlPlane.checkpoints).toHaveLength(1);
  expect(controlPlane.checkpoints[0]?.body.toString()).toContain('saved');
  expect(controlPlane.exits).toMatchObject([{ reason: 'stopped' }]);
});

it('kills a container that does not heed SIGTERM, through docker', async () => {
  controlPlane.script.directive = () => (controlPlane.logs().includes('ready') ? 'stop' : 'go');
  const { userData } = renderUserData({
    bootstrap: options({
      command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'],
      graceMs: 400,
    }),
    dockerRun: docker,
  });
  const host = bootMachine(userData);
  await until('the machine is off', () => host.state() === 'off');
  expect(controlPlane.exits).toMatchObject([{ code: 137, reason: 'stopped' }]);
});

it('in a container that is started again after a crash, goes on from the checkpoint and then idles', async () => {
  const { script, exits, checkpoints } = controlPlane;
  script.verdict = () => {
    script.checkpoint = checkpoints.at(-1)?.body ?? null;
    if (exits.length > 0) return 'over';
    return controlPlane.boots.length > 1 ? 'resume' : 'run';
  };
  const text =
    'i=$(cat c/step || echo 0); echo from $i; mkdir -p c; while [ $i -lt 5 ]; do i=$((i+1)); echo $i >c/new; mv c/new c/step; ' +
    'sleep 0.3; done';
  const { command, env } = renderContainer(
    renderBootstrap(
      options({
        command: ['sh', '-c', text],
        checkpoint: { path: 'c', intervalMs: 100, signal: null },
        onEnd: 'idle',
      }),
    ),
  );
  const host = park.boot({
    hostId: 'container',
    script: `exec ${command.map((word) => `'${word}'`).join(' ')}`,
    kind: 'container',
    env,
    restart: 'always',
  });
  await until('two steps are saved', () => Boolean(checkpoints.at(-1)?.body.includes('2\n')));
  host.signal('SIGKILL');
  await until('the exit is reported', () => exits.length === 1);
  expect(controlPlane.logs().toString()).toMatch(/from 0\n[^]*from [2-4]\n$/);
  expect(exits).toMatchObject([{ code: 0, reason: 'exited' }]);
  expect(host.state()).toBe('running');

  host.signal('SIGKILL');
  await until('it has asked again', () => controlPlane.boots.length === 3);
  await until('it runs and idles', () => host.consoleOutput().includes('not starting: over'));
  expect(exits).toHaveLength(1);
});
