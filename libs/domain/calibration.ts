import type { Attempt } from './attempt';
import type { JobSpec } from './job';
import { MS_PER_HOUR, type MicroUsd } from './money';
import type { Offer } from './offer';

/** How much more than predicted each part has come to, as multipliers of later predictions; 1 is as predicted. */
export interface CalibrationFactors {
  readonly interruption: number;
  readonly startUp: number;
  readonly waiting: number;
}

export const AS_PREDICTED: CalibrationFactors = { interruption: 1, startUp: 1, waiting: 1 };

/** Multipliers by `provider/market`; absent is as predicted. */
export type CalibrationSnapshot = Readonly<Record<string, CalibrationFactors>>;

export function calibrationKey({
  providerId,
  market,
}: Pick<Offer, 'providerId' | 'market'>): string {
  return `${providerId}/${market}`;
}

/** What was predicted of the work at an offer, as it stands beside the offer in a decision. */
export interface Prediction {
  readonly workMs: number;
  readonly writingMs: number;
  /** Before the calibration of that day, as are the losses. */
  readonly startUpMs: number;
  readonly losses: number;
  /** Nine in ten bills for the compute are expected to lie between these, all machines together. */
  readonly charge90: { readonly low: MicroUsd; readonly high: MicroUsd };
  readonly machines: number;
  /** The multipliers that are in the terms. */
  readonly factors: CalibrationFactors;
}

/** `charge` is the sum of run, interruption and start-up. `waiting` is counted in ms, all others in micro-dollars. */
export const calibratedTerms = ['charge', 'interruption', 'start-up', 'waiting'] as const;
export type CalibratedTerm = (typeof calibratedTerms)[number];

/** Predicted beside realised; `weight` is in attempts, for interruption in losses that were expected. */
export interface TermSums {
  readonly weight: number;
  readonly predicted: number;
  readonly realised: number;
}

/** What is known of one provider's market. Sums fade: half of their weight is gone after `CALIBRATION_HALF_LIFE_MS`. */
export interface CalibrationState {
  /** As of when the sums are weighted, epoch ms. */
  readonly asOfMs: number;
  readonly terms: { readonly [T in CalibratedTerm]: TermSums };
  /** Finished jobs, and those whose bill lay within the interval that was expected to hold nine in ten. */
  readonly finished: number;
  readonly within90: number;
}

/** What one ended attempt adds. */
export interface CalibrationLesson {
  readonly terms: { readonly [T in CalibratedTerm]: TermSums };
  /** Whether the finished job's bill lay within its interval; null for an attempt that finished none. */
  readonly within90: boolean | null;
}

export const CALIBRATION_HALF_LIFE_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;
/** What the prediction itself is worth, in the unit of each weight: ten attempts, five losses. */
const PREDICTION_WORTH: { readonly [T in CalibratedTerm]: number } = {
  charge: 10,
  interruption: 5,
  'start-up': 10,
  waiting: 10,
};
/** However wrong predictions have been, they are corrected by no more than this. */
export const FACTOR_BOUNDS = { min: 0.5, max: 2 } as const;
const NOTHING: TermSums = { weight: 0, predicted: 0, realised: 0 };

export function noCalibration(asOfMs: number): CalibrationState {
  const terms = { charge: NOTHING, interruption: NOTHING, 'start-up': NOTHING, waiting: NOTHING };
  return { asOfMs, terms, finished: 0, within90: 0 };
}

/** The sums with what one attempt has taught. A lesson that comes late counts as if it came when the last one did. */
export function calibrated(
  state: CalibrationState | null,
  lesson: CalibrationLesson,
  nowMs: number,
): CalibrationState {
  const before = state ?? noCalibration(nowMs);
  const fade = fadeOver(nowMs - before.asOfMs);
  const judged = lesson.within90 === null ? 0 : 1;
  return {
    asOfMs: Math.max(nowMs, before.asOfMs),
    terms: eachTerm((term) => added(before.terms[term], fade, lesson.terms[term])),
    finished: before.finished * fade + judged,
    within90: before.within90 * fade + (lesson.within90 === true ? 1 : 0),
  };
}

function fadeOver(elapsedMs: number): number {
  return 0.5 ** (Math.max(0, elapsedMs) / CALIBRATION_HALF_LIFE_MS);
}

function added(sums: TermSums, fade: number, more: TermSums): TermSums {
  return {
    weight: sums.weight * fade + more.weight,
    predicted: sums.predicted * fade + more.predicted,
    realised: sums.realised * fade + more.realised,
  };
}

function eachTerm(of: (term: CalibratedTerm) => TermSums): CalibrationState['terms'] {
  return {
    charge: of('charge'),
    interruption: of('interruption'),
    'start-up': of('start-up'),
    waiting: of('waiting'),
  };
}

/** Realised over predicted, or null where nothing was predicted. */
export function ratioOf({ predicted, realised }: TermSums): number | null {
  return predicted > 0 ? realised / predicted : null;
}

/**
 * The multiplier of a term: its ratio, drawn towards 1 as long as there is little evidence, (n r + k) / (n + k), within
 * `FACTOR_BOUNDS` and to two decimals. Evidence fades by whole days, so that a decision that is made again within a day is the same.
 */
