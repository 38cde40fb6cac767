import { leaseCost, type BillingTerms } from './billing';
import {
  temporaryRejections,
  type CostTermName,
  type DecisionSummary,
  type NearestMiss,
} from './decision';
import type { JobSpec } from './job';
import { MS_PER_HOUR, microUsd, sumUsd, type MicroUsd } from './money';

/** What is charged in the end; the other terms weigh risks and waiting. */
const chargedTerms: readonly CostTermName[] = [
  'run',
  'interruption',
  'start-up',
  'egress',
  'token-risk',
];

/** Refused offers are kept without their billing terms; whole hours are the coarsest that are common. */
const ASSUMED_BILLING: BillingTerms = { incrementMs: MS_PER_HOUR, minimumMs: MS_PER_HOUR };

/** What a plan says about a job's price. */
export interface PricedPlan {
  readonly summary: Pick<DecisionSummary, 'ranked' | 'baseline'>;
  readonly rejected: readonly Pick<NearestMiss, 'pricePerHour' | 'reasons'>[];
}

type PricedSpec = Pick<JobSpec, 'durationEstimateMs' | 'budget'>;

/**
 * What a budget sets aside for a job: what the best offer is expected to charge, else what the cheapest would that is refused only
 * for reasons that pass, never more than the job may cost. Where there is neither, all that the job may cost, and null when
 * that is unlimited.
 */
export function expectedCharge(spec: PricedSpec, plan: PricedPlan): MicroUsd | null {
  const { maxCost } = spec.budget;
  const charge = chargeOfBest(plan) ?? chargeOfAwaited(spec, plan);
  if (charge === null || maxCost === null) return charge ?? maxCost;
  return microUsd(Math.min(charge, maxCost));
}

function chargeOfBest({ summary }: PricedPlan): MicroUsd | null {
  const best = summary.ranked[0];
  return best === undefined ? null : sumUsd(chargedTerms.map((name) => best.terms[name]));
}

/** The baseline is one of these offers: without any ranked ones it is sold out or suspended itself. */
function chargeOfAwaited(
  { durationEstimateMs }: PricedSpec,
  { summary: { baseline }, rejected }: PricedPlan,
): MicroUsd | null {
  const charges = rejected
    .filter(({ reasons }) => reasons.every(({ code }) => temporaryRejections.has(code)))
    .map(({ pricePerHour }) => leaseCost(pricePerHour, durationEstimateMs, ASSUMED_BILLING));
  if (baseline !== null)
    charges.push(leaseCost(baseline.pricePerHour, durationEstimateMs, baseline.billing));
  return charges.length === 0 ? null : microUsd(Math.min(...charges));
}
