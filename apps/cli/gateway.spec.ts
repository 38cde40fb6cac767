import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asJobId, asProviderId, type Job } from '#libs/domain';
import { fakeOffers } from '#libs/testkit';
import { place, startGateway, type Gateway } from '../gateway/testing/gateway-harness';
import { exitCodes } from './exit-codes';
import { fairlead, type Ran, type Wish } from './testing/terminal';

/** The command against the real gateway on a real database; only the services behind the gateway are stood in for. */
let gateway: Gateway;
let url: string;
let admin: string;
let folder: string;

beforeAll(async () => {
  gateway = await startGateway();
  admin = (await gateway.keyFor(['admin'])).replace('Bearer ', '');
  await gateway.storage.offers.replace(asProviderId('memory'), fakeOffers, gateway.clock.nowMs());
  await gateway.app.listen(0, '127.0.0.1');
  const { port } = gateway.app.getHttpServer().address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-cli-gateway-'));
  writeFileSync(join(folder, 'job.yaml'), 'name: hello\nimage: alpine\ncommand: [cat, in.txt]\n');
  writeFileSync(
    join(folder, 'bad.yaml'),
    'nmae: x\nimage: alpine\nresources: {gpus: "H100:none"}\n',
  );
  writeFileSync(
    join(folder, 'policy.yaml'),
    'name: at-home\nrules: [{id: home, require: "offer.country == \'DE\'", because: it must}]\n',
  );
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const router = (argv: readonly string[], wish: Wish = {}): Promise<Ran> =>
  fairlead(argv, { url, cwd: folder, env: { FAIRLEAD_API_KEY: admin }, ...wish });

async function submit(): Promise<Job> {
  const { stdout } = await router(['submit', '-y', '--json', 'job.yaml']);
  const { id } = JSON.parse(stdout) as { id: string };
  const job = await gateway.storage.jobs.get(asJobId(id));
  if (job === null) throw new Error('the job was not stored');
  return job;
}

/** Ends a job as the dispatcher would: the attempt is over, then the job is. */
async function end(job: Job, exitCode: number): Promise<void> {
  const atMs = gateway.clock.nowMs();
  await place(gateway, job, {
    phase: 'released',
    outcome: exitCode === 0 ? 'succeeded' : 'workload-failed',
    report: {
      bootId: 'boot',
      startedAtMs: atMs,
      heartbeatAtMs: atMs,
      checkpointAtMs: null,
      exit: { code: exitCode, reason: 'exited', atMs },
    },
  });
  const placed = await gateway.storage.jobs.get(job.id);
  if (placed === null) throw new Error('the job is gone');
  const outcome = exitCode === 0 ? 'completed' : 'workload-failed';
  const state = exitCode === 0 ? 'succeeded' : 'failed';
  const data = { outcome, costMicroUsd: 0 };
  const event = { type: 'job.ended', data, jobId: job.id, attemptId: null, atMs };
  const ended = { ...placed, outcome, state, endedAtMs: atMs, dueAtMs: null } as const;
  await gateway.storage.jobs.update(ended, { events: [event] });
}

it('plans, submits after one question, lists and explains', async () => {
  const plan = await router(['plan', 'job.yaml']);
  expect([plan.exitCode, plan.stderr]).toEqual([0, '']);
  expect(plan.stdout).toContain('✓');
  const submitted = await router(['submit', 'job.yaml'], { typed: 'yes\n' });
  expect(submitted.exitCode).toBe(0);
  const [, jobId = ''] = /fairlead follow (\S+)/.exec(submitted.stdout) ?? [];
  expect((await router(['ls'])).stdout).toContain(jobId);
  expect((await router(['why', jobId])).stdout).toContain('queued');
  expect((await router(['cancel', jobId])).stdout).toContain('stopping');
});

it.each([0, 7])('follows a job to its end and ends with its exit code %i', async (exitCode) => {
  const job = await submit();
  const following = router(['follow', job.id]);
  await end(job, exitCode);
  const { stdout, exitCode: ended } = await following;
  expect(ended).toBe(exitCode);
  expect(stdout).toContain('placed at');
  expect(stdout).toContain('ended:');
});

it('prints the output of a job, now and while it comes', async () => {
  const job = await submit();
  const attempt = await place(gateway, job, { phase: 'released', outcome: 'succeeded' });
  await gateway.storage.logs.append(attempt.id, 0, Buffer.from('grüße\n'), gateway.clock.nowMs());
  expect((await router(['logs', job.id])).stdout).toBe('grüße\n');
  const only = await router(['logs', job.id, '-f', '--attempt', '1']);
  expect(only.stdout).toBe('grüße\n');
});

it('retries what has ended and refuses what has not', async () => {
  const job = await submit();
  expect((await router(['retry', job.id])).exitCode).toBe(exitCodes.refused.code);
  await end(job, 1);
  const again = await router(['retry', job.id, '--json']);
  expect(again.exitCode).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ name: 'hello', state: 'queued' });
});

