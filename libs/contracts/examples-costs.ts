import type { EffectiveCostView } from './http-costs';

/** What an example offer's terms come to; see the other examples. */
export const exampleEffective: EffectiveCostView = {
  perJobHourMicroUsd: 2_754_625,
  checkpointEveryMs: 1_020_000,
  commitment: null,
  chargeLowMicroUsd: 10_031_250,
  chargeHighMicroUsd: 12_450_000,
  calibration: { interruption: 1.2, startUp: 1, waiting: 1 },
};
