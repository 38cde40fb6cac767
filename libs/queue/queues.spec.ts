import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Client } from 'pg';
import type { QueueName } from '#libs/contracts';
import { createDatabase, dropDatabase } from '../storage/embedded';
import type { Ring } from './doorbell';
import { openQueues, type QueueBackend, type QueueSettings } from './open-queues';
import type { Queues } from './queues';
import { hasRedis, startRedis, type RedisServer } from './testing/redis-server';

jest.setTimeout(60_000);

const WAIT_MS = 20_000;
const opened: Queues[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const queues of opened.splice(0)) await queues.close(1_000);
});

interface Said {
  readonly level: 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

interface Harness {
  backend(): QueueBackend;
}

function suite({ backend }: Harness): void {
  let prefix = '';
  const said: Said[] = [];

  beforeEach(() => {
    prefix = `t${randomUUID().slice(0, 8)}`;
    said.length = 0;
  });

  async function open(settings: Partial<QueueSettings> = {}): Promise<Queues> {
    const queues = await openQueues({
      backend: backend(),
      prefix,
      nowMs: () => Date.now(),
      log: {
        warn: (fields, text) => said.push({ level: 'warn', fields, text }),
        error: (fields, text) => said.push({ level: 'error', fields, text }),
      },
      ...settings,
    });
    opened.push(queues);
    return queues;
  }

  async function openWithRuns(): Promise<{ queues: Queues; runs: string[] }> {
    const queues = await open();
    const runs: string[] = [];
    await queues.reconcile('decide', async (id) => void runs.push(id));
    return { queues, runs };
  }

  it('runs what was rung, once', async () => {
    const { queues, runs } = await openWithRuns();
    queues.doorbell.ring(ring({ id: 'job-1' }));
    await until(() => runs.length > 0);
    await pause(50);
    expect(runs).toEqual(['job-1']);
  });

  it('rings equal rings once, and one with a later tag again', async () => {
    const { queues, runs } = await openWithRuns();
    for (let n = 0; n < 5; n += 1) queues.doorbell.ring(ring({ id: 'job-1', tag: 'r1' }));
    await until(() => runs.length === 1);
    queues.doorbell.ring(ring({ id: 'job-1', tag: 'r1' }));
    queues.doorbell.ring(ring({ id: 'job-1', tag: 'r2' }));
    await until(() => runs.length >= 2);
    await pause(50);
    expect(runs).toEqual(['job-1', 'job-1']);
  });

  it('rings equal rings of several processes once while they wait', async () => {
    const [first, second] = [await open(), await open()];
    const runs: string[] = [];
    const atMs = Date.now() + 400;
    first.doorbell.ring(ring({ atMs }));
    second.doorbell.ring(ring({ atMs }));
    await first.reconcile('decide', async (id) => void runs.push(id));
    await until(() => runs.length > 0);
    await pause(100);
    expect(runs).toEqual(['job-1']);
  });

  it('does not ring before the time', async () => {
    const { queues } = await openWithRuns();
    const ranAtMs: number[] = [];
    await queues.reconcile('place', async () => void ranAtMs.push(Date.now()));
    const atMs = Date.now() + 300;
    queues.doorbell.ring(ring({ queue: 'place', atMs }));
    await until(() => ranAtMs.length > 0);
    expect(ranAtMs[0]).toBeGreaterThanOrEqual(atMs - 5);
  });

  it('a ring that is due sooner overtakes one that waits', async () => {
    const { queues, runs } = await openWithRuns();
    queues.doorbell.ring(ring({ id: 'job-late', atMs: Date.now() + 60_000 }));
    await pause(50);
    queues.doorbell.ring(ring({ id: 'job-soon', atMs: Date.now() + 50 }));
    await until(() => runs.length > 0);
    expect(runs).toEqual(['job-soon']);
  });

  it('runs every one of 2,000 rings', async () => {
    const { queues, runs } = await openWithRuns();
    const ids = Array.from({ length: 2_000 }, (_, n) => `job-${n}`);
    for (const id of ids) queues.doorbell.ring(ring({ id }));
    await until(() => runs.length >= ids.length);
    expect(new Set(runs)).toEqual(new Set(ids));
    expect(runs).toHaveLength(ids.length);
  });

  it('keeps the providers apart, so that a slow one holds up nobody else', async () => {
    const queues = await open();
    const runs: string[] = [];
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const lanes = ['slow', 'fast'].map((providerId) => ({ providerId, perSecond: null }));
    const work = async (id: string): Promise<void> => {
      if (id.startsWith('slow')) await held;
      runs.push(id);
    };
    await queues.reconcile('advance', work, lanes);
    for (let n = 0; n < 20; n += 1) {
      for (const providerId of ['slow', 'fast']) {
        queues.doorbell.ring(ring({ queue: 'advance', id: `${providerId}-${n}`, providerId }));
      }
    }
    await until(() => runs.length >= 20);
    expect(runs.every((id) => id.startsWith('fast'))).toBe(true);
    letGo();
    await until(() => runs.length === 40);
  });

  it('works on no more messages per second than a provider allows', async () => {
    const queues = await open();
    const ranAtMs: number[] = [];
    const lanes = [{ providerId: 'akash', perSecond: 4 }];
    await queues.reconcile('advance', async () => void ranAtMs.push(Date.now()), lanes);
    for (let n = 0; n < 9; n += 1)
      queues.doorbell.ring(ring({ queue: 'advance', id: `att-${n}`, providerId: 'akash' }));
    await until(() => ranAtMs.length === 9);
    expect((ranAtMs.at(-1) ?? 0) - (ranAtMs[0] ?? 0)).toBeGreaterThan(900);
  });

  it('an error stops no other work, is logged with the id, and is tried again', async () => {
    const queues = await open();
    const runs: string[] = [];
    await queues.reconcile('decide', async (id) => {
      runs.push(id);
      if (id === 'job-bad' && runs.filter((run) => run === id).length === 1) throw new Error('no');
    });
    for (const id of ['job-bad', 'job-1', 'job-2']) queues.doorbell.ring(ring({ id }));
    await until(() => runs.length === 4);
    expect([...runs].sort()).toEqual(['job-1', 'job-2', 'job-bad', 'job-bad']);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({
      level: 'warn',
      fields: { queue: 'decide', message: { id: 'job-bad' }, attempt: 1 },
    });
  });

  it('repeats what is scheduled, and forgets ids that are scheduled no more', async () => {
    const queues = await open();
    const runs: string[] = [];
    await queues.every('refresh-offers', ['aws', 'old'], 100);
    await queues.every('refresh-offers', ['aws', 'akash'], 100);
    await queues.reconcile('refresh-offers', async (id) => void runs.push(id));
    const counted = (id: string): number => runs.filter((run) => run === id).length;
    await until(() => counted('aws') >= 3 && counted('akash') >= 3);
    expect(counted('old')).toBeLessThanOrEqual(1);
  });

  it('finishes on closing what it works on, and enqueues what was rung', async () => {
    const first = await open();
    let done = 0;
    let begun = 0;
    await first.reconcile('decide', async () => {
      begun += 1;
      await pause(200);
      done += 1;
    });
    first.doorbell.ring(ring({ id: 'job-1' }));
    await until(() => begun === 1);
    first.doorbell.ring(ring({ queue: 'learn', id: 'att-1' }));
    await first.close(5_000);
    expect(done).toBe(1);

    const second = await open();
    const learned: string[] = [];
    await second.reconcile('learn', async (id) => void learned.push(id));
    await until(() => learned.length > 0);
    expect(learned).toEqual(['att-1']);
  });

  it('closes in time although work hangs', async () => {
    const queues = await open();
    let begun = false;
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await queues.reconcile('decide', () => {
      begun = true;
      return held;
    });
    queues.doorbell.ring(ring());
    await until(() => begun);
    await queues.close(100);
    expect(said.map(({ text }) => text)).toContain(
      'Work went on after its time to finish and was left.',
    );
    letGo();
  });

  it('gives what a killed process worked on to another one', async () => {
    const child = await startWorker({ backend: backend(), prefix, lockMs: 500, holdMs: 600_000 });
    const queues = await open({ lockMs: 500 });
    for (let n = 0; n < 3; n += 1) queues.doorbell.ring(ring({ id: `job-${n}` }));
    await until(() => child.lines.filter((line) => line.startsWith('got')).length === 3);
    child.process.kill('SIGKILL');
    const runs: string[] = [];
    await queues.reconcile('decide', async (id) => void runs.push(id));
    await until(() => runs.length >= 3);
    expect([...runs].sort()).toEqual(['job-0', 'job-1', 'job-2']);
  });

  it('shares the work among processes', async () => {
    const settings = { backend: backend(), prefix, lockMs: 30_000, holdMs: 5 };
    const workers = [await startWorker(settings), await startWorker(settings)];
    const queues = await open();
    for (let n = 0; n < 400; n += 1) queues.doorbell.ring(ring({ id: `job-${n}` }));
    const done = (): string[] =>
      workers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('did')));
    await until(() => done().length >= 400);
    expect(new Set(done()).size).toBe(400);
    for (const { lines } of workers) expect(lines.length).toBeGreaterThan(20);
  });
}