it('prints every problem of a job with its place', async () => {
  const { exitCode, stderr } = await router(['submit', '-y', 'bad.yaml']);
  expect(exitCode).toBe(exitCodes.refused.code);
  for (const pointer of ['/nmae', '/name', '/resources/gpus']) expect(stderr).toContain(pointer);
  expect(stderr).toContain('did you mean "name"?');
});

it('keeps keys, policies, budgets and costs', async () => {
  const made = await router(['keys', 'create', 'ci', '--role', 'submitter', '--json']);
  const { id, key } = JSON.parse(made.stdout) as { id: string; key: string };
  const asCi = { env: { FAIRLEAD_API_KEY: key } };
  expect((await router(['ls'], asCi)).exitCode).toBe(0);
  expect((await router(['costs'], asCi)).exitCode).toBe(exitCodes.auth.code);
  expect((await router(['keys', 'revoke', id])).exitCode).toBe(0);
  expect((await router(['ls'], asCi)).exitCode).toBe(exitCodes.auth.code);
  expect((await router(['keys'])).stdout).toContain('revoked');

  expect((await router(['policies', 'check', 'policy.yaml'])).exitCode).toBe(0);
  expect((await router(['policies', 'draft', 'policy.yaml'])).stdout).toContain(
    'at-home version 1',
  );
  expect((await router(['policies', 'activate', 'at-home', '1'])).exitCode).toBe(0);
  expect((await router(['policies'])).stdout).toMatch(/✓ +at-home/);
  const none = await router(['policies', 'activate', 'nowhere', '1']);
  expect(none.exitCode).toBe(exitCodes['not-found'].code);

  const set = await router(['budgets', 'set', 'tiny', '--hard', '$0.000001']);
  expect(set.stdout).toContain('<$0.0001');
  expect((await router(['budgets'])).stdout).toContain('tiny');
  const over = await router(['submit', '-y', '-'], {
    piped: 'name: x\nproject: tiny\nimage: alpine\ncommand: [ls]\n',
  });
  expect(over.exitCode).toBe(exitCodes.budget.code);
  expect((await router(['costs', '--by', 'project,day'])).exitCode).toBe(0);
  expect((await router(['costs', '--csv'])).stdout).toMatch(/^project,billed_usd/);
});

it('lists offers by what is asked, and providers', async () => {
  const { stdout } = await router(['offers', '--gpu', 'H100', '--json']);
  const { items } = JSON.parse(stdout) as { items: readonly { gpu: { model: string } }[] };
  expect(items.length).toBeGreaterThan(0);
  expect(new Set(items.map(({ gpu }) => gpu.model))).toEqual(new Set(['H100']));
  expect((await router(['providers'])).exitCode).toBe(0);
  expect((await router(['why', 'job-none'])).exitCode).toBe(exitCodes['not-found'].code);
});
