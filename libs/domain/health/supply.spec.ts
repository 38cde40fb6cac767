import fc from 'fast-check';
import { HOUR_MS } from '../testing/job';
import { constantTable, noLifetimes, residualLifeMs, totalsOf } from './lifetimes';
import { observe, pooledSupply, runAgeMs, supplyTables, type SupplyState } from './supply';

const MINUTE = 60_000;
const steady = { halfLifeMs: Infinity };

/** Looks every ten minutes; `1` is available. */
function watched(looks: string, options = steady): SupplyState {
  let state: SupplyState | null = null;
  [...looks].forEach((look, index) => {
    state = observe(state, look === '1', index * 10 * MINUTE, options);
  });
  if (state === null) throw new Error('nothing was looked at');
  return state;
}

describe('looks at an offer', () => {
  it('tell nothing the first time', () => {
    const first = watched('1');
    expect(first.run).toEqual({ available: true, sinceMs: 0, aged: false, seenMs: 0 });
    expect(totalsOf(first.up)).toEqual({ exposureMs: 0, events: 0 });
  });

  it('count time and ends of a first run without an age, and later ones with it', () => {
    const state = watched('1110011');
    expect(state.up.unagedExposureMs).toBe(25 * MINUTE);
    expect(state.up.unagedEvents).toBe(1);
    expect(totalsOf({ ...state.up, unagedExposureMs: 0, unagedEvents: 0 })).toEqual({
      exposureMs: 15 * MINUTE,
      events: 0,
    });
    expect(totalsOf(state.down)).toEqual({ exposureMs: 20 * MINUTE, events: 1 });
    expect(state.run).toMatchObject({ available: true, sinceMs: 45 * MINUTE, aged: true });
    expect(runAgeMs(state, 75 * MINUTE)).toBe(30 * MINUTE);
  });

  it('are all in time: none is lost, whatever is seen', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), (looks) => {
        const { up, down } = watched(looks.map((up) => (up ? '1' : '0')).join(''));
        const total = totalsOf(up).exposureMs + totalsOf(down).exposureMs;
        expect(total).toBeCloseTo((looks.length - 1) * 10 * MINUTE, 3);
        const changes = looks.filter((up, index) => index > 0 && up !== looks[index - 1]).length;
        expect(totalsOf(up).events + totalsOf(down).events).toBe(changes);
      }),
    );
  });

  it('change nothing when they come late', () => {
    const state = watched('11011');
    expect(observe(state, false, state.run.seenMs)).toBe(state);
    expect(observe(state, false, 0)).toBe(state);
  });

  it('leave a run as it was last seen when nobody looked for long', () => {
    const before = watched('110');
    const after = observe(before, false, 100 * HOUR_MS, { ...steady, maxGapMs: HOUR_MS });
    expect(after.down).toEqual(before.down);
    expect(after.run).toEqual({
      available: false,
      sinceMs: 100 * HOUR_MS,
      aged: false,
      seenMs: 100 * HOUR_MS,
    });
  });

  it('weigh less the older they are', () => {
    const state = watched('1101');
    const later = observe(state, true, state.run.seenMs + HOUR_MS, { halfLifeMs: HOUR_MS });
    expect(totalsOf(later.down).events).toBeCloseTo(totalsOf(state.down).events / 2, 9);
  });

  it('learn how long it stays and how long it is away', () => {
    const cycle = `${'1'.repeat(36)}${'0'.repeat(12)}`;
    const { up, down } = watched(cycle.repeat(60));
    const assumed = { up: constantTable(1), down: constantTable(1) };
    const tables = supplyTables({ up, down }, assumed, 1);
    expect(residualLifeMs(tables.up, 0) / HOUR_MS).toBeGreaterThan(5);
    expect(residualLifeMs(tables.up, 0) / HOUR_MS).toBeLessThan(8);
    expect(residualLifeMs(tables.down, 0) / HOUR_MS).toBeGreaterThan(1.7);
    expect(residualLifeMs(tables.down, 0) / HOUR_MS).toBeLessThan(2.5);
  });

  it('of several offers add up', () => {
    const state = watched('1100110');
    const twice = pooledSupply([state, state]);
    expect(totalsOf(twice.up).events).toBe(2 * totalsOf(state.up).events);
    expect(pooledSupply([])).toEqual({ up: noLifetimes(), down: noLifetimes() });
  });
});
