import {
  DEFAULT_PREFERENCES,
  asAttemptId,
  asDecisionId,
  asJobId,
  usd,
  type DecisionSummary,
  type Job,
  type Suspension,
} from '#libs/domain';
import { BUILT_AT_MS, aJob, anAttempt, anOffer } from '../testkit/builders';
import { prunedKinds, type PrunedCounts, type RetentionCutoffs } from './index';
import type { Storage } from './storage';
import { openTestStorage, type TestStorage } from './testing/fresh-database';
import { eventOf, submissionOf, submitted } from './testing/open';

const DAY_MS = 86_400_000;
const LIMIT = 100;
const OLD_MS = BUILT_AT_MS - 10 * DAY_MS;
const NEW_MS = BUILT_AT_MS - DAY_MS;
const CUTOFF_MS = BUILT_AT_MS - 5 * DAY_MS;

let test: TestStorage;
let storage: Storage;
beforeAll(async () => {
  test = await openTestStorage();
  storage = test.storage;
}, 30_000);
beforeEach(() => test.empty());
afterAll(() => test.close());

/** Nothing is older than this. */
const never: RetentionCutoffs = {
  eventsBeforeMs: 0,
  decisionsBeforeMs: 0,
  offersBeforeMs: 0,
  suspensionsBeforeMs: 0,
  idempotencyKeysBeforeMs: 0,
  outputsBeforeMs: 0,
};

