import fc from 'fast-check';
import type { AttemptPhase } from './attempt';
import {
  affordableMs,
  attemptCost,
  billedMs,
  leaseCost,
  nextAccrual,
  type Accrual,
  type Accrued,
} from './billing';
import { microUsd, usd, ZERO_USD } from './money';
import { HOUR_MS, offerOf } from './testing/job';

const terms = fc.record({
  incrementMs: fc.constantFrom(1, 1_000, 6_098, 60_000, HOUR_MS),
  minimumMs: fc.constantFrom(0, 1, 60_000, HOUR_MS, 90_000_000),
});
/** From a tenth of a cent to two thousand dollars an hour. */
const price = fc.integer({ min: 1_000, max: 2_000_000_000 }).map(microUsd);
const durationMs = fc.integer({ min: 0, max: 2_000 * HOUR_MS });

describe('billed time', () => {
  it('is at least the lease and the minimum, in whole increments, and no more than one above', () => {
    fc.assert(
      fc.property(durationMs, terms, (lease, billing) => {
        const billed = billedMs(lease, billing);
        const least = Math.max(lease, billing.minimumMs);
        expect(billed % billing.incrementMs).toBe(0);
        expect(billed).toBeGreaterThanOrEqual(least);
        expect(billed).toBeLessThan(least + billing.incrementMs);
      }),
    );
  });
});

describe('what a budget buys', () => {
  it('is the longest lease that it pays for: an increment more would be too dear', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e12 }).map(microUsd),
        price,
        terms,
        (budget, each, billing) => {
          const longest = affordableMs(budget, each, billing);
          if (longest > 0) expect(leaseCost(each, longest, billing)).toBeLessThanOrEqual(budget);
          const next = longest === 0 ? billing.minimumMs : longest + 1;
          expect(leaseCost(each, Math.max(1, next), billing)).toBeGreaterThan(budget);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is unlimited where nothing is charged', () => {
    expect(affordableMs(ZERO_USD, ZERO_USD, { incrementMs: 1, minimumMs: 0 })).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });
});

describe('the slices of an attempt', () => {
  it('add up to its cost wherever it is cut, follow one another, and end once', () => {
    const life = fc.record({
      billing: terms,
      pricePerHour: price,
      fromMs: fc.integer({ min: 0, max: 1e12 }),
      lastsMs: durationMs,
      cuts: fc.array(fc.double({ min: 0, max: 1.5, noNaN: true }), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(life, ({ billing, pricePerHour, fromMs, lastsMs, cuts }) => {
        const offer = offerOf({ billing, pricePerHour });
        const endMs = fromMs + lastsMs;
        const slices: Accrual[] = [];
        let accrued: Accrued = { entries: 0, amount: ZERO_USD, toMs: null, final: false };
        const book = (phase: AttemptPhase, billedToMs: number | null, nowMs: number) => {
          const attempt = { offer, phase, billedFromMs: fromMs, billedToMs };
          const slice = nextAccrual(attempt, accrued, nowMs);
          if (slice === null) return;
          slices.push(slice);
          accrued = {
            entries: accrued.entries + 1,
            amount: microUsd(accrued.amount + slice.amount),
            toMs: slice.toMs,
            final: slice.final,
          };
        };
        for (const cut of [...cuts].sort((a, b) => a - b).filter((each) => each < 1))
          book('running', null, Math.floor(fromMs + cut * lastsMs));
        book('released', endMs, endMs + 5_000);
        book('released', endMs, endMs + 9_000);
        const total = slices.reduce((sum, { amount }) => sum + amount, 0);
        expect(total).toBe(attemptCost({ offer, billedFromMs: fromMs, billedToMs: endMs }, endMs));
        expect(slices.map(({ sequence }) => sequence)).toEqual(slices.map((_, index) => index));
        expect(slices.filter(({ final }) => final)).toEqual(slices.slice(-1));
        slices.forEach((slice, index) => {
          expect(slice.amount).toBeGreaterThanOrEqual(0);
          expect(slice.fromMs).toBe(index === 0 ? fromMs : slices[index - 1]?.toMs);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('are none while no lease was asked for', () => {
    const attempt = {
      offer: offerOf({}),
      phase: 'planned' as const,
      billedFromMs: null,
      billedToMs: null,
    };
    const nothing = { entries: 0, amount: ZERO_USD, toMs: null, final: false };
    expect(attemptCost(attempt, 1)).toBe(0);
    expect(nextAccrual(attempt, nothing, 1)).toBeNull();
  });

  it('charge the minimum from the first moment', () => {
    const offer = offerOf({
      pricePerHour: usd(2),
      billing: { incrementMs: 1, minimumMs: HOUR_MS },
    });
    expect(attemptCost({ offer, billedFromMs: 0, billedToMs: null }, 0)).toBe(usd(2));
  });
});
