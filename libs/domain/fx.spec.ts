import fc from 'fast-check';
import {
  AGREEMENT,
  agreedRate,
  dailySigma,
  median,
  medianAbsoluteDeviation,
  MIN_RETURNS,
  tokenHaircut,
  tokenHaircutBps,
  UNMEASURED_SIGMA,
  type FxQuote,
} from './fx';
import { microUsd } from './money';
import { minimalRandom } from './testing/random';

const DAY_MS = 86_400_000;
const price = fc.double({ min: 1e-4, max: 1e5, noNaN: true });
const prices = fc.array(price, { minLength: 1, maxLength: 30 });
const quotesOf = (values: readonly number[]): FxQuote[] =>
  values.map((usd, index) => ({ source: `source-${index}`, usd }));

describe('the median', () => {
  it('has half of the values on either side', () => {
    fc.assert(
      fc.property(prices, (values) => {
        const middle = median(values) ?? Number.NaN;
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(below).toBeLessThanOrEqual(values.length / 2);
        expect(above).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it('is nothing for no values, and so is the spread', () => {
    expect([median([]), medianAbsoluteDeviation([])]).toEqual([null, null]);
  });

  it('does not depend on the order, and its spread grows with the scale', () => {
    fc.assert(
      fc.property(prices, (values) => {
        expect(median([...values].reverse())).toBe(median(values));
        const spread = medianAbsoluteDeviation(values) ?? 0;
        const doubled = medianAbsoluteDeviation(values.map((value) => value * 2)) ?? 0;
        expect(doubled).toBeCloseTo(spread * 2, 6);
      }),
    );
  });
});

describe('the rate that sources agree on', () => {
  it('is not moved by one liar among honest sources, however large the lie', () => {
    const noise = fc.double({ min: -0.002, max: 0.002, noNaN: true });
    const lie = fc.oneof(
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      fc.double({ min: 1.1, max: 1e6, noNaN: true }),
    );
    fc.assert(
      fc.property(
        price,
        fc.array(noise, { minLength: 3, maxLength: 8 }),
        lie,
        (truth, noises, factor) => {
          const honest = quotesOf(noises.map((each) => truth * (1 + each)));
          const agreed = agreedRate([...honest, { source: 'liar', usd: truth * factor }]);
          if (!agreed.ok) throw new Error('they should agree');
          expect(agreed.rejected).toEqual(['liar']);
          expect(Math.abs(agreed.usd / truth - 1)).toBeLessThanOrEqual(0.002_001);
        },
      ),
    );
  });

  it('lies between the sources that are kept, and names every source once', () => {
    fc.assert(
      fc.property(prices, (values) => {
        const quotes = quotesOf(values);
        const agreed = agreedRate(quotes);
        if (!agreed.ok) return;
        const kept = quotes.filter(({ source }) => agreed.sources.includes(source));
        expect(agreed.usd).toBeGreaterThanOrEqual(Math.min(...kept.map(({ usd }) => usd)));
        expect(agreed.usd).toBeLessThanOrEqual(Math.max(...kept.map(({ usd }) => usd)));
        expect([...agreed.sources, ...agreed.rejected].sort()).toEqual(
          quotes.map(({ source }) => source).sort(),
        );
      }),
    );
  });

  it('does not depend on the order in which sources are asked', () => {
    fc.assert(
      fc.property(prices, (values) => {
        const quotes = quotesOf(values);
        expect(agreedRate([...quotes].reverse())).toEqual(agreedRate(quotes));
      }),
    );
  });

  it.each<[reason: string, values: readonly number[], rejected: readonly string[]]>([
    ['nobody answers', [], []],
    ['one source is alone', [3.2], []],
    ['two sources are far apart', [1, 2], ['source-0', 'source-1']],
    ['what is left is not a number', [Number.NaN, 0, -1, 2], ['source-0', 'source-1', 'source-2']],
  ])('is refused when %s', (_reason, values, rejected) => {
    expect(agreedRate(quotesOf(values))).toEqual({ ok: false, reason: 'no-quorum', rejected });
  });

  it('keeps sources that differ by no more than exchanges do, even when the rest agree to the cent', () => {
    const agreed = agreedRate(quotesOf([1, 1, 1, 1.004]));
    expect(agreed).toMatchObject({ ok: true, rejected: [] });
  });

  it('never keeps a source beyond the hard limit, even when the spread is wide', () => {
    const limit = AGREEMENT.maxDeviationBps / 10_000;
    fc.assert(
      fc.property(prices, (values) => {
        const agreed = agreedRate(quotesOf(values));
        const middle = median(values) ?? 0;
        if (!agreed.ok) return;
        for (const source of agreed.sources) {
          const value = values[Number(source.slice('source-'.length))] ?? 0;
          expect(Math.abs(value / middle - 1)).toBeLessThanOrEqual(limit + 1e-9);
        }
      }),
    );
  });
});

describe('daily volatility', () => {
  /** A random walk with that deviation a day, seen `perDay` times a day. */
  function walk(sigma: number, days: number, perDay: number): { atMs: number; usdMicro: number }[] {
    const random = minimalRandom(7);
    const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    let log = Math.log(1_000_000);
    return Array.from({ length: days * perDay }, (_, step) => {
      log += (sigma / Math.sqrt(perDay)) * normal();
      return { atMs: step * (DAY_MS / perDay), usdMicro: Math.exp(log) };
    });
  }

  it.each([0.01, 0.069, 0.36])('is measured from a walk of %d a day within a tenth', (sigma) => {
    const measured = dailySigma(walk(sigma, 1_000, 4)) ?? 0;
    expect(Math.abs(measured / sigma - 1)).toBeLessThan(0.1);
  });

  it('does not depend on the order of the points nor on the unit', () => {
    const points = walk(0.05, 30, 2);
    const scaled = points.map((point) => ({ ...point, usdMicro: point.usdMicro * 1_000 }));
    expect(dailySigma([...points].reverse())).toBe(dailySigma(points));
    expect(dailySigma(scaled)).toBeCloseTo(dailySigma(points) ?? 0, 9);
  });

  it('is unknown with too few days, however many points they have', () => {
    const points = walk(0.05, MIN_RETURNS, 24);
    expect(dailySigma(points)).toBeNull();
    expect(dailySigma([...points, { atMs: MIN_RETURNS * DAY_MS, usdMicro: 1e6 }])).not.toBeNull();
  });

  it('spreads a move over the days of a gap', () => {
    const day = (n: number, usdMicro: number) => ({ atMs: n * DAY_MS, usdMicro });
    const flat = Array.from({ length: MIN_RETURNS }, (_, n) => day(n, 1e6));
    const after = (gap: number) => dailySigma([...flat, day(MIN_RETURNS - 1 + gap, 2e6)]) ?? 0;
    expect(after(10)).toBeLessThan(after(1));
  });
});

describe('the haircut of a token', () => {
  const sigmas = fc.double({ min: 0, max: 1, noNaN: true });
  const days = fc.double({ min: 0, max: 30, noNaN: true });

  it('is what the formula says: FIL over a day at 95 %', () => {
    expect(tokenHaircut(0.069)).toBeCloseTo(Math.exp(1.645 * 0.069) - 1, 12);
    const week = { untilSettledMs: 7 * DAY_MS, z: 1.645 };
    expect(tokenHaircut(0.069, week)).toBeCloseTo(Math.exp(1.645 * 0.069 * Math.sqrt(7)) - 1, 12);
  });

  it('never falls when volatility or the wait grows, and stays within its bounds', () => {
    fc.assert(
      fc.property(sigmas, sigmas, days, days, (a, b, x, y) => {
        const at = (sigma: number, wait: number) =>
          tokenHaircut(sigma, { untilSettledMs: wait * DAY_MS, z: 1.645 });
        const [low, high] = [
          at(Math.min(a, b), Math.min(x, y)),
          at(Math.max(a, b), Math.max(x, y)),
        ];
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(low);
        expect(high).toBeLessThanOrEqual(9);
      }),
    );
  });

  it('is nothing for fiat, measured where it is, and assumed where it is not', () => {
    const rate = { usdMicro: microUsd(1_230_000), readAtMs: 0, sources: ['a', 'b'] };
    const fx = {
      AKT: { ...rate, sigmaDaily: 0.05 },
      NEW: { ...rate, sigmaDaily: null },
    };
    expect(tokenHaircutBps(null, fx)).toBe(0);
    expect(tokenHaircutBps('AKT', fx)).toBe(Math.round(tokenHaircut(0.05) * 10_000));
    expect(tokenHaircutBps('akt', fx)).toBe(tokenHaircutBps('AKT', fx));
    for (const token of ['NEW', 'UNHEARD'])
      expect(tokenHaircutBps(token, fx)).toBe(Math.round(tokenHaircut(UNMEASURED_SIGMA) * 10_000));
  });
});