export function factorOf(state: CalibrationState, term: CalibratedTerm, nowMs: number): number {
  const ratio = ratioOf(state.terms[term]);
  if (ratio === null) return 1;
  const days = Math.floor(Math.max(0, nowMs - state.asOfMs) / DAY_MS);
  const weight = state.terms[term].weight * fadeOver(days * DAY_MS);
  const worth = PREDICTION_WORTH[term];
  const drawn = (weight * ratio + worth) / (weight + worth);
  const bounded = Math.min(FACTOR_BOUNDS.max, Math.max(FACTOR_BOUNDS.min, drawn));
  return Math.round(bounded * 100) / 100;
}

/** The multipliers that decisions use at `nowMs`. Markets that are as predicted are left out. */
export function factorsFrom(
  states: Readonly<Record<string, CalibrationState>>,
  nowMs: number,
): CalibrationSnapshot {
  const factors: Record<string, CalibrationFactors> = {};
  for (const [key, state] of Object.entries(states)) {
    const interruption = factorOf(state, 'interruption', nowMs);
    const startUp = factorOf(state, 'start-up', nowMs);
    const waiting = factorOf(state, 'waiting', nowMs);
    if (interruption !== 1 || startUp !== 1 || waiting !== 1)
      factors[key] = { interruption, startUp, waiting };
  }
  return factors;
}

/** What an attempt was expected to be, and what has become of it. */
export interface Realised {
  readonly attempt: Attempt;
  readonly spec: JobSpec;
  /** As predicted. */
  readonly terms: { readonly interruption: MicroUsd };
  readonly prediction: Prediction;
  /** Of the attempt's lease, at the quoted price. */
  readonly listCost: MicroUsd;
  /** How much of its run survived it, ms. */
  readonly savedMs: number;
  /**
   * For the attempt that finished the job, where every lease of the job was in this market: the list cost of all, and the first
   * one's prediction. Null otherwise.
   */
  readonly finished: {
    readonly listCost: MicroUsd;
    readonly usefulMs: number;
    readonly prediction: Prediction;
  } | null;
}

/**
 * What one ended attempt says about the predictions for its market, or null when it never ran. Work that took longer than its
 * owner estimated is no fault of the provider: everything is compared for the work that was really done.
 */
export function lessonFrom(realised: Realised): CalibrationLesson | null {
  const { attempt, prediction, listCost, terms, finished } = realised;
  const { startedAtMs } = attempt.report;
  if (startedAtMs === null || attempt.billedFromMs === null || prediction.workMs <= 0) return null;
  const perMs = attempt.offer.pricePerHour / MS_PER_HOUR;
  const startMs = Math.max(0, startedAtMs - attempt.billedFromMs);
  const usefulMs = usefulOf(realised);
  const share = usefulMs / prediction.workMs;
  const useful = perMs * usefulMs;
  const expectedStart = perMs * prediction.startUpMs;
  const overhead = Math.max(0, listCost - perMs * startMs - useful);
  const interruption = {
    weight: prediction.losses * share,
    predicted:
      (terms.interruption / (prediction.factors.interruption * prediction.machines)) * share,
    // A loss costs another start besides what it destroys; how long that takes is not this lease's doing.
    realised: overhead + (isLoss(attempt) ? expectedStart : 0),
  };
  const startUp = { weight: 1, predicted: expectedStart, realised: perMs * startMs };
  return {
    terms: {
      charge: {
        weight: 1,
        predicted: useful + interruption.predicted + startUp.predicted,
        realised: useful + interruption.realised + startUp.realised,
      },
      interruption,
      'start-up': startUp,
      waiting: {
        weight: 1,
        predicted: prediction.startUpMs,
        realised: Math.max(0, startedAtMs - attempt.createdAtMs),
      },
    },
    within90: finished === null ? null : isWithin90(finished),
  };
}

function isLoss({ outcome }: Attempt): boolean {
  return outcome === 'interrupted' || outcome === 'went-silent';
}

/** The work that the attempt has left behind: all of its run but the writing of checkpoints, or what survived a loss. */
function usefulOf({ attempt, prediction, savedMs }: Realised): number {
  const { startedAtMs, exit } = attempt.report;
  if (startedAtMs === null) return 0;
  const endedMs = exit?.atMs ?? attempt.billedToMs ?? startedAtMs;
  const keptMs = isLoss(attempt) ? savedMs : Math.max(0, endedMs - startedAtMs);
  return keptMs * workShareOf(prediction);
}

/** How much of a run is work rather than saving it. */
export function workShareOf({ workMs, writingMs }: Prediction): number {
  return workMs / Math.max(1, workMs + writingMs);
}

/** The bill for as much work as was estimated, against the interval that was expected for it. */
function isWithin90({
  listCost,
  usefulMs,
  prediction,
}: NonNullable<Realised['finished']>): boolean {
  if (usefulMs <= 0) return false;
  const scaled = (listCost * prediction.workMs) / usefulMs;
  return scaled >= prediction.charge90.low && scaled <= prediction.charge90.high;
}
