import type { DecisionView, MessageReply, PlanView } from '#libs/contracts';
import {
  feasibilityOf,
  type Baseline,
  type DecisionSummary,
  type NearestMiss,
  type RankedOffer,
} from '#libs/domain';
import type { DecisionRecord } from '#libs/storage';
import { feasibilityView } from './feasibility-view';
import { effectiveView } from './cost-view';
import { offerView } from './offer-view';
import { refusedView } from './refused-view';
import { timeOf, timeOrNull } from './times';

/** A plan as the API shows it. */
export function planView(plan: MessageReply<'policy.plan'>): PlanView {
  const { policyVersion, bookVersion, summary, rejected } = plan;
  return { ...rankingView(summary, rejected), policyVersion, bookVersion };
}

/** A stored decision as the API shows it. */
export function decisionView(record: DecisionRecord): DecisionView {
  const { summary, policyVersion, bookVersion } = record;
  return {
    id: record.id,
    jobId: record.jobId,
    at: timeOf(record.atMs),
    ...rankingView(summary, summary.nearestMisses),
    policyVersion,
    bookVersion,
    digests: { ...record.digests },
  };
}

function rankingView(
  summary: DecisionSummary,
  rejected: readonly NearestMiss[],
): Omit<PlanView, 'policyVersion' | 'bookVersion'> {
  return {
    engine: summary.engine,
    ranked: summary.ranked.map(rankedView),
    rankedCount: summary.rankedCount,
    rejectedCount: summary.rejectedCount,
    rejectionCounts: { ...summary.rejectionCounts },
    ruleCounts: { ...summary.ruleCounts },
    rejected: rejected.map(refusedView),
    baseline: baselineView(summary.baseline),
    feasibility: feasibilityView(feasibilityOf(summary)),
  };
}

function rankedView(ranked: RankedOffer, index: number): PlanView['ranked'][number] {
  return {
    rank: index + 1,
    offer: offerView(ranked.offer),
    expectedCostMicroUsd: ranked.expectedCost,
    terms: { ...ranked.terms },
    latenessBps: ranked.latenessBps,
    noReturnAt: timeOrNull(ranked.noReturnAtMs),
    effective: effectiveView(ranked.effective),
  };
}

export function baselineView(baseline: Baseline | null): PlanView['baseline'] {
  if (baseline === null) return null;
  return { offerId: baseline.offerId, pricePerHourMicroUsd: baseline.pricePerHour };
}
