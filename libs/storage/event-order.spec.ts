import type { QueryRunner } from 'typeorm';
import { asJobId } from '#libs/domain';
import { openTestStorage, type TestStorage } from './testing/fresh-database';

let test: TestStorage;
const runners: QueryRunner[] = [];
beforeAll(async () => {
  test = await openTestStorage();
}, 30_000);
beforeEach(() => test.empty());
afterEach(async () => {
  for (const runner of runners.splice(0)) {
    if (runner.isTransactionActive) await runner.rollbackTransaction();
    await runner.release();
  }
});
afterAll(() => test.close());

/** A transaction that has appended an event and is not committed yet. */
async function writer(type: string, jobId = 'job-1'): Promise<QueryRunner> {
  const runner = test.storage.dataSource.createQueryRunner();
  runners.push(runner);
  await runner.startTransaction('READ COMMITTED');
  await append(runner, type, jobId);
  return runner;
}

function append(runner: QueryRunner, type: string, jobId = 'job-1'): Promise<unknown> {
  return runner.query(`INSERT INTO event (job_id, type, data, at_ms) VALUES ($1, $2, '{}', 0)`, [
    jobId,
    type,
  ]);
}

async function read(after = 0, jobId: string | null = null): Promise<readonly string[]> {
  const of = jobId === null ? null : asJobId(jobId);
  return (await test.storage.events.after(after, of, 100)).map(({ type }) => type);
}

it('holds back what was committed after something that is not committed yet', async () => {
  const first = await writer('first');
  const second = await writer('second');
  await second.commitTransaction();
  expect(await read()).toEqual([]);
  expect(await read(0, 'job-1')).toEqual([]);
  await first.commitTransaction();
  expect(await read()).toEqual(['first', 'second']);
  expect(await read(0, 'job-1')).toEqual(['first', 'second']);
});

it('shows what lies before an open transaction', async () => {
  const first = await writer('first');
  await first.commitTransaction();
  const second = await writer('second');
  const third = await writer('third');
  await third.commitTransaction();
  expect(await read()).toEqual(['first']);
  await second.commitTransaction();
  expect(await read()).toEqual(['first', 'second', 'third']);
});

it('waits for the first event of a transaction, not for its last', async () => {
  const slow = await writer('slow 1');
  const quick = await writer('quick');
  await quick.commitTransaction();
  await append(slow, 'slow 2');
  expect(await read()).toEqual([]);
  await slow.commitTransaction();
  expect(await read()).toEqual(['slow 1', 'quick', 'slow 2']);
});

it('passes over numbers that were taken and rolled back', async () => {
  const lost = await writer('lost');
  const kept = await writer('kept');
  await kept.commitTransaction();
  expect(await read()).toEqual([]);
  await lost.rollbackTransaction();
  expect(await read()).toEqual(['kept']);
});

it('is not held back by open transactions that append nothing', async () => {
  const bystander = test.storage.dataSource.createQueryRunner();
  runners.push(bystander);
  await bystander.startTransaction('READ COMMITTED');
  await bystander.query(`INSERT INTO offer_feed (provider_id, refreshed_at_ms) VALUES ('acme', 1)`);
  const done = await writer('done');
  await done.commitTransaction();
  expect(await read()).toEqual(['done']);
});
