import {
  NO_REPORT,
  asAttemptId,
  commonCauseShare,
  endedWaits,
  failureDomainOf,
  healthKeysOf,
  totalsOf,
  type Attempt,
  type Offer,
} from '#libs/domain';
import { anAttempt, anOffer, BUILT_AT_MS, ManualClock } from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { LearnFromAttempt } from './learn-from-attempt';
import { WatchHealth } from './watch-health';
import { WatchSupply } from './watch-supply';

const HOUR_MS = 3_600_000;
const STARTUP_MS = 45_000;
const STARTED_MS = BUILT_AT_MS + STARTUP_MS;
const OVER_MS = STARTED_MS + HOUR_MS;

const offer = anOffer({ market: 'spot', hostId: 'h1' });
const ran = (wanted: Partial<Attempt> = {}, of: Offer = offer): Partial<Attempt> => ({
  phase: 'released',
  phaseSinceMs: OVER_MS,
  outcome: 'succeeded',
  offer: of,
  billedFromMs: BUILT_AT_MS,
  billedToMs: OVER_MS,
  report: { ...NO_REPORT, bootId: 'boot-1', startedAtMs: STARTED_MS },
  ...wanted,
});
const lost = (wanted: Partial<Attempt> = {}) => ran({ outcome: 'interrupted', ...wanted });
const failedStart = (wanted: Partial<Attempt> = {}) =>
  ran({ outcome: 'start-timeout', report: NO_REPORT, ...wanted });

/** The health monitor over attempts that have been released. */
function monitor() {
  const tables = new MemoryTables();
  const stores = memoryStores(tables);
  const clock = new ManualClock(OVER_MS + 1);
  const learn = new LearnFromAttempt(stores, clock);
  const watch = new WatchHealth(stores, new WatchSupply(stores, clock), clock);
  const put = (id: string, wanted: Partial<Attempt>, jobId = `job-of-${id}`): void => {
    const attempt = anAttempt({ ...wanted, id, jobId });
    tables.attempts.set(attempt.id, attempt);
    tables.attemptsOf.set(attempt.jobId, [
      ...(tables.attemptsOf.get(attempt.jobId) ?? []),
      attempt.id,
    ]);
  };
  return {
    tables,
    clock,
    put,
    told: (id: string) => learn.run(asAttemptId(id)),
    round: () => watch.run(),
    at: (key: string) => tables.health[key],
    losses: () => totalsOf(tables.health['acme/spot']?.leases ?? { ...none }).events,
    suspended: () =>
      tables.suspensions.map(({ scope, key, reason }) => `${scope} ${key} ${reason}`),
  };
}
const none = { exposureMs: [], events: [], unagedExposureMs: 0, unagedEvents: 0 };

describe('what an attempt teaches', () => {
  it('is known at every level of its offer', async () => {
    const health = monitor();
    health.put('att-1', lost());
    await health.told('att-1');
    expect(Object.keys(health.tables.health)).toEqual([...healthKeysOf(offer)]);
    for (const key of healthKeysOf(offer)) {
      const known = health.at(key);
      expect(totalsOf(known?.leases ?? none)).toEqual({ exposureMs: HOUR_MS, events: 1 });
      expect(known?.starts.totalMs).toBe(STARTUP_MS);
    }
  });

  it('counts once, however often it is told, by whoever', async () => {
    const health = monitor();
    health.put('att-1', lost());
    for (let times = 0; times < 3; times += 1) {
      await health.told('att-1');
      await health.round();
    }
    expect(health.losses()).toBe(1);
  });

  it('is learned without being told: a lost wake-up costs time and nothing else', async () => {
    const health = monitor();
    health.put('att-1', lost());
    health.put('att-2', ran());
    await health.round();
    expect(health.losses()).toBe(1);
    expect(totalsOf(health.at('acme')?.leases ?? none).exposureMs).toBe(2 * HOUR_MS);
  });

  it.each<{ reason: string; attempt: Partial<Attempt> }>([
    { reason: 'it is not over', attempt: ran({ phase: 'releasing' }) },
    {
      reason: 'nothing was ever asked for',
      attempt: ran({
        outcome: 'cancelled',
        report: NO_REPORT,
        billedFromMs: null,
        billedToMs: null,
      }),
    },
  ])('is nothing when $reason', async ({ attempt }) => {
    const health = monitor();
    health.put('att-1', attempt);
    await health.told('att-1');
    await health.told('att-unknown');
    expect(health.tables.health).toEqual({});
  });

  it('about waiting for new capacity goes to where the loss was', async () => {
    const health = monitor();
    const elsewhere = anOffer({ providerId: 'zeta' });
    const again = {
      number: 2,
      round: 2,
      billedFromMs: OVER_MS + 90_000,
      report: { ...NO_REPORT, startedAtMs: OVER_MS + 100_000 },
      billedToMs: OVER_MS + HOUR_MS,
    };
    health.put('att-1', lost(), 'job-1');
    health.put('att-2', ran(again, elsewhere), 'job-1');
    await health.round();
    expect(health.at('acme/spot')?.recoveries.totalMs).toBe(90_000);
    expect(
      endedWaits(
        health.at('zeta')?.recoveries ?? { ended: [], givenUp: [], totalMs: 0, unbinned: 0 },
      ),
    ).toBe(0);
  });
});

