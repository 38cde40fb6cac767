import type { FeasibilityView } from '#libs/contracts';
import { remedies, renderFeasibility, renderRejection, type Feasibility } from '#libs/domain';
import { refusedView } from './refused-view';

/** Whether a job can run at all, as the API shows it. */
export function feasibilityView(feasibility: Feasibility): FeasibilityView {
  const { verdict, offers, serving, passing, removals, nearestMiss, relaxations } = feasibility;
  return {
    verdict,
    sentences: [...renderFeasibility(feasibility)],
    offers,
    serving,
    passing,
    removals: removals.map((removal) => ({ ...removal })),
    nearestMiss: nearestMiss === null ? null : refusedView(nearestMiss),
    relaxations: relaxations.map(({ reason, offers: kept, offersNow, cheapest }) => ({
      code: reason.code,
      ruleId: 'ruleId' in reason ? reason.ruleId : null,
      text: renderRejection(reason),
      remedy: remedies[reason.code],
      offers: kept,
      offersNow,
      offerId: cheapest,
    })),
  };
}
