import {
  DEFAULT_PREFERENCES,
  asDecisionId,
  asJobId,
  knowledgeOf,
  totalsOf,
  usd,
  type DecisionSummary,
} from '#libs/domain';
import { BUILT_AT_MS, aJob } from '../testkit/builders';
import type { DecisionRecord } from './ports';
import { Health1764500000000 } from './migrations/1764500000000-health';
import { openTestStorage, type TestStorage } from './testing/fresh-database';
import { submitted } from './testing/open';

const HOUR_MS = 3_600_000;
const NOW_MS = BUILT_AT_MS;
const LIMIT = 100;

let test: TestStorage;
beforeAll(async () => {
  test = await openTestStorage();
}, 30_000);
beforeEach(() => test.empty());
afterAll(() => test.close());

const lesson = knowledgeOf(
  { leaseMs: HOUR_MS, interruptions: 1, starts: 1, startMsTotal: 40_000, startFailures: 0 },
  NOW_MS,
);
const learn = (nowMs = NOW_MS) =>
  test.storage.health.learn([], [{ key: 'acme/spot', lesson }], nowMs);

const summary: DecisionSummary = {
  engine: 'test',
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

const decision = (health: DecisionRecord['health']): DecisionRecord => ({
  id: asDecisionId('dec-1'),
  jobId: asJobId('job-1'),
  atMs: NOW_MS,
  engine: 'test',
  policyVersion: '',
  bookVersion: 0,
  health,
  suspensions: [],
  spent: usd(0),
  kind: 'placement',
  leftMs: null,
  reserves: [],
  preferences: DEFAULT_PREFERENCES,
  summary,
  digests: { job: '', policy: '', offers: '', decision: '' },
});

const count = async (table: string): Promise<number> =>
  Number((await test.storage.dataSource.query(`SELECT count(*) FROM ${table}`))[0]?.count);

describe('the measurements behind a decision', () => {
  it('are kept once, and found again as they were when more was learned since', async () => {
    const { storage } = test;
    await learn();
    const before = await storage.health.snapshot();
    const job = await submitted(storage, { id: 'job-1' });
    await storage.decisions.record(decision(before), job, []);
    await learn();
    const [row] = await storage.dataSource.query('SELECT body, health_version FROM decision');
    expect(row).toMatchObject({ body: { health: {} }, health_version: 1 });
    expect((await storage.decisions.get(asDecisionId('dec-1')))?.health).toEqual(before);
    expect(await storage.health.snapshot()).not.toEqual(before);
  });

  it('are kept whole when they are not from here, also in the words of before', async () => {
    const { storage } = test;
    const job = await submitted(storage, { id: 'job-1' });
    await storage.decisions.record(decision({ acme: lesson }), job, []);
    expect((await storage.decisions.get(asDecisionId('dec-1')))?.health).toEqual({ acme: lesson });
    const counters = { leaseMs: 7, interruptions: 2, starts: 0, startMsTotal: 0, startFailures: 0 };
    await storage.dataSource.query(
      `UPDATE decision SET body = jsonb_set(body, '{health}', $1::jsonb)`,
      [JSON.stringify({ 'acme/spot': counters })],
    );
    const known = (await storage.decisions.get(asDecisionId('dec-1')))?.health['acme/spot'];
    expect(known === undefined ? null : totalsOf(known.leases)).toEqual({
      exposureMs: 7,
      events: 2,
    });
  });

  it('stay while the decision does, and go when nobody needs them', async () => {
    const { storage } = test;
    await learn();
    const job = await submitted(storage, { id: 'job-1' });
    await storage.decisions.record(decision(await storage.health.snapshot()), job, []);
    for (let times = 0; times < 3; times += 1) await learn();
    expect(await count('health_level')).toBe(4);
    await storage.health.prune(0, NOW_MS + 1, LIMIT, NOW_MS);
    expect(await count('health_level')).toBe(2);
    await storage.dataSource.query('DELETE FROM decision');
    await storage.health.prune(0, NOW_MS, LIMIT, NOW_MS);
    expect(await count('health_level')).toBe(2);
    await storage.health.prune(0, NOW_MS + 1, LIMIT, NOW_MS);
    expect(await count('health_level')).toBe(1);
  });
});

describe('measurements from before ages were learned', () => {
  it('are carried over with what they knew, and attempts are not learned twice', async () => {
    const { storage } = test;
    await submitted(storage, { id: aJob({ id: 'job-1' }).id });
    const runner = storage.dataSource.createQueryRunner();
    try {
      await undo(runner);
      await runner.query(
        `INSERT INTO health VALUES ('acme/spot', 7200000, 3, 4, 160000, 1), ('acme/on-demand', 0, 0, 0, 0, 0)`,
      );
      for (const [id, billed] of [
        ['att-1', 5],
        ['att-2', 5],
        ['att-3', null],
      ] as const)
        await addAttempt(runner, id, billed);
      await runner.query(`INSERT INTO health_lesson VALUES ('att-1', 'acme/spot')`);
      await new Health1764500000000().up(runner);
    } finally {
      await runner.release();
    }
    const { 'acme/spot': spot } = await storage.health.snapshot();
    expect(spot).toMatchObject({
      leases: { unagedExposureMs: 7_200_000, unagedEvents: 3 },
      starts: { unbinned: 4, totalMs: 160_000 },
      startFailures: 1,
    });
    expect(spot?.asOfMs).toBeGreaterThan(1.7e12);
    const left = await storage.health.unlearned(0, LIMIT);
    expect(left.map(({ attempt }) => attempt.id)).toEqual(['att-2']);
  });
});

type Runner = Parameters<Health1764500000000['up']>[0];

/** The schema as it was before, as far as the migration looks at it. */
async function undo(runner: Runner): Promise<void> {
  for (const statement of [
    `DROP TABLE health_level, health_version, call_tally, offer_run, supply_times, supply_cursor`,
    `ALTER TABLE attempt DROP COLUMN learned`,
    `DROP INDEX attempt_of_domain`,
    `ALTER TABLE decision DROP COLUMN health_version`,
    `ALTER TABLE suspension DROP COLUMN added_by, DROP COLUMN lifts, DROP COLUMN lifted_reason`,
    `CREATE TABLE health (key text PRIMARY KEY, lease_ms bigint, interruptions bigint, starts bigint,
       start_ms_total bigint, start_failures bigint)`,
    `CREATE TABLE health_lesson (attempt_id text PRIMARY KEY, key text)`,
  ])
    await runner.query(statement);
}

async function addAttempt(runner: Runner, id: string, billedFromMs: number | null): Promise<void> {
  await runner.query(
    `INSERT INTO attempt (id, job_id, provider_id, decision_id, number, role, slot, round, offer, phase, phase_since_ms,
       failed_calls, billed_from_ms, max_lease_ms, max_lease_means, report, created_at_ms, revision)
     SELECT $1, id, 'acme', 'dec-1', $2, 'solo', 0, 1, '{"region": "north"}', 'released', 5, 0, $3, 1, 'max-duration', '{}', 0, 0
     FROM job`,
    [id, Number(id.slice(-1)), billedFromMs],
  );
}
