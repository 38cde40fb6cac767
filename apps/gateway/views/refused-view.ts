import type { PlanView } from '#libs/contracts';
import { remedies, renderRejection, type NearestMiss, type Rejection } from '#libs/domain';

/** A refused offer with every reason in words, and what helps. */
export function refusedView(miss: NearestMiss): PlanView['rejected'][number] {
  return {
    offerId: miss.offerId,
    pricePerHourMicroUsd: miss.pricePerHour,
    reasons: miss.reasons.map(reasonView),
  };
}

function reasonView(reason: Rejection): PlanView['rejected'][number]['reasons'][number] {
  return {
    code: reason.code,
    text: renderRejection(reason),
    remedy: remedies[reason.code],
    ruleId: 'ruleId' in reason ? reason.ruleId : null,
  };
}
