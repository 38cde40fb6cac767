import fc from 'fast-check';
import {
  WAIT_EDGES_MS,
  addWaits,
  endedWaits,
  noWaits,
  scaledWaits,
  waitQuantileMs,
  withWait,
} from './waits';

const waited = (ms: readonly number[], outcome: 'ended' | 'given-up' = 'ended', from = noWaits()) =>
  ms.reduce((sum, each) => withWait(sum, each, outcome), from);
const shares = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const waits = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 50 });

describe('waits', () => {
  it('have no quantile while none has ended, which is not the same as zero', () => {
    expect(waitQuantileMs(noWaits(), 0.99)).toBeNull();
    expect(waitQuantileMs(waited([5_000], 'given-up'), 0.5)).toBeNull();
    expect(waitQuantileMs(waited([0]), 0.99)).toBeGreaterThanOrEqual(0);
  });

  it('have quantiles within a bin of the true ones', () => {
    fc.assert(
      fc.property(waits, shares, (all, share) => {
        const sorted = [...all].sort((a, b) => a - b);
        const truth = sorted[Math.max(0, Math.ceil(share * all.length - 1e-9) - 1)] ?? 0;
        const bin = WAIT_EDGES_MS.findLastIndex((edge) => edge <= truth);
        const told = waitQuantileMs(waited(all), share) ?? -1;
        expect(told).toBeGreaterThanOrEqual(WAIT_EDGES_MS[bin] ?? Infinity);
        expect(told).toBeLessThanOrEqual(WAIT_EDGES_MS[bin + 1] ?? Infinity);
      }),
    );
  });

  it('have quantiles that rise with the share', () => {
    fc.assert(
      fc.property(waits, waits, shares, shares, (ended, given, a, b) => {
        const counts = waited(given, 'given-up', waited(ended));
        const low = waitQuantileMs(counts, Math.min(a, b)) ?? 0;
        expect(waitQuantileMs(counts, Math.max(a, b)) ?? 0).toBeGreaterThanOrEqual(low);
      }),
    );
  });

  it('that were given up count as longer, so that giving up does not make them look quick', () => {
    const quick = waited(Array<number>(99).fill(30_000));
    expect(waitQuantileMs(quick, 0.99)).toBeLessThan(46_000);
    const givenUp = waited(Array<number>(5).fill(60_000), 'given-up', quick);
    expect(waitQuantileMs(givenUp, 0.99)).toBe(Infinity);
    expect(waitQuantileMs(givenUp, 0.5)).toBeLessThan(46_000);
  });

  it('add up, and fade without moving a quantile', () => {
    fc.assert(
      fc.property(waits, waits, shares, (a, b, share) => {
        const both = addWaits(waited(a), waited(b));
        expect(both).toEqual(waited([...a, ...b]));
        const faded = scaledWaits(both, 0.25);
        expect(endedWaits(faded)).toBeCloseTo(endedWaits(both) / 4, 9);
        expect(waitQuantileMs(faded, share)).toBeCloseTo(waitQuantileMs(both, share) ?? -1, 3);
      }),
    );
  });
});
