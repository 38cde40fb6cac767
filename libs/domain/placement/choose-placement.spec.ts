import fc from 'fast-check';
import { constantTable } from '../health/lifetimes';
import { choosePlacement, type Place, type PlacementState } from './choose-placement';
import { poolsOf, type Supply } from './market';
import { SHARED_PLAN, solveValueTable, type PlanTerms } from './value-table';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const LOOK_MS = 2 * MINUTE_MS;

const supplyOf = (id: string, usdPerHour: number, lossesPerHour: number): Supply => ({
  id,
  usdPerHour,
  arrivalUsd: 0,
  upTimes: constantTable(lossesPerHour),
  outages: constantTable(0.5),
});
const termsOf = (workHours: number, slackHours: number): PlanTerms => ({
  workMs: workHours * HOUR_MS,
  slackMs: slackHours * HOUR_MS,
  changeoverMs: 12 * MINUTE_MS,
  reliableUsdPerHour: 7,
  leaveReliableUsd: 0,
  waitingUsdPerHour: 0,
  size: SHARED_PLAN,
});

describe('pools', () => {
  it('gather what costs alike, and keep apart what does not', () => {
    const pools = poolsOf([
      supplyOf('d', 2.2, 0.1),
      supplyOf('a', 0.8, 0.1),
      supplyOf('b', 2, 0.1),
      supplyOf('c', 2.1, 0.1),
    ]);
    expect(pools.map(({ members }) => members.map(({ id }) => id))).toEqual([
      ['a'],
      ['b', 'c', 'd'],
    ]);
  });

  it('are away less than any member alone, and lose a member more often than they are away', () => {
    const [pool] = poolsOf([supplyOf('a', 2, 0.5), supplyOf('b', 2, 0.5), supplyOf('c', 2, 0.5)]);
    const awayPerHour = pool?.upTimes.hazardPerHour[0] ?? NaN;
    expect(awayPerHour).toBeLessThan(0.5);
    expect(pool?.lossesPerHour).toBeGreaterThan(awayPerHour);
  });
});

describe('the value of a state', () => {
  const pools = poolsOf([supplyOf('a', 2, 0.2)]);
  const table = solveValueTable(pools, termsOf(20, 8));
  const up = table.marketState([{ isUp: true, ageMs: HOUR_MS }]);
  const down = table.marketState([{ isUp: false, ageMs: HOUR_MS }]);

  it('falls with slack, grows with work, and lies between all cheap and all reliable', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 19, noNaN: true }),
        fc.double({ min: 0.5, max: 7, noNaN: true }),
        (work, slack) => {
          const at = (w: number, s: number, market: number) =>
            table.after(w * HOUR_MS, s * HOUR_MS, market, 'idle');
          const usd = at(work, slack, up);
          expect(at(work, slack + 0.5, up)).toBeLessThanOrEqual(usd + 1e-3);
          expect(at(work + 0.5, slack, up)).toBeGreaterThanOrEqual(usd - 1e-3);
          expect(at(work, slack, down)).toBeGreaterThanOrEqual(usd - 1e-3);
          expect(usd).toBeGreaterThanOrEqual(2 * work - 1e-3);
          expect(usd).toBeLessThanOrEqual(7 * (work + 1.2));
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });

  it('agrees with the sum of the bills where nothing is ever lost', () => {
    const steady = solveValueTable(poolsOf([supplyOf('a', 2, 0)]), termsOf(10, 2));
    const market = steady.marketState([{ isUp: true, ageMs: HOUR_MS }]);
    expect(steady.after(10 * HOUR_MS, HOUR_MS, market, 0)).toBeCloseTo(20, 2);
  });
});

/** A market that does its worst: an adversary takes everything away whenever it likes, and the deadline is kept all the same. */
it('keeps every deadline that can be kept, whatever the market does', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 200 }),
      fc.integer({ min: 6, max: 80 }),
      fc.array(fc.boolean(), { minLength: 300, maxLength: 300 }),
      (workLooks, slackLooks, isUpAt) => {
        const changeoverMs = 12 * MINUTE_MS;
        const workMs = workLooks * LOOK_MS;
        const remainingMs = workMs + slackLooks * LOOK_MS;
        const table = solveValueTable(poolsOf([supplyOf('a', 1, 0.05)]), {
          ...termsOf(1, 1),
          workMs,
          slackMs: remainingMs - workMs,
          size: { workSteps: 20, slackCells: 20, marketStates: 20 },
        });
        let place: Place = { at: 'nowhere' };
        let leftMs = workMs;
        let launchMs = 0;
        let nowMs = 0;
        for (let look = 0; leftMs > 0 && nowMs < remainingMs; look += 1) {
          const isUp = isUpAt[look % isUpAt.length] ?? false;
          if (place.at === 'supply' && !isUp) place = { at: 'nowhere' };
          const now = { isAvailable: isUp, ageMs: 0 };
          const state: PlacementState = {
            workLeftMs: leftMs,
            remainingMs: remainingMs - nowMs,
            place,
            isFromReliable: false,
            changeoverLeftMs: place.at === 'nowhere' ? 0 : launchMs,
            supply: () => now,
            pool: () => now,
            moveUsd: () => 0,
            lookMs: LOOK_MS,
          };
          const next = choosePlacement(table, state).place;
          if (next.at !== place.at && next.at !== 'nowhere') launchMs = changeoverMs;
          place = next;
          if (place.at !== 'nowhere') {
            const worked = Math.max(0, LOOK_MS - launchMs);
            launchMs = Math.max(0, launchMs - LOOK_MS);
            leftMs -= worked;
          }
          nowMs += LOOK_MS;
        }
        expect(leftMs).toBeLessThanOrEqual(0);
      },
    ),
    { seed: 11, numRuns: 60 },
  );
});
