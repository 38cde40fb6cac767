import fc from 'fast-check';
import {
  greedy,
  sliced,
  uniformProgress,
  uniformProgressPlain,
  uniformProgressSteadiest,
} from './comparison-policies';
import { runJob } from './engine';
import { ours } from './ours';
import { sampleJob, sampleMarket } from './sample-market';
import type { Placement, TracePolicy } from './trace-policy';

const TICKS = 60;
const START = 10;

/** Where a policy was, tick by tick. */
function placesOf(policy: TracePolicy, series: readonly string[]): readonly Placement[] {
  const market = sampleMarket(
    series.map((available, at) => ({ available, spotUsdPerHour: 1 + at })),
  );
  const places: Placement[] = [];
  const watched: TracePolicy = {
    name: policy.name,
    begin: (job, history) => {
      const run = policy.begin(job, history);
      return {
        decide: (view) => {
          const { mode, zone } = run.decide(view);
          places.push({ mode, zone });
          return { mode, zone };
        },
      };
    },
  };
  const job = sampleJob(market, { startTick: START, workS: 16 * 900, deadlineS: 40 * 900 });
  runJob(watched, job, market);
  return places;
}

const series = fc.string({ unit: fc.constantFrom('0', '1'), minLength: TICKS, maxLength: TICKS });

describe.each([
  greedy,
  sliced,
  uniformProgress,
  uniformProgressPlain,
  uniformProgressSteadiest,
  ours,
])('$name', (policy) => {
  it('decides the same whatever comes after', () => {
    fc.assert(
      fc.property(
        fc.array(series, { minLength: 2, maxLength: 2 }),
        fc.array(series, { minLength: 2, maxLength: 2 }),
        fc.integer({ min: 1, max: 30 }),
        (past, future, known) => {
          const cut = START + known;
          const other = past.map((one, at) => one.slice(0, cut) + (future[at] ?? one).slice(cut));
          const told = placesOf(policy, past).slice(0, known);
          const toldOther = placesOf(policy, other).slice(0, known);
          expect(toldOther).toEqual(told);
        },
      ),
      { numRuns: 15, seed: 7 },
    );
  });
});