describe('queues on Postgres', () => {
  const name = `queue_${randomUUID().replaceAll('-', '')}`;
  const server = process.env['FAIRLEAD_TEST_PG'] ?? '';
  let url = '';

  beforeAll(async () => {
    url = await createDatabase(server, name);
  });
  afterAll(() => dropDatabase(server, name));

  suite({ backend: () => ({ kind: 'postgres', url }) });

  it('listens again after its connections were cut', async () => {
    const queues = await openQueues({
      backend: { kind: 'postgres', url },
      prefix: 'cut',
      nowMs: () => Date.now(),
      log: { warn: () => undefined, error: () => undefined },
    });
    opened.push(queues);
    const runs: string[] = [];
    await queues.reconcile('decide', async (id) => void runs.push(id));
    queues.doorbell.ring(ring({ id: 'job-before' }));
    await until(() => runs.length === 1);
    await run(
      server,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    );
    for (let n = 0; runs.length < 2 && n < 100; n += 1) {
      queues.doorbell.ring(ring({ id: 'job-after', tag: `r${n}` }));
      await pause(100);
    }
    expect(runs).toContain('job-after');
  });

  it('needs few connections, however many workers there are', async () => {
    const queues = await openQueues({
      backend: { kind: 'postgres', url },
      prefix: 'many',
      nowMs: () => Date.now(),
      log: { warn: () => undefined, error: () => undefined },
    });
    opened.push(queues);
    const lanes = Array.from({ length: 20 }, (_, n) => ({
      providerId: `p${n}`,
      perSecond: null,
    }));
    await queues.reconcile('advance', async () => undefined, lanes);
    const { rows } = await run(
      server,
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = '${name}'`,
    );
    expect(rows[0]).toEqual({ n: expect.any(Number) });
    expect(Number(rows[0]?.['n'])).toBeLessThanOrEqual(12);
  });

  it('says in words that the database cannot be reached, and not with which password', async () => {
    const opening = openQueues({
      backend: { kind: 'postgres', url: 'postgresql://fairlead:hush@127.0.0.1:1/fairlead' },
      nowMs: () => Date.now(),
      log: { warn: () => undefined, error: () => undefined },
    });
    const error: unknown = await opening.catch((reason: unknown) => reason);
    expect(inspect(error)).toContain('The queues cannot be prepared in the database.');
    expect(inspect(error)).not.toContain('hush');
  });
});

const redisHere = hasRedis();
(redisHere ? describe : describe.skip)(
  redisHere ? 'queues on Redis' : 'queues on Redis (skipped: there is no redis-server on the PATH)',
  () => {
    let server: RedisServer | null = null;

    beforeAll(async () => {
      server = await startRedis();
    });
    afterAll(() => server?.stop());

    suite({ backend: () => ({ kind: 'redis', url: server?.url ?? '' }) });
  },
);

function ring(fields: Partial<Ring> = {}): Ring {
  return {
    queue: 'decide' as QueueName,
    id: 'job-1',
    providerId: null,
    atMs: 0,
    tag: 'r1',
    ...fields,
  };
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error('it did not come about in time');
    await pause(10);
  }
}

async function run(url: string, statement: string): Promise<{ rows: Record<string, unknown>[] }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

interface WorkerSettings {
  readonly backend: QueueBackend;
  readonly prefix: string;
  readonly lockMs: number;
  readonly holdMs: number;
}

async function startWorker(
  settings: WorkerSettings,
): Promise<{ process: ChildProcess; lines: string[] }> {
  const script = join(__dirname, 'testing', 'worker-process.cjs');
  const child = spawn(process.execPath, ['--conditions=source', script, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const exit = once(child, 'exit');
  await Promise.race([until(() => lines.includes('ready')), exit]);
  expect(lines).toContain('ready');
  return { process: child, lines };
}
