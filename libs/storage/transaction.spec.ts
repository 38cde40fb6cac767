import { setTimeout as pause } from 'node:timers/promises';
import { asAttemptId, asJobId } from '#libs/domain';
import { BUILT_AT_MS, aJob, anAttempt } from '../testkit/builders';
import { safeInteger } from './int8-types';
import { StaleRevision } from './ports';
import { MAX_ARTIFACT_BYTES } from './repositories/artifacts';
import { PostgresLogs } from './repositories/logs';
import { openStorage } from './storage';
import { submissionOf } from './testing/open';
import { openTestStorage, type TestStorage } from './testing/fresh-database';
import { Database, json } from './transaction';

const WAIT_TRIES = 400;
const WAIT_MS = 10;

let test: TestStorage;
beforeAll(async () => {
  test = await openTestStorage();
}, 30_000);
beforeEach(() => test.empty());
afterAll(() => test.close());

/** Until a session of this database waits for a lock of another. */
async function somebodyWaits(): Promise<void> {
  for (let tries = 0; tries < WAIT_TRIES; tries += 1) {
    const [row] = await test.storage.dataSource.query(
      `SELECT count(*) AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (row.waiting > 0) return;
    await pause(WAIT_MS);
  }
  throw new Error('nobody waits for a lock');
}

describe('transactions', () => {
  it('leave nothing behind when the work throws', async () => {
    const database = new Database(test.storage.dataSource);
    const work = database.transaction(async (sql) => {
      await sql.rows(`INSERT INTO offer_feed (provider_id, refreshed_at_ms) VALUES ('acme', 1)`);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await database.rows('SELECT * FROM offer_feed')).toEqual([]);
  });

  it('never wait for each other in a circle: steps, reports, cancellations and wake-ups of one job at once', async () => {
    const { jobs, attempts } = test.storage;
    const refusals: unknown[] = [];
    for (let round = 0; round < 15; round += 1) {
      const job = aJob({ id: `job-${round}` });
      const planned = anAttempt({ id: `att-${round}`, jobId: job.id });
      await jobs.submit(submissionOf(job));
      await attempts.plan({ ...job, state: 'starting' }, planned, []);
      const results = await Promise.allSettled([
        attempts.update(planned, {
          events: [],
          suspensions: [],
          jobState: 'recovering',
          wakeJob: true,
          nowMs: BUILT_AT_MS,
        }),
        jobs.requestCancel(job.id, BUILT_AT_MS, []),
        attempts.report(
          planned.id,
          ({ report }) => ({ report, abandonAs: 'interrupted', events: [] }),
          BUILT_AT_MS,
        ),
        jobs.wakeWaiting(null, BUILT_AT_MS - 1, 100),
        jobs.update({ ...job, revision: 1 }, { events: [] }),
      ]);
      refusals.push(...results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : [])));
    }
    expect(refusals.filter((reason) => !(reason instanceof StaleRevision))).toEqual([]);
  });
});

describe('a cancellation', () => {
  it('waits for a placement that is being committed, and gives it up', async () => {
    const { jobs, attempts, dataSource } = test.storage;
    await jobs.submit(submissionOf(aJob({ id: 'job-1' })));
    const pattern = aJob({ id: 'job-2' });
    await jobs.submit(submissionOf(pattern));
    await attempts.plan(pattern, anAttempt({ id: 'att-2', jobId: 'job-2' }), []);
    const placement = dataSource.createQueryRunner();
    await placement.startTransaction('READ COMMITTED');
    await placement.query(`UPDATE job SET revision = revision + 1 WHERE id = 'job-1'`);
    await placement.query(
      `INSERT INTO attempt SELECT (jsonb_populate_record(a, '{"id": "att-1", "job_id": "job-1"}')).*
       FROM attempt a WHERE id = 'att-2'`,
    );
    const cancelled = jobs.requestCancel(asJobId('job-1'), BUILT_AT_MS, []);
    await somebodyWaits();
    await placement.commitTransaction();
    await placement.release();
    expect((await cancelled)?.attempts).toEqual(['att-1']);
    expect((await attempts.get(asAttemptId('att-1')))?.abandonAs).toBe('cancelled');
  });
});

describe('integers', () => {
  it('are exact or an error', () => {
    expect(safeInteger('-9007199254740991')).toBe(Number.MIN_SAFE_INTEGER);
    expect(() => safeInteger('9007199254740993')).toThrow(RangeError);
  });

  it('of other connections in the process are left to their own parsers', async () => {
    const rows = await test.storage.dataSource.query('SELECT 9007199254740991::bigint AS big');
    expect(rows).toEqual([{ big: Number.MAX_SAFE_INTEGER }]);
    const tooBig = test.storage.dataSource.query('SELECT 9007199254740993::bigint AS big');
    await expect(tooBig).rejects.toThrow('not a safe integer');
    const { types } = await import('pg');
    expect(types.getTypeParser(20)('9007199254740993')).toBe('9007199254740993');
  });
});

describe('JSON parameters', () => {
  it.each([
    ['plain text', { a: 'b' }, '{"a":"b"}'],
    ['a backslash before u0000', { a: '\\u0000' }, '{"a":"\\\\u0000"}'],
    ['whole surrogate pairs', { a: '🙂' }, '{"a":"🙂"}'],
    ['a zero', { a: 'x\0y' }, '{"a":"x\uFFFDy"}'],
    ['half a pair', { a: ['x\ud83d'] }, '{"a":["x\uFFFD"]}'],
  ])('hold %s', (_, value, expected) => {
    expect(json(value)).toBe(expected);
  });
});

describe('limits', () => {
  it('let a log grow in length but not in bytes', async () => {
    const logs = new PostgresLogs(new Database(test.storage.dataSource), 10);
    const id = asAttemptId('att-1');
    expect(await logs.append(id, 0, Buffer.from('abcdefgh'), 1)).toBe(8);
    expect(await logs.append(id, 8, Buffer.from('ijkl'), 1)).toBe(12);
    expect(await logs.append(id, 12, Buffer.from('mnop'), 1)).toBe(16);
    expect(Buffer.from(await logs.read(id, 0, 100)).toString()).toBe('abcdefghij');
  });

  it('refuse an artifact that is too large', async () => {
    const meta = {
      jobId: asJobId('job-1'),
      kind: 'output',
      index: 0,
      attemptId: asAttemptId('att-1'),
      contentType: 'application/x-tar',
      atMs: 1,
    } as const;
    const put = test.storage.artifacts.put(meta, new Uint8Array(MAX_ARTIFACT_BYTES + 1));
    await expect(put).rejects.toThrow(RangeError);
  });
});

it('says so when there is no server', async () => {
  const opened = openStorage({ url: 'postgresql://nobody@127.0.0.1:1/none' });
  await expect(opened).rejects.toThrow('ECONNREFUSED');
});
