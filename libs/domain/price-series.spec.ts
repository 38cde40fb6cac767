import fc from 'fast-check';
import { asOfferId } from './ids';
import { usd } from './money';
import {
  dayStart,
  PRICE_DAY_MS,
  priceDays,
  priceStatistics,
  type PricePoint,
} from './price-series';

const HOUR_MS = 3_600_000;
const offerId = asOfferId('acme/north/a/spot');
const at = (day: number, hour: number): number => day * PRICE_DAY_MS + hour * HOUR_MS;
const point = (atMs: number, price: number | null): PricePoint => ({
  offerId,
  atMs,
  pricePerHour: price === null ? null : usd(price),
});

describe('the days of a price', () => {
  it('weigh each price by how long it was in force, beginning with the one from before', () => {
    const points = [point(at(0, 12), 5), point(at(1, 2), 1), point(at(1, 4), 3)];
    expect(priceDays(points, at(2, 0))).toMatchObject([
      { dayMs: at(0, 0), min: usd(5), median: usd(5), max: usd(5), close: usd(5), changes: 1 },
      { dayMs: at(1, 0), min: usd(1), median: usd(3), max: usd(5), close: usd(3), changes: 2 },
    ]);
  });

  it('leave out the day that is not over, and days without a change', () => {
    const points = [point(at(0, 1), 1), point(at(5, 1), 2), point(at(6, 1), 3)];
    const days = priceDays(points, at(6, 12)).map(({ dayMs }) => dayMs);
    expect(days).toEqual([at(0, 0), at(5, 0)]);
  });

  it('know when an offer was no longer sold', () => {
    const points = [point(at(0, 0), 1), point(at(0, 6), null)];
    expect(priceDays(points, at(1, 0))).toMatchObject([{ median: usd(1), close: null }]);
    expect(priceDays([point(at(0, 0), null)], at(1, 0))).toEqual([]);
  });

  it('keep the middle between the lowest and the highest, and count every change once', () => {
    const points = fc
      .uniqueArray(fc.integer({ min: 0, max: at(9, 0) }), { maxLength: 40 })
      .chain((times) =>
        fc.tuple(
          ...[...times]
            .sort((a, b) => a - b)
            .map((atMs) =>
              fc.option(fc.integer({ min: 1, max: 99 })).map((price) => point(atMs, price)),
            ),
        ),
      );
    fc.assert(
      fc.property(points, (series) => {
        const days = priceDays(series, at(10, 0));
        for (const { min, median, max, dayMs } of days) {
          expect(min <= median && median <= max).toBe(true);
          expect(dayMs).toBe(dayStart(dayMs));
        }
        const counted = days.reduce((total, { changes }) => total + changes, 0);
        expect(counted).toBeLessThanOrEqual(series.length);
      }),
    );
  });
});

describe('statistics of a price', () => {
  it('are nothing where the offer was not sold', () => {
    expect(priceStatistics([], 0, 10)).toBeNull();
    expect(priceStatistics([point(0, null)], 0, 10)).toBeNull();
  });

  it('count quiet days as quiet', () => {
    const flat = priceStatistics([point(0, 2)], 0, at(10, 0));
    expect(flat).toMatchObject({ min: usd(2), median: usd(2), max: usd(2), sigmaDaily: 0 });
    const once = priceStatistics([point(0, 2), point(at(5, 0), 4)], 0, at(10, 0));
    expect(once?.changes).toBe(1);
    expect(once?.sigmaDaily).toBeCloseTo(Math.log(2) / 3, 9);
  });
});
