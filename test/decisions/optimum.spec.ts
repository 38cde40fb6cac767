import fc from 'fast-check';
import { greedy, sliced, unifiedCostOracle, uniformProgress } from './comparison-policies';
import { runJob } from './engine';
import type { Market } from './market';
import { optimumUsd } from './optimum';
import { sampleJob, sampleMarket } from './sample-market';
import { IDLE, type Placement, type TraceJob } from './trace-policy';

const TICKS = 5;

/** Every plan there is, by trying them all: the definition that the dynamic programme has to meet. */
function leastByTrying(job: TraceJob, market: Market): number {
  const choices: readonly Placement[] = [
    IDLE,
    ...job.candidates.flatMap((zone): Placement[] => [
      { mode: 'spot', zone },
      { mode: 'on-demand', zone },
    ]),
  ];
  const plans = choices.length ** TICKS;
  let least = Infinity;
  for (let plan = 0; plan < plans; plan += 1)
    least = Math.min(least, priceOf(plan, choices, job, market));
  return least;
}

/** What the plan costs whose choices are the digits of a number; Infinity when it cannot be had or does not get there. */
function priceOf(
  plan: number,
  choices: readonly Placement[],
  job: TraceJob,
  market: Market,
): number {
  let costUsd = 0;
  let progressS = 0;
  let before: Placement = IDLE;
  let location = -1;
  for (
    let tick = 0, rest = plan;
    tick < TICKS;
    tick += 1, rest = Math.floor(rest / choices.length)
  ) {
    const here = choices[rest % choices.length] ?? IDLE;
    if (here.mode === 'spot' && market.available[here.zone]?.[tick] !== 1) return Infinity;
    if (here.mode !== 'idle') {
      const isNew = here.mode !== before.mode || here.zone !== before.zone;
      const usdPerHour =
        here.mode === 'spot'
          ? market.spotUsdPerHour[here.zone]?.[tick]
          : market.zones[here.zone]?.onDemandUsdPerHour;
      costUsd += ((usdPerHour ?? Infinity) * market.tickS) / 3600;
      if (location !== -1 && location !== here.zone) costUsd += job.egressUsd(location, here.zone);
      progressS += market.tickS - (isNew ? job.changeoverS : 0);
      location = here.zone;
    }
    before = here;
  }
  return progressS >= job.workS ? costUsd : Infinity;
}

const availability = (ticks: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('0', '1'), minLength: ticks, maxLength: ticks });
const price = fc.integer({ min: 1, max: 16 }).map((quarters) => quarters / 4);

describe('the optimum', () => {
  it('is the least over all plans there are', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            available: availability(TICKS),
            spotUsdPerHour: price,
            onDemandUsdPerHour: price,
          }),
          { minLength: 1, maxLength: 2 },
        ),
        fc.integer({ min: 1, max: TICKS }),
        fc.constantFrom(0, 300, 900, 1200),
        fc.constantFrom(0, 0.2, 3),
        (zones, workTicks, changeoverS, egressUsd) => {
          const market = sampleMarket(zones);
          const job = sampleJob(market, {
            workS: workTicks * 900,
            deadlineS: TICKS * 900,
            changeoverS,
            egressUsd: () => egressUsd,
          });
          const least = leastByTrying(job, market);
          const found = optimumUsd(job, market);
          if (least === Infinity) expect(found).toBe(Infinity);
          else expect(found).toBeCloseTo(least, 9);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it('is not beaten by any policy that makes the deadline', () => {
    fc.assert(
      fc.property(
        fc.array(availability(40), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 4, max: 16 }),
        (zones, workTicks) => {
          const market = sampleMarket(
            zones.map((available, at) => ({ available, spotUsdPerHour: 1 + at / 2 })),
          );
          const job = sampleJob(market, {
            workS: workTicks * 900,
            deadlineS: 30 * 900,
            egressUsd: () => 0.3,
          });
          const least = optimumUsd(job, market);
          for (const policy of [greedy, uniformProgress, sliced, unifiedCostOracle]) {
            const { isLate, costUsd } = runJob(policy, job, market);
            expect(isLate).toBe(false);
            expect(costUsd).toBeGreaterThan(least - 1e-9);
          }
        },
      ),
      { numRuns: 100, seed: 7 },
    );
  });

  it('waits for cheap spot where there is time, and keeps the checkpoint where it lies', () => {
    const market = sampleMarket([
      { available: '10001111', spotUsdPerHour: 0.8 },
      { available: '11111111', spotUsdPerHour: 1.2 },
    ]);
    expect(optimumUsd(sampleJob(market), market)).toBeCloseTo(0.6, 9);
    expect(optimumUsd(sampleJob(market, { deadlineS: 5400 }), market)).toBeCloseTo(0.9, 9);
  });
});
