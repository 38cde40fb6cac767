import { anAttempt } from '#libs/testkit';
import type { Attempt } from './attempt';
import {
  AS_PREDICTED,
  CALIBRATION_HALF_LIFE_MS,
  calibrated,
  calibrationKey,
  factorOf,
  factorsFrom,
  lessonFrom,
  noCalibration,
  ratioOf,
  type CalibrationLesson,
  type CalibrationState,
  type Prediction,
} from './calibration';
import { courseAt } from './course';
import { costFactsOf, costTerms } from './cost';
import { NO_PRICING } from './pricing';
import type { CostTerms } from './decision';
import { microUsd, usd } from './money';
import { DEFAULT_PREFERENCES } from './policy';
import { HOUR_MS, jobOf, offerOf } from './testing/job';
import { exponential, minimalRandom } from './testing/random';

const NOW_MS = 1_000_000 * HOUR_MS;
const job = jobOf({
  durationEstimateMs: 10 * HOUR_MS,
  checkpoint: { path: 'c', intervalMs: HOUR_MS, sizeGb: 0 },
});
const offer = offerOf({ market: 'spot', interruptible: true, pricePerHour: usd(1) });
const startupMs = 0.1 * HOUR_MS;
const reliability = (meanUpHours: number) => ({
  interruptionsPerHour: 1 / meanUpHours,
  startFailureChance: 0,
  startupMs,
  recoveryWaitMs: 0,
});

/** What a decision says of the offer that believes in this mean up-time. */
function predictedAt(meanUpHours: number): { terms: CostTerms; prediction: Prediction } {
  const course = courseAt(job, reliability(meanUpHours));
  return {
    terms: costTerms(offer, job, course, reliability(meanUpHours), 0, DEFAULT_PREFERENCES),
    prediction: {
      workMs: course.workMs,
      writingMs: course.writingMs,
      startUpMs: course.changeoverMs,
      losses: course.expectedLosses,
      charge90: { low: usd(1), high: usd(100) },
      machines: 1,
      factors: AS_PREDICTED,
    },
  };
}

/** An attempt that took this long to start and ran this long. */
function attemptOf(startMs: number, ranMs: number, wanted: Partial<Attempt> = {}): Attempt {
  const startedAtMs = NOW_MS + startMs;
  return {
    ...anAttempt({ id: 'att-1', jobId: 'job-1' }),
    offer,
    phase: 'released',
    outcome: 'succeeded',
    createdAtMs: NOW_MS,
    billedFromMs: NOW_MS,
    billedToMs: startedAtMs + ranMs,
    ...wanted,
    report: {
      ...anAttempt({ id: 'att-1', jobId: 'job-1' }).report,
      startedAtMs,
      ...(wanted.outcome === 'interrupted'
        ? {}
        : { exit: { code: 0, reason: 'exited' as const, atMs: startedAtMs + ranMs } }),
    },
  };
}

const listCostOf = ({ billedFromMs, billedToMs }: Attempt) =>
  microUsd(Math.round((((billedToMs ?? 0) - (billedFromMs ?? 0)) / HOUR_MS) * usd(1)));

/** Lives of attempts at an offer whose true mean up-time is `trueHours` while `believedHours` is predicted. */
function lived(trueHours: number, believedHours: number, startMs: number, seed: number) {
  const random = minimalRandom(seed);
  const prediction = predictedAt(believedHours);
  let state: CalibrationState | null = null;
  for (let one = 0; one < 400; one += 1) {
    let leftMs = 10 * HOUR_MS;
    while (leftMs > 0) {
      const upMs = exponential(random, trueHours * HOUR_MS);
      const isLost = upMs < leftMs;
      const ranMs = isLost ? upMs : leftMs;
      const savedMs = isLost ? Math.floor(upMs / HOUR_MS) * HOUR_MS : ranMs;
      const attempt = attemptOf(startMs, ranMs, { outcome: isLost ? 'interrupted' : 'succeeded' });
      const lesson = lessonFrom({
        attempt,
        spec: job.spec,
        ...prediction,
        listCost: listCostOf(attempt),
        savedMs,
        finished: null,
      });
      if (lesson !== null) state = calibrated(state, lesson, NOW_MS);
      leftMs -= savedMs;
    }
  }
  return state ?? noCalibration(NOW_MS);
}

