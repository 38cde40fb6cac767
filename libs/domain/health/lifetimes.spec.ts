import fc from 'fast-check';
import { HOUR_MS } from '../testing/job';
import {
  LIFETIME_EDGES_MS,
  addLifetimes,
  ageBinOf,
  averageHazardPerHour,
  chanceToLast,
  constantTable,
  cumulativeHazard,
  decayFactor,
  levelRatio,
  meanHazardPerHour,
  noLifetimes,
  quantileMs,
  residualLifeMs,
  scaledLifetimes,
  survival,
  tableOf,
  totalsOf,
  withRunning,
  withStretch,
  type LifetimeCounts,
  type LifetimeTable,
} from './lifetimes';

const bins = LIFETIME_EDGES_MS.length;
const hazards = fc.array(fc.double({ min: 1e-4, max: 50, noNaN: true }), {
  minLength: bins,
  maxLength: bins,
});
const tables: fc.Arbitrary<LifetimeTable> = hazards.map((hazardPerHour) => ({
  edgesMs: LIFETIME_EDGES_MS,
  hazardPerHour,
}));
const ages = fc.integer({ min: 0, max: 2_000 * HOUR_MS });
const stretches = fc
  .record({ from: ages, length: ages, ended: fc.boolean(), aged: fc.boolean() })
  .map(({ from, length, ended, aged }) => ({
    fromAgeMs: from,
    toAgeMs: from + length,
    ended,
    aged,
  }));
const counts: fc.Arbitrary<LifetimeCounts> = fc
  .array(stretches, { maxLength: 12 })
  .map((all) => all.reduce((total, each) => withStretch(total, each), noLifetimes()));

