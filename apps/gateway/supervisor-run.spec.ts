import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asJobId } from '#libs/domain';
import { attemptToken, renderBootstrap } from '#libs/supervisor';
import { place, startGateway, TEST_SECRET, type Gateway } from './testing/gateway-harness';

const RUN_LIMIT_MS = 30_000;

let gateway: Gateway;
let admin: string;
let folder: string;
let child: ChildProcess | null = null;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
  folder = await mkdtemp(join(tmpdir(), 'fairlead-gateway-'));
  await gateway.app.listen(0, '127.0.0.1');
});
afterAll(async () => {
  if (child?.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

const read = (url: string) =>
  gateway.app.inject({ method: 'GET', url, headers: { authorization: admin } });

it(
  'serves a real supervisor from start to exit: input, log, checkpoint, output, code',
  async () => {
    const answer = await gateway.app.inject({
      method: 'POST',
      url: '/v1/jobs',
      headers: { authorization: admin },
      payload: {
        name: 'a',
        image: 'b',
        command: 'cat in.txt; echo saved > ck; cp in.txt out.txt; exit 3',
        inputs: [{ path: 'in.txt', uri: 'data:,hello%20there%0A' }],
        outputs: [{ path: 'out.txt' }],
        checkpoint: { path: 'ck' },
      },
    });
    const job = await gateway.storage.jobs.get(asJobId(answer.json<{ id: string }>().id));
    if (job === null) throw new Error('the job was not stored');
    const attempt = await place(gateway, job);
    const { port } = gateway.app.getHttpServer().address() as AddressInfo;
    const { script } = renderBootstrap({
      attemptId: attempt.id,
      controlUrl: `http://127.0.0.1:${port}`,
      token: attemptToken(TEST_SECRET, attempt.id),
      command: job.spec.command,
      env: {},
      workingDirectory: folder,
      inputs: job.spec.inputs.map(({ path }) => ({ path, url: null })),
      outputs: job.spec.outputs,
      checkpoint: { path: 'ck', intervalMs: 60_000, signal: null },
      maxDurationMs: RUN_LIMIT_MS,
      heartbeatMs: 200,
      onEnd: 'exit',
    });
    child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(3);
    const view = (await read(`/v1/jobs/${job.id}/attempts`)).json<{ items: object[] }>();
    expect(view.items).toMatchObject([{ exit: { code: 3, reason: 'exited' } }]);
    expect((await read(`/v1/jobs/${job.id}/logs`)).body).toContain('hello there\n');
    expect((await read(`/v1/jobs/${job.id}/outputs/0`)).body).toBe('hello there\n');
    const ref = { jobId: job.id, kind: 'checkpoint', index: 0 } as const;
    expect((await gateway.storage.artifacts.get(ref))?.meta.sizeBytes).toBeGreaterThan(0);
  },
  RUN_LIMIT_MS,
);
