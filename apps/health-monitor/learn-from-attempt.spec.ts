import { asAttemptId, type Attempt, type HealthCounters } from '#libs/domain';
import { anAttempt, anOffer, BUILT_AT_MS } from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { LearnFromAttempt } from './learn-from-attempt';

const KEY = 'acme/spot';
const HOUR_MS = 3_600_000;
const STARTUP_MS = 45_000;

const ran: Partial<Attempt> = {
  phase: 'released',
  outcome: 'succeeded',
  offer: anOffer({ market: 'spot' }),
  billedFromMs: BUILT_AT_MS,
  billedToMs: BUILT_AT_MS + HOUR_MS,
  report: {
    bootId: 'boot-1',
    startedAtMs: BUILT_AT_MS + STARTUP_MS,
    heartbeatAtMs: null,
    exit: null,
  },
};
const neverRan = { ...ran, report: { ...anAttempt({ id: 'a', jobId: 'j' }).report } };

/** What is known after `times` wake-ups about an attempt like this. */
async function learned(wanted: Partial<Attempt>, times = 1) {
  const tables = new MemoryTables();
  const attempt = anAttempt({ ...wanted, id: 'att-1', jobId: 'job-1' });
  tables.attempts.set(attempt.id, attempt);
  const learn = new LearnFromAttempt(memoryStores(tables));
  for (let time = 0; time < times; time += 1) await learn.run(attempt.id);
  return tables.health;
}

const lesson = (wanted: Partial<HealthCounters>): HealthCounters => ({
  leaseMs: HOUR_MS,
  interruptions: 0,
  starts: 1,
  startMsTotal: STARTUP_MS,
  startFailures: 0,
  ...wanted,
});
const failedStart = { starts: 0, startMsTotal: 0 };

describe('what an attempt teaches about its market', () => {
  it.each<{ reason: string; attempt: Partial<Attempt>; taught: HealthCounters }>([
    { reason: 'it succeeded', attempt: ran, taught: lesson({}) },
    {
      reason: 'the workload failed: not the market’s fault',
      attempt: { ...ran, outcome: 'workload-failed' },
      taught: lesson({}),
    },
    {
      reason: 'it was taken back',
      attempt: { ...ran, outcome: 'interrupted' },
      taught: lesson({ interruptions: 1 }),
    },
    {
      reason: 'it fell silent',
      attempt: { ...ran, outcome: 'went-silent' },
      taught: lesson({ interruptions: 1 }),
    },
    {
      reason: 'it never started',
      attempt: { ...neverRan, outcome: 'start-timeout' },
      taught: lesson({ ...failedStart, startFailures: 1 }),
    },
    {
      reason: 'it was lost before it started',
      attempt: { ...neverRan, outcome: 'interrupted' },
      taught: lesson({ ...failedStart, startFailures: 1 }),
    },
    {
      reason: 'somebody cancelled it before it started',
      attempt: { ...neverRan, outcome: 'cancelled' },
      taught: lesson(failedStart),
    },
  ])('when $reason', async ({ attempt, taught }) => {
    expect(await learned(attempt)).toEqual({ [KEY]: taught });
  });

  it('counts once, however often it is told', async () => {
    expect(await learned(ran, 3)).toEqual({ [KEY]: lesson({}) });
  });

  it.each<{ reason: string; attempt: Partial<Attempt> }>([
    { reason: 'it is not over', attempt: { ...ran, phase: 'releasing' } },
    {
      reason: 'it never had a lease',
      attempt: { ...neverRan, outcome: 'refused', billedFromMs: null, billedToMs: null },
    },
  ])('is nothing when $reason', async ({ attempt }) => {
    expect(await learned(attempt)).toEqual({});
  });

  it('is nothing when nobody knows it', async () => {
    const tables = new MemoryTables();
    await new LearnFromAttempt(memoryStores(tables)).run(asAttemptId('att-unknown'));
    expect(tables.health).toEqual({});
  });
});
