import fc from 'fast-check';
import {
  costOf,
  estimatedMicroUsd,
  formatUsd,
  MAX_ESTIMATE,
  microUsd,
  MS_PER_HOUR,
  roundToMicroUsd,
  sumUsd,
  usd,
} from './money';

const amount = fc.integer({ min: -1e12, max: 1e12 }).map(microUsd);

describe('money', () => {
  it.each([0.5, NaN, Infinity, 2 ** 53])('is never %s', (value) => {
    expect(() => microUsd(value)).toThrow(RangeError);
  });

  it('rounds half up and knows no negative zero', () => {
    expect([0.5, 1.49, -0.5, -0.51, -0.2].map(roundToMicroUsd)).toEqual([1, 1, 0, -1, 0]);
    expect(Object.is(roundToMicroUsd(-0.2), 0)).toBe(true);
  });

  it('reads dollars as people write them', () => {
    expect([0.1, 1.2, 98.32, 0.000001, 0.0000004].map(usd)).toEqual([
      100_000, 1_200_000, 98_320_000, 1, 0,
    ]);
  });

  it('is shown without loss, with two to six decimals', () => {
    expect(
      [0, 1, 1_200_000, -50_000, 1_234_500, 123_456_789].map((each) => formatUsd(microUsd(each))),
    ).toEqual(['$0.00', '$0.000001', '$1.20', '-$0.05', '$1.2345', '$123.456789']);
    fc.assert(
      fc.property(amount, (each) => {
        expect(usd(Number(formatUsd(each).replace('$', '')))).toBe(each);
      }),
    );
  });

  it('adds up exactly', () => {
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 20 }), (amounts) => {
        expect(BigInt(sumUsd(amounts))).toBe(amounts.reduce((sum, each) => sum + BigInt(each), 0n));
      }),
    );
  });

  it('charges a duration to the exact micro-dollar, rounded up', () => {
    const price = fc.integer({ min: 0, max: 2_000_000_000 }).map(microUsd);
    fc.assert(
      fc.property(price, fc.integer({ min: 0, max: 2_000 * MS_PER_HOUR }), (perHour, lastsMs) => {
        const hour = BigInt(MS_PER_HOUR);
        const exact = (BigInt(perHour) * BigInt(lastsMs) + hour - 1n) / hour;
        expect(BigInt(costOf(perHour, lastsMs))).toBe(exact);
      }),
      { numRuns: 1_000 },
    );
  });

  it('holds estimates between nothing and a bound of which nine still add up', () => {
    expect([-1, 0.6, 1e300, Infinity].map(estimatedMicroUsd)).toEqual([
      0,
      1,
      MAX_ESTIMATE,
      MAX_ESTIMATE,
    ]);
    expect(() => sumUsd(Array.from({ length: 9 }, () => MAX_ESTIMATE))).not.toThrow();
  });
});
