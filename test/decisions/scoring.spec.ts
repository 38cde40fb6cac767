import { spotOnly } from './comparison-policies';
import { runJob, type RunResult } from './engine';
import { sampleJob, sampleMarket } from './sample-market';
import { bestSound, differenceOf, percentile, scorePolicy, type JobScore } from './scoring';

const market = sampleMarket([{ available: '1111' }]);
const template = runJob(spotOnly, sampleJob(market), market);

function scored(costs: Readonly<Record<string, Partial<RunResult>>>, optimumUsd = 1): JobScore {
  return {
    jobId: 'job',
    group: 'public',
    workS: 1800,
    deadlineS: 7200,
    optimumUsd,
    runs: Object.fromEntries(
      Object.entries(costs).map(([policy, changes]) => [
        policy,
        { result: { ...template, ...changes }, isViolation: false },
      ]),
    ),
  };
}

describe('a score', () => {
  it('takes regret over all jobs, so that small ones do not dominate', () => {
    const jobs = [scored({ a: { costUsd: 2 } }, 1), scored({ a: { costUsd: 99 } }, 99)];
    expect(scorePolicy(jobs, 'a').regretPct).toBeCloseTo(1, 9);
  });

  it('counts billed hours without useful work as wasted', () => {
    // Three ticks billed, two of work.
    expect(scorePolicy([scored({ a: {} })], 'a').wastedH).toBeCloseTo(0.25, 9);
  });

  it('holds predictions against what was paid, over the runs that made one', () => {
    const jobs = [
      scored({ a: { costUsd: 3, predictedCostUsd: 2 } }),
      scored({ a: { costUsd: 1, predictedCostUsd: 2 } }),
      scored({ a: { costUsd: 50, predictedCostUsd: null } }),
    ];
    expect(scorePolicy(jobs, 'a').calibration).toEqual({
      runs: 2,
      ratio: 1,
      spread: [0.5, 0.5, 1.5],
    });
  });

  it('takes for the best reference only one that is never late', () => {
    const jobs = [scored({ cheap: { costUsd: 1, isLate: true }, dear: { costUsd: 5 } })];
    expect(bestSound(jobs, ['cheap', 'dear'])).toBe('dear');
    expect(bestSound(jobs, ['cheap'])).toBeNull();
  });
});

describe('a difference', () => {
  it('lies in its interval, which is the same every time', () => {
    const jobs = Array.from({ length: 40 }, (_, at) =>
      scored({ ours: { costUsd: 10 }, other: { costUsd: 10 + (at % 5) } }),
    );
    const difference = differenceOf(jobs, 'ours', 'other');
    expect(difference.usd).toBe(-80);
    expect(difference.lowUsd).toBeLessThan(-80);
    expect(difference.highUsd).toBeGreaterThan(-80);
    expect(difference.highUsd).toBeLessThan(0);
    expect(differenceOf(jobs, 'ours', 'other')).toEqual(difference);
  });

  it('has an interval of no width where all jobs differ alike', () => {
    const jobs = Array.from({ length: 4 }, () => scored({ a: { costUsd: 3 }, b: { costUsd: 2 } }));
    expect(differenceOf(jobs, 'a', 'b')).toMatchObject({ usd: 4, lowUsd: 4, highUsd: 4 });
  });
});

describe('a percentile', () => {
  it.each([
    [0.05, 1],
    [0.5, 2],
    [0.95, 4],
  ])('at %d is the nearest rank', (share, value) => {
    expect(percentile([4, 2, 1, 3], share)).toBe(value);
  });
});
