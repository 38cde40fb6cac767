import { reliabilityOf, type HealthCounters } from './health';
import { HOUR_MS, offerOf } from './testing/job';

const offer = offerOf({ providerKind: 'decentralised', market: 'spot', startupMs: 60_000 });

const measured = (over: Partial<HealthCounters>) =>
  reliabilityOf(offer, {
    'nimbus/spot': {
      leaseMs: 0,
      interruptions: 0,
      starts: 0,
      startMsTotal: 0,
      startFailures: 0,
      ...over,
    },
  });

describe('reliability', () => {
  it('is the assumption while nothing is measured', () => {
    expect(measured({})).toEqual(reliabilityOf(offer, {}));
    expect(reliabilityOf(offer, {}).startupMs).toBe(60_000);
    expect(reliabilityOf(offer, {}).interruptionsPerHour).toBeGreaterThan(0);
  });

  it('is what was measured once there is much of it', () => {
    const much = measured({
      leaseMs: 1_000_000 * HOUR_MS,
      interruptions: 500_000,
      starts: 75_000,
      startFailures: 25_000,
      startMsTotal: 75_000 * 20_000,
    });
    expect(much.interruptionsPerHour).toBeCloseTo(0.5, 3);
    expect(much.startFailureChance).toBeCloseTo(0.25, 3);
    expect(much.startupMs).toBeCloseTo(20_000, -2);
  });

  it('moves from the one to the other, and never says never', () => {
    const before = measured({}).interruptionsPerHour;
    const quiet = [1, 100, 1e6].map(
      (hours) => measured({ leaseMs: hours * HOUR_MS }).interruptionsPerHour,
    );
    expect([before, ...quiet]).toEqual([before, ...quiet].sort((a, b) => b - a));
    expect(Math.min(...quiet)).toBeGreaterThan(0);
    expect(measured({ interruptions: 1 }).interruptionsPerHour).toBeGreaterThan(before);
  });

  it('is kept apart for each market of a provider', () => {
    const other = { ...offer, market: 'on-demand' as const };
    const health = {
      'nimbus/spot': { leaseMs: 0, interruptions: 9, starts: 0, startMsTotal: 0, startFailures: 0 },
    };
    expect(reliabilityOf(other, health)).toEqual(reliabilityOf(other, {}));
  });
});