async function pruned(
  cutoffs: Partial<RetentionCutoffs>,
  limit = LIMIT,
): Promise<Partial<PrunedCounts>> {
  const counts = await storage.retention.prune({ ...never, ...cutoffs }, limit);
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

async function rowsIn(table: string): Promise<number> {
  const [row] = await storage.dataSource.query<{ count: number }[]>(
    `SELECT count(*)::integer AS count FROM ${table}`,
  );
  return row?.count ?? 0;
}

/** A job that ended then, or that has not. */
function jobOf(id: string, endedAtMs: number | null): Promise<Job> {
  const end = { state: 'succeeded', outcome: 'completed', endedAtMs, dueAtMs: null } as const;
  const submittedAtMs = OLD_MS - DAY_MS;
  return submitted(storage, { id, submittedAtMs, ...(endedAtMs === null ? {} : end) });
}

const summary: DecisionSummary = {
  engine: 'decide/1',
  ranked: [],
  rankedCount: 0,
  rejectedCount: 0,
  rejectionCounts: {},
  ruleCounts: {},
  nearestMisses: [],
  awaited: [],
  awaitedUntilMs: null,
  baseline: null,
};

async function decided(job: Job, id: string, atMs: number, bookVersion = 1): Promise<Job> {
  const decision = {
    id: asDecisionId(id),
    jobId: job.id,
    atMs,
    engine: 'decide/1',
    policyVersion: '',
    bookVersion,
    health: {},
    suspensions: [],
    spent: usd(0),
    kind: 'placement' as const,
    leftMs: null,
    reserves: [],
    preferences: DEFAULT_PREFERENCES,
    summary,
    digests: { job: '', policy: '', offers: '', decision: '' },
  };
  return storage.decisions.record(decision, job, []);
}

it('deletes nothing where nothing is old', async () => {
  const job = await jobOf('job-1', NEW_MS);
  await decided(job, 'dec-1', NEW_MS);
  await storage.suspensions.add([
    { scope: 'offer', key: 'o', jobId: null, fromMs: 1, untilMs: 2, reason: 'x' },
  ]);
  const counts = await storage.retention.prune(never, LIMIT);
  expect(Object.keys(counts).sort()).toEqual([...prunedKinds].sort());
  expect(Object.values(counts).every((count) => count === 0)).toBe(true);
});

it('deletes old events, oldest first and no more than asked for, and readers go on from their cursor', async () => {
  const events = [OLD_MS, OLD_MS + 1, OLD_MS + 2, NEW_MS].map((atMs) =>
    eventOf('job-1', `at-${atMs}`, atMs),
  );
  await storage.jobs.submit(submissionOf(aJob({ id: 'job-1' }), { events }));
  const [first] = await storage.events.after(0, null, 1);
  expect(await pruned({ eventsBeforeMs: CUTOFF_MS }, 2)).toEqual({ events: 2 });
  const left = await storage.events.after(first?.sequence ?? 0, asJobId('job-1'), 10);
  expect(left.map(({ atMs }) => atMs)).toEqual([OLD_MS + 2, NEW_MS]);
  expect(await pruned({ eventsBeforeMs: CUTOFF_MS }, 2)).toEqual({ events: 1 });
  expect(await pruned({ eventsBeforeMs: CUTOFF_MS }, 2)).toEqual({});
});

it('deletes the decisions of jobs that ended long ago, not those of jobs that go on', async () => {
  await decided(await jobOf('job-ended', OLD_MS), 'dec-ended', OLD_MS - 5);
  await decided(await jobOf('job-lately', NEW_MS), 'dec-lately', OLD_MS);
  await decided(await jobOf('job-running', null), 'dec-running', OLD_MS);
  expect(await pruned({ decisionsBeforeMs: CUTOFF_MS })).toEqual({ decisions: 1 });
  const known = async (id: string) => (await storage.decisions.get(asDecisionId(id))) !== null;
  expect(await known('dec-ended')).toBe(false);
  expect([await known('dec-lately'), await known('dec-running')]).toEqual([true, true]);
  expect(await storage.jobs.get(asJobId('job-ended'))).not.toBeNull();
});

describe('the history of offers', () => {
  const offer = anOffer();
  const priced = (price: number) => [{ ...offer, pricePerHour: usd(price) }];
  const bookAt = async (version: number) => (await storage.offers.bookAt(version)).offers;

  /** Versions 1 to 4, the last of them new. */
  async function history(): Promise<void> {
    for (const [price, atMs] of [
      [1, OLD_MS],
      [2, OLD_MS + 1],
      [3, OLD_MS + 2],
      [4, NEW_MS],
    ] as const)
      await storage.offers.replace(offer.providerId, priced(price), atMs);
  }

  it('goes as far as it was replaced long ago, and the book stays', async () => {
    await history();
    expect(await pruned({ offersBeforeMs: CUTOFF_MS })).toEqual({
      offerVersions: 2,
      bookVersions: 2,
    });
    expect([await bookAt(2), await bookAt(3), await bookAt(4)]).toEqual([[], priced(3), priced(4)]);
    expect(await storage.offers.book()).toEqual({ version: 4, offers: priced(4) });
    expect(await pruned({ offersBeforeMs: CUTOFF_MS })).toEqual({});
    expect(await storage.offers.replace(offer.providerId, priced(5), BUILT_AT_MS)).toBe(5);
  });

  it('stays where a kept decision was made from it, for as long as the decision', async () => {
    await history();
    await decided(await jobOf('job-1', OLD_MS), 'dec-1', OLD_MS - 1, 2);
    expect(await pruned({ offersBeforeMs: CUTOFF_MS })).toMatchObject({ offerVersions: 1 });
    expect([await bookAt(1), await bookAt(2)]).toEqual([[], priced(2)]);
    const both = { offersBeforeMs: CUTOFF_MS, decisionsBeforeMs: CUTOFF_MS };
    expect(await pruned(both)).toEqual({ decisions: 1, offerVersions: 1 });
  });

  it('goes in batches, and never loses count of versions', async () => {
    await history();
    const later = { offersBeforeMs: BUILT_AT_MS };
    for (let run = 0; run < 10; run += 1) await pruned(later, 1);
    expect(await rowsIn('offer_version')).toBe(1);
    expect(await rowsIn('book_version')).toBe(1);
    expect(await storage.offers.book()).toEqual({ version: 4, offers: priced(4) });
  });
});

it('deletes suspensions that ended long ago', async () => {
  const one: Suspension = {
    scope: 'offer',
    key: 'o',
    jobId: null,
    fromMs: OLD_MS - 5,
    untilMs: OLD_MS,
    reason: 'x',
  };
  await storage.suspensions.add([one, { ...one, untilMs: NEW_MS }, one]);
  expect(await pruned({ suspensionsBeforeMs: CUTOFF_MS }, 1)).toEqual({ suspensions: 1 });
  expect(await pruned({ suspensionsBeforeMs: CUTOFF_MS })).toEqual({ suspensions: 1 });
  expect(await rowsIn('suspension')).toBe(1);
});

it('forgets old idempotency keys, so that one that comes again makes a new job', async () => {
  const idempotency = { scope: 'key-1', key: 'abc', bodyDigest: 'd' };
  const submit = (id: string, key: string, submittedAtMs: number) =>
    storage.jobs.submit(
      submissionOf(aJob({ id, submittedAtMs }), { idempotency: { ...idempotency, key } }),
    );
  await submit('job-1', 'old', OLD_MS);
  await submit('job-2', 'new', NEW_MS);
  expect(await pruned({ idempotencyKeysBeforeMs: CUTOFF_MS })).toEqual({ idempotencyKeys: 1 });
  expect((await submit('job-3', 'old', BUILT_AT_MS)).kind).toBe('created');
  expect((await submit('job-4', 'new', BUILT_AT_MS)).kind).toBe('repeated');
});

it('deletes logs and artifacts of jobs that ended long ago, and keeps what was charged and tried', async () => {
  for (const [id, endedAtMs] of [
    ['old', OLD_MS],
    ['late', NEW_MS],
    ['running', null],
  ] as const) {
    const job = await jobOf(`job-${id}`, endedAtMs);
    const attempt = anAttempt({ id: `att-${id}`, jobId: job.id, billedFromMs: 10 });
    await storage.attempts.plan(job, attempt, []);
    for (const [offset, text] of ['one', 'two'].entries())
      await storage.logs.append(attempt.id, offset * 3, Buffer.from(text), OLD_MS - 1);
    await storage.artifacts.put(
      {
        jobId: job.id,
        kind: 'output',
        index: 0,
        attemptId: attempt.id,
        contentType: 'text/plain',
        atMs: OLD_MS - 1,
      },
      Buffer.from('result'),
    );
    const slice = { sequence: 0, fromMs: 10, toMs: 50, amount: usd(0.5), final: true };
    await storage.costEntries.book(attempt, job, slice, OLD_MS);
  }
  const old = { outputsBeforeMs: CUTOFF_MS };
  expect(await pruned(old, 1)).toEqual({ logChunks: 1, artifacts: 1 });
  expect(await pruned(old, 1)).toEqual({ logChunks: 1, logStreams: 1 });
  expect(await pruned(old)).toEqual({});
  const lengthOf = async (id: string) =>
    (await storage.logs.read(asAttemptId(id), 0, 10)).byteLength;
  expect([await lengthOf('att-old'), await lengthOf('att-late')]).toEqual([0, 6]);
  expect(await lengthOf('att-running')).toBe(6);
  expect(await rowsIn('artifact')).toBe(2);
  expect([await rowsIn('job'), await rowsIn('attempt'), await rowsIn('cost_entry')]).toEqual([
    3, 3, 3,
  ]);
});