describe('predicted against realised', () => {
  it('is one where the market is as it was taken to be', () => {
    const state = lived(8, 8, startupMs, 3);
    for (const term of ['charge', 'interruption', 'start-up', 'waiting'] as const)
      expect(Math.abs((ratioOf(state.terms[term]) ?? 0) - 1)).toBeLessThan(0.06);
    expect(
      factorsFrom({ [calibrationKey(offer)]: state }, NOW_MS)[calibrationKey(offer)] ??
        AS_PREDICTED,
    ).toMatchObject({ startUp: 1, waiting: 1 });
  });

  it('tells a market that loses leases more often than it was taken to', () => {
    const state = lived(4, 16, startupMs, 4);
    expect(ratioOf(state.terms.interruption)).toBeGreaterThan(3);
    expect(ratioOf(state.terms.charge)).toBeGreaterThan(1.05);
    expect(factorOf(state, 'interruption', NOW_MS)).toBe(2);
    expect(factorOf(state, 'start-up', NOW_MS)).toBe(1);
  });

  it('tells slow starts, and quick ones', () => {
    expect(factorOf(lived(8, 8, 1.5 * startupMs, 5), 'start-up', NOW_MS)).toBeCloseTo(1.5, 1);
    expect(factorOf(lived(8, 8, 0.1 * startupMs, 5), 'start-up', NOW_MS)).toBe(0.5);
  });

  it('does not blame the market for work that took longer than its owner said', () => {
    const attempt = attemptOf(startupMs, 40 * HOUR_MS);
    const lesson = lessonFrom({
      attempt,
      spec: job.spec,
      ...predictedAt(1e6),
      listCost: listCostOf(attempt),
      savedMs: 0,
      finished: null,
    });
    expect(ratioOf(lesson?.terms.charge ?? none)).toBeCloseTo(1, 3);
  });

  it('takes out the calibration that a prediction was made with', () => {
    const attempt = attemptOf(startupMs, 10 * HOUR_MS);
    const { terms, prediction } = predictedAt(8);
    const given = {
      attempt,
      spec: job.spec,
      listCost: listCostOf(attempt),
      savedMs: 0,
      finished: null,
    };
    const plain = lessonFrom({ ...given, terms, prediction });
    const raised = lessonFrom({
      ...given,
      terms: { ...terms, interruption: microUsd(terms.interruption * 2) },
      prediction: { ...prediction, factors: { ...AS_PREDICTED, interruption: 2 } },
    });
    expect(raised).toEqual(plain);
  });

  it('is not told by an attempt that never ran', () => {
    const attempt = attemptOf(0, 0);
    const silent = { ...attempt, report: { ...attempt.report, startedAtMs: null } };
    expect(
      lessonFrom({
        attempt: silent,
        spec: job.spec,
        ...predictedAt(8),
        listCost: usd(1),
        savedMs: 0,
        finished: null,
      }),
    ).toBeNull();
  });

  it('counts a finished bill as inside its interval when it is, for as much work as was estimated', () => {
    const attempt = attemptOf(startupMs, 20 * HOUR_MS);
    const { terms, prediction } = predictedAt(8);
    const narrow = { ...prediction, charge90: { low: usd(9.9), high: usd(10.2) } };
    const within = (listCost: number) =>
      lessonFrom({
        attempt,
        spec: job.spec,
        terms,
        prediction,
        listCost: usd(1),
        savedMs: 0,
        finished: { listCost: usd(listCost), usefulMs: 20 * HOUR_MS, prediction: narrow },
      })?.within90;
    expect(within(20)).toBe(true);
    expect(within(19)).toBe(false);
    expect(within(21)).toBe(false);
  });
});

const none = { weight: 0, predicted: 0, realised: 0 };
const lesson = (weight: number, ratio: number): CalibrationLesson => {
  const sums = { weight, predicted: weight * 100, realised: weight * 100 * ratio };
  return {
    terms: { charge: sums, interruption: sums, 'start-up': sums, waiting: sums },
    within90: null,
  };
};

describe('the multiplier', () => {
  it('is drawn towards one while there is little evidence, and never beyond its bounds', () => {
    const after = (times: number, ratio: number) =>
      factorOf(calibrated(null, lesson(times, ratio), NOW_MS), 'start-up', NOW_MS);
    expect(factorOf(noCalibration(NOW_MS), 'start-up', NOW_MS)).toBe(1);
    expect(after(1, 2)).toBe(1.09);
    expect(after(10, 2)).toBe(1.5);
    expect(after(1_000, 1.5)).toBe(1.5);
    expect(after(1_000, 50)).toBe(2);
    expect(after(1_000, 0)).toBe(0.5);
  });

  it('fades with its evidence, by whole days', () => {
    const state = calibrated(null, lesson(10, 2), NOW_MS);
    expect(factorOf(state, 'start-up', NOW_MS + 86_399_999)).toBe(1.5);
    expect(factorOf(state, 'start-up', NOW_MS + CALIBRATION_HALF_LIFE_MS)).toBe(1.33);
    expect(factorOf(state, 'start-up', NOW_MS + 40 * CALIBRATION_HALF_LIFE_MS)).toBe(1);
  });

  it('follows what is new', () => {
    let state = calibrated(null, lesson(100, 2), NOW_MS);
    state = calibrated(state, lesson(100, 1), NOW_MS + 10 * CALIBRATION_HALF_LIFE_MS);
    expect(ratioOf(state.terms.charge)).toBeCloseTo(1, 2);
  });

  it('is on interruptions, starts and waiting, and leaves the list price alone', () => {
    const factors = { interruption: 2, startUp: 1.5, waiting: 0.5 };
    const pricing = { ...NO_PRICING, calibration: { [calibrationKey(offer)]: factors } };
    const course = courseAt(job, reliability(8));
    const priced = (facts: Parameters<typeof costTerms>[6]) =>
      costTerms(offer, job, course, reliability(8), 0, DEFAULT_PREFERENCES, facts);
    const plain = priced(undefined);
    const corrected = priced(costFactsOf(job, pricing, NOW_MS));
    expect(corrected.run).toBe(plain.run);
    expect(corrected.interruption / plain.interruption).toBeCloseTo(2, 5);
    expect(corrected['start-up'] / plain['start-up']).toBeCloseTo(1.5, 5);
    expect(corrected.waiting / plain.waiting).toBeCloseTo(0.5, 4);
  });
});
