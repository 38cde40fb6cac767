import { greedy, spotOnly, uniformProgress } from './comparison-policies';
import { runJob } from './engine';
import { sampleJob, sampleMarket } from './sample-market';
import {
  IDLE,
  type MarketHistory,
  type Placement,
  type TracePolicy,
  type TraceView,
} from './trace-policy';

/** A policy that follows a script, tick by tick from the job's start, and idles after it. */
function scripted(
  places: readonly Placement[],
  seen?: (view: TraceView, history: MarketHistory) => void,
): TracePolicy {
  return {
    name: 'scripted',
    begin: ({ startTick }, history) => ({
      decide: (view) => {
        seen?.(view, history);
        return places[view.tick - startTick] ?? IDLE;
      },
    }),
  };
}

const spot = (zone: number): Placement => ({ mode: 'spot', zone });
const onDemand = (zone: number): Placement => ({ mode: 'on-demand', zone });

describe('a run', () => {
  it('bills whole ticks and works in what the changeover leaves of them', () => {
    const market = sampleMarket([{ available: '1111' }]);
    const job = sampleJob(market, { changeoverS: 600, workS: 1000 });
    const result = runJob(spotOnly, job, market);
    // 300 s in the first tick, 700 s of the second, which is billed in full.
    expect(result).toMatchObject({ costUsd: 0.5, endS: 1800, usefulS: 1000, spotS: 1800 });
  });

  it('loses the zone when it becomes unavailable, and starts over with a changeover', () => {
    const market = sampleMarket([{ available: '101111' }]);
    const result = runJob(spotOnly, sampleJob(market), market);
    expect(result).toMatchObject({ costUsd: 1, endS: 4500, launches: 2, preemptions: 1 });
  });

  it('idles where spot is asked for and there is none', () => {
    const market = sampleMarket([{ available: '0111' }]);
    const result = runJob(scripted([spot(0), spot(0)]), sampleJob(market), market);
    expect(result).toMatchObject({ costUsd: 0.25, launches: 1, preemptions: 0 });
  });

  it('replaces a changeover under way by the next instead of adding to it', () => {
    const market = sampleMarket([{ available: '1111' }, { available: '1111' }]);
    const left: number[] = [];
    const policy = scripted([spot(0), spot(1), spot(1), spot(1)], ({ changeoverLeftS }) =>
      left.push(changeoverLeftS),
    );
    const result = runJob(policy, sampleJob(market, { changeoverS: 1500 }), market);
    expect(left).toEqual([0, 600, 600, 0]);
    expect(result.launches).toBe(2);
  });

  it('charges egress for every change of zone but the first placement, idle time between or not', () => {
    const market = sampleMarket([{ available: '1111' }, { available: '1111' }]);
    const job = sampleJob(market, { egressUsd: (from, to) => (from === 0 && to === 1 ? 7 : 0.5) });
    const result = runJob(scripted([spot(0), IDLE, spot(1), onDemand(0)]), job, market);
    expect(result).toMatchObject({ egressUsd: 7.5, migrations: 2, launches: 3 });
  });

  it('starts over when the mode changes in the same zone, without egress', () => {
    const market = sampleMarket([{ available: '1111' }]);
    const job = sampleJob(market, { egressUsd: () => 7 });
    const result = runJob(scripted([spot(0), onDemand(0)]), job, market);
    expect(result).toMatchObject({ egressUsd: 0, migrations: 0, launches: 2, onDemandS: 900 });
  });

  it.each([
    ['at the deadline is in time', 2700, false],
    ['a second after it is late', 2699, true],
  ])('that ends %s', (_when, deadlineS, isLate) => {
    const market = sampleMarket([{ available: '1111' }]);
    expect(runJob(spotOnly, sampleJob(market, { deadlineS }), market).isLate).toBe(isLate);
  });

  it('that the trace ends before the work is unfinished and late', () => {
    const market = sampleMarket([{ available: '11' }]);
    const result = runJob(spotOnly, sampleJob(market), market);
    expect(result).toMatchObject({ isFinished: false, isLate: true, usefulS: 900 });
  });

  it('shows the past from before the start, and refuses to show the future', () => {
    const market = sampleMarket([{ available: '011111' }]);
    const seen: boolean[] = [];
    const policy = scripted([spot(0), spot(0), spot(0)], ({ tick }, history) => {
      seen.push(history.isAvailable(0, 0));
      expect(() => history.isAvailable(0, tick + 1)).toThrow(RangeError);
      expect(() => history.spotUsdPerHour(0, tick + 1)).toThrow(RangeError);
    });
    runJob(policy, sampleJob(market, { startTick: 2 }), market);
    expect(seen).toEqual([false, false, false]);
  });

  it('refuses a placement on demand in a zone that sells none', () => {
    const market = sampleMarket([{ available: '11', onDemandUsdPerHour: Infinity }]);
    expect(() => runJob(scripted([onDemand(0)]), sampleJob(market), market)).toThrow(RangeError);
  });

  it('takes the prediction after the first decision', () => {
    const market = sampleMarket([{ available: '1111' }]);
    const policy: TracePolicy = {
      name: 'predicts',
      begin: (_job, { spotIn }) => {
        let predicted = 0;
        return {
          decide: ({ tick }) => {
            predicted = tick === 0 ? 0.8 : 99;
            return spotIn[0] ?? IDLE;
          },
          get predictedCostUsd() {
            return predicted;
          },
        };
      },
    };
    expect(runJob(policy, sampleJob(market), market).predictedCostUsd).toBe(0.8);
  });
});

describe('the safety net', () => {
  it('goes on demand from idle while two changeovers still fit', () => {
    const market = sampleMarket([{ available: '00000000' }]);
    const result = runJob(greedy, sampleJob(market), market);
    // Four ticks are needed at the most, so on-demand starts with four ticks to go and takes three.
    expect(result).toMatchObject({ costUsd: 3, endS: 6300, isLate: false });
  });

  it('leaves a spot run alone while what is left fits', () => {
    const market = sampleMarket([{ available: '11111111' }]);
    const result = runJob(greedy, sampleJob(market, { workS: 4500 }), market);
    expect(result).toMatchObject({ onDemandS: 0, isLate: false });
  });

  it('falls back to the cheapest zone that sells on demand', () => {
    const market = sampleMarket([
      { available: '00000000', onDemandUsdPerHour: 8 },
      { available: '00000000', onDemandUsdPerHour: 6 },
    ]);
    expect(runJob(greedy, sampleJob(market), market).costUsd).toBe(4.5);
  });
});

describe('Uniform Progress', () => {
  it('stays on demand until it is ahead by the way there and back, then takes spot', () => {
    const market = sampleMarket([{ available: '0000111111111111' }]);
    const job = sampleJob(market, { workS: 5400, deadlineS: 16 * 900 });
    const result = runJob(uniformProgress, job, market);
    // Behind at tick 1: on demand. Ahead of the line two changeovers on at tick 5: spot, which needs four ticks more.
    expect(result).toMatchObject({ onDemandS: 3600, spotS: 3600, launches: 2, isLate: false });
  });
});
