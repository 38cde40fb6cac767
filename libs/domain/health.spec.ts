import fc from 'fast-check';
import {
  commonCauseShare,
  interruptionsPerHourOver,
  reliabilityKeyOf,
  reliabilityOf,
  residualLifeAt,
  type HealthSnapshot,
} from './health';
import {
  failureDomainKey,
  healthKeysOf,
  type HealthCounters,
  type Knowledge,
} from './health/knowledge';
import { noLifetimes, withStretch } from './health/lifetimes';
import { noWaits, withWait } from './health/waits';
import { KNOWN_AT_MS, counted, knowledge, unknown } from './testing/health';
import { HOUR_MS, offerOf } from './testing/job';

const offer = offerOf({ providerKind: 'decentralised', market: 'spot', startupMs: 60_000 });

const measured = (over: Partial<HealthCounters>) =>
  reliabilityOf(offer, { 'nimbus/spot': counted(over) });

/** Lives of which all are seen to their end, in hours. */
const livesOf = (hours: readonly number[]): Knowledge => ({
  ...unknown,
  leases: hours.reduce(
    (sum, life) =>
      withStretch(sum, { fromAgeMs: 0, toAgeMs: life * HOUR_MS, ended: true, aged: true }),
    noLifetimes(),
  ),
});

describe('reliability', () => {
  it('is the assumption while nothing is measured', () => {
    expect(measured({})).toEqual(reliabilityOf(offer, {}));
    expect(reliabilityOf(offer, {}).startupMs).toBe(60_000);
    expect(reliabilityOf(offer, {}).interruptionsPerHour).toBe(0.1);
  });

  it('tells what is measured from what is assumed', () => {
    expect(reliabilityOf(offer, {})).toMatchObject({
      startupP99Ms: null,
      measured: { hours: 0, starts: 0 },
    });
    expect(measured({ leaseMs: 5 * HOUR_MS, starts: 3 }).measured).toEqual({ hours: 5, starts: 3 });
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

  it('of one market is little moved by another of the same provider, and not at all by a stranger', () => {
    const other = { ...offer, market: 'on-demand' as const };
    const lossy = { 'nimbus/spot': counted({ leaseMs: 100 * HOUR_MS, interruptions: 40 }) };
    const assumed = reliabilityOf(other, {}).interruptionsPerHour;
    const moved = reliabilityOf(other, lossy).interruptionsPerHour;
    expect(moved / assumed).toBeCloseTo((40 + 5) / (10 + 5), 9);
    const stranger = offerOf({ ...other, providerId: 'zeta' as typeof other.providerId });
    expect(reliabilityOf(stranger, lossy)).toEqual(reliabilityOf(stranger, {}));
  });

  it('of a narrower level speaks once it has evidence of its own', () => {
    const [, market = '', region = '', kind = ''] = healthKeysOf(offer);
    const wide = { [market]: counted({ leaseMs: 10_000 * HOUR_MS, interruptions: 1_000 }) };
    const rate = (health: HealthSnapshot) => reliabilityOf(offer, health).interruptionsPerHour;
    const of = (key: string, hours: number) =>
      rate({ ...wide, [key]: counted({ leaseMs: hours * HOUR_MS }) });
    for (const key of [region, kind]) {
      expect(of(key, 1)).toBeLessThan(rate(wide));
      expect(of(key, 1)).toBeGreaterThan(rate(wide) * 0.9);
      expect(of(key, 1_000)).toBeLessThan(rate(wide) * 0.1);
    }
  });

  it('of a host is its own, and that of its neighbours is not', () => {
    const host = { ...offer, hostId: 'h1' };
    const neighbour = { ...offer, hostId: 'h2' };
    const key = healthKeysOf(host).at(-1) ?? '';
    const bad = { [key]: counted({ starts: 1, startFailures: 30 }) };
    expect(reliabilityOf(host, bad).startFailureChance).toBeGreaterThan(0.5);
    expect(reliabilityOf(neighbour, bad)).toEqual(reliabilityOf(neighbour, {}));
    expect(reliabilityKeyOf(host)).not.toBe(reliabilityKeyOf(neighbour));
  });

  it('depends on the age of the run: who has lived long has longer to live', () => {
    const shares = Array.from({ length: 100 }, (_, index) => -Math.log(1 - (index + 0.5) / 100));
    const lives = [...shares.map((share) => share / 2), ...shares.map((share) => share * 60)];
    const learned = reliabilityOf(offer, { 'nimbus/spot': livesOf(lives) });
    expect(interruptionsPerHourOver(learned, 2 * HOUR_MS)).toBeGreaterThan(
      3 * interruptionsPerHourOver(learned, 48 * HOUR_MS),
    );
    expect(residualLifeAt(learned, 2 * HOUR_MS)).toBeGreaterThan(1.5 * residualLifeAt(learned, 0));
    const plain = {
      interruptionsPerHour: 0.3,
      startFailureChance: 0,
      startupMs: 0,
      recoveryWaitMs: 0,
    };
    expect(interruptionsPerHourOver(plain, HOUR_MS)).toBe(0.3);
  });

  it('weighs old evidence less when it is told the time', () => {
    const health = { 'nimbus/spot': counted({ leaseMs: 1_000 * HOUR_MS }) };
    const fresh = reliabilityOf(offer, health, KNOWN_AT_MS).interruptionsPerHour;
    const old = reliabilityOf(offer, health, KNOWN_AT_MS + 365 * 24 * HOUR_MS);
    expect(fresh).toBe(reliabilityOf(offer, health).interruptionsPerHour);
    expect(old.interruptionsPerHour).toBeGreaterThan(10 * fresh);
    expect(old.interruptionsPerHour).toBeLessThanOrEqual(0.1);
  });

  it('knows the hundredth slowest start once enough were seen, and not before', () => {
    const starting = (times: number): Knowledge => ({
      ...unknown,
      starts: Array.from({ length: times }, () => 45_000).reduce(
        (sum, ms) => withWait(sum, ms, 'ended'),
        noWaits(),
      ),
    });
    const p99 = (known: Knowledge) => reliabilityOf(offer, { nimbus: known }).startupP99Ms;
    expect(p99(starting(19))).toBeNull();
    expect(p99(starting(20))).toBeGreaterThanOrEqual(45_000);
    expect(p99(starting(20))).toBeLessThan(70_000);
  });

  it('is always a chance, a rate or a wait', () => {
    const anyHealth = fc.dictionary(
      fc.constantFrom(...healthKeysOf({ ...offer, hostId: 'h1' })),
      knowledge,
    );
    fc.assert(
      fc.property(anyHealth, fc.integer({ min: 0, max: 1e6 }), (health, hours) => {
        const nowMs = KNOWN_AT_MS + hours * HOUR_MS;
        const known = reliabilityOf({ ...offer, hostId: 'h1' }, health, nowMs);
        for (const chance of [known.startFailureChance, known.lieChance, known.refusalChance]) {
          expect(chance).toBeGreaterThan(0);
        }
        expect(known.startFailureChance).toBeLessThanOrEqual(1);
        for (const rate of [known.interruptionsPerHour, known.recoveryWaitMs, known.startupMs]) {
          expect(rate).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(rate)).toBe(true);
        }
      }),
    );
  });
});

describe('what reliability depends on', () => {
  it('is told by the key: the same key, the same reliability', () => {
    const other = offerOf({ ...offer, pricePerHour: offer.pricePerHour, instanceType: 'other' });
    const health = { 'nimbus/spot': counted({ leaseMs: HOUR_MS, interruptions: 2 }) };
    expect(reliabilityKeyOf(other)).toBe(reliabilityKeyOf(offer));
    expect(reliabilityOf(other, health)).toEqual(reliabilityOf(offer, health));
  });

  it.each([
    { reason: 'where', over: { region: 'elsewhere' } },
    { reason: 'how sold', over: { market: 'on-demand' as const } },
    { reason: 'how fast', over: { startupMs: 1 } },
    { reason: 'by what kind of provider', over: { providerKind: 'hyperscaler' as const } },
    {
      reason: 'on what',
      over: { gpu: { model: 'H100', count: 8, memoryGib: 80, interconnect: 'nvlink' as const } },
    },
  ])('differs by $reason', ({ over }) => {
    expect(reliabilityKeyOf({ ...offer, ...over })).not.toBe(reliabilityKeyOf(offer));
  });
});

describe('what fails together', () => {
  const health = (companions: number, fellTogether: number): HealthSnapshot => ({
    [failureDomainKey('nimbus/north')]: { ...unknown, companions, fellTogether },
  });

  it('is a tenth while nobody has seen it, and what was seen once much was', () => {
    expect(commonCauseShare('nimbus/north', {})).toBe(0.1);
    expect(commonCauseShare('nimbus/north', health(10_000, 6_000))).toBeCloseTo(0.6, 2);
    expect(commonCauseShare('nimbus/north', health(10_000, 0))).toBeLessThan(0.001);
    expect(commonCauseShare('nimbus/south', health(10_000, 6_000))).toBe(0.1);
  });
});
