import { setTimeout as pause } from 'node:timers/promises';
import { aJob } from '../testkit/builders';
import { openStorage, type Storage } from './storage';
import { eventOf, submissionOf } from './testing/open';
import { openTestStorage, type TestStorage } from './testing/fresh-database';

const TRIES = 400;
const TRY_EVERY_MS = 25;

let test: TestStorage;
let other: Storage;
beforeAll(async () => {
  test = await openTestStorage();
  other = await openStorage({ url: test.url, applicationName: 'other' });
}, 30_000);
beforeEach(() => test.empty());
afterAll(async () => {
  await other.close();
  await test.close();
});

async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < TRIES && !condition(); tries += 1) await pause(TRY_EVERY_MS);
  return condition();
}

async function write(id: string): Promise<void> {
  const events = [eventOf(id, 'job.submitted')];
  await test.storage.jobs.submit(submissionOf(aJob({ id }), { events }));
}

it('wakes listeners in other processes after an event, and no more once they have stopped', async () => {
  let rings = 0;
  let seen: readonly unknown[] = [];
  const stop = await other.eventBell.listen(() => {
    rings += 1;
    void other.events.after(0, null, 10).then((events) => (seen = events));
  });
  await write('job-1');
  expect(await until(() => seen.length === 1)).toBe(true);
  await stop();
  const before = rings;
  let otherRings = 0;
  const stopOther = await other.eventBell.listen(() => (otherRings += 1));
  await write('job-2');
  expect(await until(() => otherRings > 0)).toBe(true);
  await stopOther();
  expect(rings).toBe(before);
});

it('rings once for many events that come together', async () => {
  let rings = 0;
  const stop = await other.eventBell.listen(() => (rings += 1));
  await Promise.all(Array.from({ length: 50 }, (_, index) => write(`job-${index}`)));
  expect(await until(() => rings > 0)).toBe(true);
  await stop();
  expect(rings).toBeLessThan(50);
});

it('listens again when its connection breaks', async () => {
  let rings = 0;
  const stop = await other.eventBell.listen(() => (rings += 1));
  await test.storage.dataSource.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
  );
  expect(await until(() => rings > 0)).toBe(true);
  const before = rings;
  await write('job-1');
  expect(await until(() => rings > before)).toBe(true);
  await stop();
});
