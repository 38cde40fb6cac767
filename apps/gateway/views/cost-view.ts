import type { CalibrationView, CommitmentView, EffectiveCostView } from '#libs/contracts';
import {
  factorOf,
  leftOf,
  MS_PER_HOUR,
  ratioOf,
  type CalibratedTerm,
  type CalibrationState,
  type CommitmentState,
  type EffectiveCost,
} from '#libs/domain';
import { timeOf } from './times';

/** What follows from an offer's terms, as the API shows it; null where it was not kept. */
export function effectiveView(effective: EffectiveCost | undefined): EffectiveCostView | null {
  if (effective === undefined) return null;
  const { perJobHour, checkpointEveryMs, coverage, prediction } = effective;
  return {
    perJobHourMicroUsd: perJobHour,
    checkpointEveryMs,
    commitment: coverage?.commitment ?? null,
    chargeLowMicroUsd: prediction.charge90.low,
    chargeHighMicroUsd: prediction.charge90.high,
    calibration: { ...prediction.factors },
  };
}

export function commitmentView(state: CommitmentState, nowMs: number): CommitmentView {
  const { quantity } = state;
  return {
    name: state.name,
    provider: state.providerId,
    region: state.region,
    instanceType: state.instanceType,
    gpu: state.gpuModel,
    from: timeOf(state.fromMs),
    until: timeOf(state.untilMs),
    state: standingOf(state, nowMs),
    machines: quantity.kind === 'capacity' ? quantity.machines : null,
    hours: quantity.kind === 'hours' ? quantity.leaseMs / MS_PER_HOUR : null,
    amountMicroUsd: quantity.kind === 'amount' ? quantity.listCost : null,
    usedHours: rounded(state.usedMs / MS_PER_HOUR),
    usedMicroUsd: state.usedListCost,
    leases: state.drawing,
  };
}

function standingOf(state: CommitmentState, nowMs: number): CommitmentView['state'] {
  if (nowMs < state.fromMs) return 'upcoming';
  if (nowMs >= state.untilMs) return 'over';
  return leftOf(state, 1, nowMs) === null ? 'used-up' : 'in-force';
}

export function calibrationView(
  key: string,
  state: CalibrationState,
  nowMs: number,
): CalibrationView {
  const slash = key.lastIndexOf('/');
  const term = (name: CalibratedTerm) => {
    const ratio = ratioOf(state.terms[name]);
    return {
      ratio: ratio === null ? null : rounded(ratio),
      weight: rounded(state.terms[name].weight),
      factor: name === 'charge' ? 1 : factorOf(state, name, nowMs),
    };
  };
  return {
    provider: key.slice(0, slash),
    market: key.slice(slash + 1),
    charge: term('charge'),
    interruption: term('interruption'),
    startUp: term('start-up'),
    waiting: term('waiting'),
    within90: state.finished > 0 ? rounded(state.within90 / state.finished) : null,
    finished: rounded(state.finished),
    at: timeOf(state.asOfMs),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
