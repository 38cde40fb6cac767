import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../apps/cli/run';
import { startProduct, type Product } from './product';

jest.setTimeout(120_000);

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

let product: Product;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-cli-scenario-'));
  await writeFile(
    join(folder, 'greet.yaml'),
    [
      'name: greet',
      'project: desk',
      'image: docker.io/library/node:24',
      'command: [cat, words.txt]',
      'inputs: [{ path: words.txt, uri: ./words.txt }]',
    ].join('\n'),
  );
  await writeFile(join(folder, 'words.txt'), 'hello from a file\n');
  await writeFile(
    join(folder, 'failing.yaml'),
    'name: failing\nproject: desk\nimage: alpine\ncommand: "echo bad data; exit 3"\n',
  );
  product = await startProduct();
});
afterAll(async () => {
  await product?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command line in this process, in real time and without a terminal. */
async function fairlead(...argv: readonly string[]): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const stdin = new PassThrough();
  stdin.end();
  const { url, key } = product.api;
  const exitCode = await run(argv, {
    env: { FAIRLEAD_URL: url, FAIRLEAD_API_KEY: key ?? '' },
    cwd: folder,
    stdin,
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    fetch: globalThis.fetch,
    nowMs: () => Date.now(),
    randomText: () => randomBytes(9).toString('base64url'),
    sleep: (durationMs, signal) =>
      delay(durationMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
    onInterrupt: () => () => undefined,
  });
  return { exitCode, ...said };
}

const jobIdIn = (text: string): string => /job-[0-9a-f-]+/.exec(text)?.[0] ?? 'none';

it('plans, and a plan starts nothing', async () => {
  const { exitCode, stdout, stderr } = await fairlead('plan', 'greet.yaml');
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('✓');
  expect(JSON.parse((await fairlead('ls', '--json')).stdout)).toMatchObject({ items: [] });
});

describe('after a job that was followed to its end', () => {
  let jobId: string;

  beforeAll(async () => {
    const { exitCode, stdout, stderr } = await fairlead('submit', '-y', '--follow', 'greet.yaml');
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('ended:');
    jobId = jobIdIn(stdout);
  });

  it('lists it with its state', async () => {
    const { exitCode, stdout } = await fairlead('ls');
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').find((line) => line.includes(jobId))).toMatch(/greet.*succeeded/);
  });

  it('prints what it printed, and nothing else', async () => {
    expect(await fairlead('logs', jobId)).toMatchObject({
      exitCode: 0,
      stdout: 'hello from a file\n',
    });
  });

  it('says why it ran where it ran', async () => {
    const { exitCode, stdout } = await fairlead('why', jobId);
    const [attempt] = await product.api.attempts(jobId);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('It completed.');
    expect(stdout).toContain(attempt?.offerId);
    expect(JSON.parse((await fairlead('why', jobId, '--json')).stdout)).toMatchObject({ jobId });
  });

  it('reports its cost', async () => {
    const { costMicroUsd } = await product.api.job(jobId);
    const { exitCode, stdout } = await fairlead('costs', '--json');
    expect(exitCode).toBe(0);
    const { rows } = JSON.parse(stdout) as {
      rows: readonly { group: { project: string }; billedMicroUsd: number }[];
    };
    const row = rows.find(({ group }) => group.project === 'desk');
    expect(row?.billedMicroUsd).toBeGreaterThanOrEqual(costMicroUsd);
    expect((await fairlead('costs')).stdout).toContain('desk');
  });
});

it('ends with the exit code of a followed job that fails', async () => {
  const { exitCode, stdout } = await fairlead('submit', '-y', '--follow', 'failing.yaml');
  expect(exitCode).toBe(3);
  expect(stdout).toContain('failing');
  expect((await fairlead('logs', jobIdIn(stdout))).stdout).toBe('bad data\n');
});

it('shows what can be bought, and from whom', async () => {
  const offers = await fairlead('offers', '--gpu', 'H100');
  expect(offers.exitCode).toBe(0);
  expect(offers.stdout).toMatch(/aws[^]*H100/);
  const providers = await fairlead('providers');
  expect(providers.exitCode).toBe(0);
  for (const name of ['aws', 'akash']) expect(providers.stdout).toContain(name);
});

it('refuses a key that is none', async () => {
  const { exitCode, stderr } = await fairlead('ls', '--key', 'fl_nobody_nothing');
  expect(exitCode).toBe(5);
  expect(stderr).not.toBe('');
});