describe('what falls together', () => {
  const domain = failureDomainOf(offer);
  const share = (health: ReturnType<typeof monitor>) =>
    commonCauseShare(domain, health.tables.health);

  it('is learned once the window is over, from both sides, and once', async () => {
    const health = monitor();
    health.put('att-1', lost());
    health.put('att-2', lost({ billedToMs: OVER_MS + 60_000, phaseSinceMs: OVER_MS + 60_000 }));
    health.put('att-3', ran({ phase: 'running', outcome: null, billedToMs: null }));
    health.put('att-4', ran({ outcome: 'moved', billedToMs: OVER_MS + 30_000 }));
    await health.round();
    expect(share(health)).toBe(0.1);
    health.clock.advance(2 * HOUR_MS);
    await health.round();
    await health.round();
    // Each of the two lost saw the other fall and the third stand; the one that we moved tells nothing.
    expect(share(health)).toBeCloseTo((2 + 1) / (4 + 10), 4);
    expect(health.losses()).toBeCloseTo(2, 3);
  });
});

describe('supply below a floor', () => {
  it('rests with a reason and an end: the machine at once, the provider when it is many', async () => {
    const health = monitor();
    for (let n = 0; n < 3; n += 1) health.put(`att-${n}`, failedStart());
    await health.round();
    expect(health.suspended()).toEqual(['host acme/h1 starts-fail']);
    expect(health.tables.suspensions[0]).toMatchObject({
      fromMs: health.clock.nowMs(),
      untilMs: health.clock.nowMs() + 6 * HOUR_MS,
    });
    for (let n = 3; n < 10; n += 1)
      health.put(`att-${n}`, failedStart({ offer: { ...offer, hostId: `other-${n}` } }));
    await health.round();
    expect(health.suspended()).toEqual(['host acme/h1 starts-fail', 'provider acme starts-fail']);
  });

  it('rests for a lie', async () => {
    const health = monitor();
    const dearer = { ...offer, pricePerHour: offer.pricePerHour };
    const observedPricePerHour = (dearer.pricePerHour * 2) as typeof dearer.pricePerHour;
    health.put('att-1', ran({ observedPricePerHour }));
    await health.told('att-1');
    expect(health.suspended()).toEqual(['host acme/h1 lied']);
  });

  it('is left alone by an attempt that went well, and by too little to tell', async () => {
    const health = monitor();
    health.put('att-1', failedStart());
    health.put('att-2', failedStart());
    await health.round();
    health.put('att-3', ran());
    await health.round();
    expect(health.suspended()).toEqual([]);
  });
});

describe('calls of a provider', () => {
  it('are added up once', async () => {
    const health = monitor();
    const stores = memoryStores(health.tables);
    const atMs = health.clock.nowMs();
    await stores.health.tally([{ providerId: offer.providerId, calls: 10, unanswered: 4, atMs }]);
    await health.round();
    await health.round();
    expect(health.at('acme')).toMatchObject({ calls: 10, unanswered: 4 });
  });
});
