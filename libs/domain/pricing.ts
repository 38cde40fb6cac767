import type { CalibrationSnapshot } from './calibration';
import type { CommitmentState } from './commitment';
import type { FxSnapshot } from './fx';
import type { EgressRates } from './gravity';

/** What costs depend on beyond the offer and the job. Plain data; an empty part means that nothing is known. */
export interface PricingInput {
  readonly fx: FxSnapshot;
  readonly egressPerGb: EgressRates;
  readonly calibration: CalibrationSnapshot;
  readonly commitments: readonly CommitmentState[];
}

export const NO_PRICING: PricingInput = {
  fx: {},
  egressPerGb: {},
  calibration: {},
  commitments: [],
};