/** A small generator of its own, so that the same numbers come on every machine (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('edges', () => {
  it('begin at zero and rise', () => {
    expect(LIFETIME_EDGES_MS[0]).toBe(0);
    for (let bin = 1; bin < LIFETIME_EDGES_MS.length; bin += 1)
      expect(LIFETIME_EDGES_MS[bin]).toBeGreaterThan(LIFETIME_EDGES_MS[bin - 1] ?? Infinity);
  });
});

describe('counts of lifetimes', () => {
  it('keep all time and every end', () => {
    fc.assert(
      fc.property(fc.array(stretches, { maxLength: 20 }), (all) => {
        const total = totalsOf(all.reduce((sum, each) => withStretch(sum, each), noLifetimes()));
        const lived = all.reduce((sum, { fromAgeMs, toAgeMs }) => sum + toAgeMs - fromAgeMs, 0);
        expect(total.exposureMs).toBeCloseTo(lived, 3);
        expect(total.events).toBe(all.filter(({ ended }) => ended).length);
      }),
    );
  });

  it('come to the same whether a run is told at once or piece by piece', () => {
    fc.assert(
      fc.property(ages, ages, fc.boolean(), (first, second, ended) => {
        const whole = { fromAgeMs: 0, toAgeMs: first + second, ended, aged: true };
        const parts = withStretch(
          withStretch(noLifetimes(), { fromAgeMs: 0, toAgeMs: first, ended: false, aged: true }),
          { fromAgeMs: first, toAgeMs: first + second, ended, aged: true },
        );
        const told = withStretch(noLifetimes(), whole);
        expect(parts.exposureMs.map(Math.round)).toEqual(told.exposureMs.map(Math.round));
        if (second > 0) expect(parts.events).toEqual(told.events);
      }),
    );
  });

  it('put an end at an edge where the time before it was spent', () => {
    const edge = LIFETIME_EDGES_MS[3] ?? 0;
    const told = withStretch(noLifetimes(), {
      fromAgeMs: 0,
      toAgeMs: edge,
      ended: true,
      aged: true,
    });
    expect(told.events.indexOf(1)).toBe(2);
  });

  it('come to the same for runs that go on, one by one or added up', () => {
    fc.assert(
      fc.property(fc.array(ages, { minLength: 1, maxLength: 6 }), fc.boolean(), (all, aged) => {
        const bin = ageBinOf(all[0] ?? 0);
        const mates = all.filter((age) => ageBinOf(age) === bin);
        const totalAgeMs = mates.reduce((sum, age) => sum + age, 0);
        const added = withRunning(noLifetimes(), { bin, runs: mates.length, totalAgeMs, aged });
        const told = mates.reduce(
          (sum, toAgeMs) => withStretch(sum, { fromAgeMs: 0, toAgeMs, ended: false, aged }),
          noLifetimes(),
        );
        expect(added.exposureMs.map(Math.round)).toEqual(told.exposureMs.map(Math.round));
        expect(added.unagedExposureMs).toBe(told.unagedExposureMs);
      }),
    );
  });

  it('never fall below zero and never gain by decay', () => {
    fc.assert(
      fc.property(counts, ages, (some, elapsedMs) => {
        const factor = decayFactor(elapsedMs);
        expect(factor).toBeGreaterThanOrEqual(0);
        expect(factor).toBeLessThanOrEqual(1);
        const later = totalsOf(scaledLifetimes(some, factor));
        expect(later.events).toBeGreaterThanOrEqual(0);
        expect(later.exposureMs).toBeLessThanOrEqual(totalsOf(some).exposureMs + 1e-6);
      }),
    );
    expect(decayFactor(-1)).toBe(1);
    expect(decayFactor(HOUR_MS, HOUR_MS)).toBe(0.5);
  });

  it('add up in any order', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        expect(addLifetimes(a, b)).toEqual(addLifetimes(b, a));
      }),
    );
  });
});

describe('a table of hazards', () => {
  it('has a survival that falls with age from 1 and never below 0', () => {
    fc.assert(
      fc.property(tables, ages, ages, (table, a, b) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)];
        expect(survival(table, 0)).toBe(1);
        expect(survival(table, late)).toBeLessThanOrEqual(survival(table, early));
        expect(survival(table, late)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('has residual lives that are the integral of what is left', () => {
    fc.assert(
      fc.property(tables, ages, fc.integer({ min: 1, max: 100 * HOUR_MS }), (table, age, span) => {
        const whole = residualLifeMs(table, age);
        const parts =
          residualLifeMs(table, age, span) +
          chanceToLast(table, age, span) * residualLifeMs(table, age + span);
        expect(parts / whole).toBeCloseTo(1, 6);
        expect(residualLifeMs(table, age, span)).toBeLessThanOrEqual(span * (1 + 1e-9));
      }),
    );
  });

  it('is what it is for a constant hazard, at every age', () => {
    const table = constantTable(0.25);
    for (const age of [0, HOUR_MS, 500 * HOUR_MS]) {
      expect(residualLifeMs(table, age)).toBeCloseTo(4 * HOUR_MS, 0);
      expect(averageHazardPerHour(table, 3 * HOUR_MS, age)).toBeCloseTo(0.25, 9);
    }
    expect(cumulativeHazard(table, 8 * HOUR_MS)).toBeCloseTo(2, 9);
    expect(quantileMs(table, 0.5)).toBeCloseTo(Math.LN2 * 4 * HOUR_MS, 0);
    expect(meanHazardPerHour(table)).toBe(0.25);
  });

  it('tells quantiles that survival agrees with', () => {
    fc.assert(
      fc.property(tables, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (table, share) => {
        expect(survival(table, quantileMs(table, share))).toBeCloseTo(1 - share, 6);
      }),
    );
    expect(quantileMs(constantTable(0), 0.99)).toBe(Infinity);
    expect(residualLifeMs(constantTable(0), 0)).toBe(Infinity);
  });

  it('averages over a run between the lowest and the highest hazard on the way', () => {
    fc.assert(
      fc.property(tables, ages, ages, (table, age, span) => {
        const average = averageHazardPerHour(table, span, age);
        expect(average).toBeGreaterThanOrEqual(Math.min(...table.hazardPerHour) * (1 - 1e-6));
        expect(average).toBeLessThanOrEqual(Math.max(...table.hazardPerHour) * (1 + 1e-6));
      }),
    );
  });
});

describe('shrinkage', () => {
  const within = (value: number, a: number, b: number) => {
    expect(value).toBeGreaterThanOrEqual(Math.min(a, b) * (1 - 1e-9));
    expect(value).toBeLessThanOrEqual(Math.max(a, b) * (1 + 1e-9));
  };

  it('keeps each hazard between its own and the scaled parent’s, and the level between its own and the parent', () => {
    fc.assert(
      fc.property(counts, tables, fc.integer({ min: 1, max: 1_000 }), (some, parent, hours) => {
        const ratio = levelRatio(some, parent, hours);
        const own = levelRatio(some, parent, 0);
        within(ratio, own, 1);
        const table = tableOf(some, parent, hours);
        table.hazardPerHour.forEach((perHour, bin) => {
          const scaled = (parent.hazardPerHour[bin] ?? 0) * ratio;
          const atRisk = some.exposureMs[bin] ?? 0;
          const events = some.events[bin] ?? 0;
          if (atRisk === 0 && events === 0) expect(perHour).toBe(scaled);
          else within(perHour, scaled, atRisk === 0 ? Infinity : (events / atRisk) * HOUR_MS);
        });
      }),
    );
  });

  it('is the parent while nothing is measured, and the measurement once there is much', () => {
    const parent = constantTable(0.1);
    expect(tableOf(noLifetimes(), parent, 20)).toEqual(parent);
    const many = {
      ...noLifetimes(),
      exposureMs: LIFETIME_EDGES_MS.map(() => 1e5 * HOUR_MS),
      events: LIFETIME_EDGES_MS.map((_, bin) => 1e5 * (0.01 + bin / 100)),
    };
    tableOf(many, parent, 20).hazardPerHour.forEach((perHour, bin) =>
      expect(perHour).toBeCloseTo(0.01 + bin / 100, 3),
    );
  });

  it('moves the level alone by runs of unknown age', () => {
    const unaged = { ...noLifetimes(), unagedExposureMs: 980 * HOUR_MS, unagedEvents: 48 };
    const table = tableOf(unaged, constantTable(0.1), 20);
    expect(new Set(table.hazardPerHour.map((perHour) => perHour.toFixed(9)))).toEqual(
      new Set([((48 + 2) / (980 + 20)).toFixed(9)]),
    );
  });
});

describe('learning from runs that we end ourselves', () => {
  /** Half of all live an hour on average, half ten: the hazard falls with age. */
  const trueSurvival = (hours: number) => 0.5 * Math.exp(-hours) + 0.5 * Math.exp(-hours / 10);

  it.each([{ heldHours: Infinity }, { heldHours: 6 }, { heldHours: 2 }])(
    'is unbiased when runs are held for $heldHours hours at random',
    ({ heldHours }) => {
      const next = uniform(7);
      let learned = noLifetimes();
      for (let run = 0; run < 20_000; run += 1) {
        const life = -Math.log(1 - next()) * (next() < 0.5 ? 1 : 10);
        const held = heldHours === Infinity ? Infinity : -Math.log(1 - next()) * heldHours;
        const ageMs = Math.min(life, held) * HOUR_MS;
        const stretch = { fromAgeMs: 0, toAgeMs: ageMs, ended: life <= held, aged: true };
        learned = withStretch(learned, stretch);
      }
      const table = tableOf(learned, constantTable(0.3), 20);
      for (const hours of [0.5, 1, 2, 4, 8])
        expect(Math.abs(survival(table, hours * HOUR_MS) - trueSurvival(hours))).toBeLessThan(0.03);
      const mean = residualLifeMs(table, 4 * HOUR_MS, 8 * HOUR_MS) / HOUR_MS;
      const left = (a: number, b: number) =>
        0.5 * (Math.exp(-a) - Math.exp(-b)) + 5 * (Math.exp(-a / 10) - Math.exp(-b / 10));
      expect(mean).toBeCloseTo(left(4, 12) / trueSurvival(4), 0);
    },
  );

  it('tells that who has lived longer has longer to live where that is so', () => {
    const table = {
      edgesMs: LIFETIME_EDGES_MS,
      hazardPerHour: LIFETIME_EDGES_MS.map((_, bin) => 1 / (1 + bin)),
    };
    expect(residualLifeMs(table, 5 * HOUR_MS)).toBeGreaterThan(residualLifeMs(table, 0));
    expect(averageHazardPerHour(table, 50 * HOUR_MS)).toBeLessThan(
      averageHazardPerHour(table, HOUR_MS),
    );
  });
});
