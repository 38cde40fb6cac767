import type { WhyView } from '#libs/contracts';
import {
  attemptCost,
  baselineCost,
  feasibilityOf,
  mayHoldLease,
  microUsd,
  remedies,
  chargedFor,
  type Attempt,
  type MicroUsd,
  type Rejection,
  type RejectionCode,
} from '#libs/domain';
import type { DecisionRecord } from '#libs/storage';
import type { Story } from './story';
import { sentencesOf } from './why-sentences';
import { baselineView } from './views/decision-view';
import { effectiveView } from './views/cost-view';
import { feasibilityView } from './views/feasibility-view';
import { refusedView } from './views/refused-view';
import { timeOf, timeOrNull } from './views/times';

/** Where a job is and why, what it cost and what it waits for. Pure: everything it says follows from what is stored. */
export function whyOf(story: Story): WhyView {
  const { job, attempts, decision, nowMs } = story;
  const view: Omit<WhyView, 'sentences'> = {
    jobId: job.id,
    state: job.state,
    outcome: job.outcome,
    where: whereOf(attempts),
    chosen: chosenOf(story),
    nextBest: nextBestOf(story),
    rules: rulesOf(decision),
    reasons: reasonsOf(decision),
    cost: costOf(story),
    baseline: baselineView(job.baseline),
    feasibility: feasibilityOfWaiting(story),
    waitingFor: waitingFor(story),
    attempts: attempts.map((attempt) => ({
      number: attempt.number,
      offerId: attempt.offer.id,
      outcome: attempt.outcome,
      costMicroUsd: attemptCost(attempt, nowMs),
      exitCode: attempt.report.exit?.code ?? null,
    })),
  };
  return { ...view, sentences: sentencesOf(view, story) };
}

function whereOf(attempts: readonly Attempt[]): WhyView['where'] {
  const live = attempts.findLast(({ phase }) => phase === 'planned' || mayHoldLease.has(phase));
  if (live === undefined) return null;
  return {
    attemptId: live.id,
    number: live.number,
    phase: live.phase,
    offerId: live.offer.id,
    provider: live.offer.providerId,
    region: live.offer.region,
    country: live.offer.country,
    since: timeOf(live.phaseSinceMs),
    pricePerHourMicroUsd: live.offer.pricePerHour,
  };
}

/** The last placement, and its place in the decision that it came from. */
function chosenOf({ attempts, decision }: Story): WhyView['chosen'] {
  const last = attempts.at(-1);
  if (last === undefined || decision === null) return null;
  const index = decision.summary.ranked.findIndex(({ offer }) => offer.id === last.offer.id);
  const ranked = decision.summary.ranked[index];
  return {
    decisionId: decision.id,
    decidedAt: timeOf(decision.atMs),
    policyVersion: decision.policyVersion,
    engine: decision.engine,
    offerId: last.offer.id,
    rank: ranked === undefined ? null : index + 1,
    expectedCostMicroUsd: ranked?.expectedCost ?? null,
    terms: ranked === undefined ? null : { ...ranked.terms },
    effective: effectiveView(ranked?.effective),
  };
}

/** The best of the others: what would have been taken if the chosen offer had not been there. */
function nextBestOf({ attempts, decision }: Story): WhyView['nextBest'] {
  const chosenId = attempts.at(-1)?.offer.id;
  const ranked = decision?.summary.ranked ?? [];
  const chosen = ranked.find(({ offer }) => offer.id === chosenId);
  const other = ranked.find(({ offer }) => offer.id !== chosenId);
  if (chosen === undefined || other === undefined) return null;
  return {
    offerId: other.offer.id,
    expectedCostMicroUsd: other.expectedCost,
    differenceMicroUsd: other.expectedCost - chosen.expectedCost,
  };
}

function rulesOf(decision: DecisionRecord | null): WhyView['rules'] {
  const told = new Map<string, string>();
  for (const reason of (decision?.summary.nearestMisses ?? []).flatMap(({ reasons }) => reasons))
    if (isRuleRejection(reason)) told.set(reason.ruleId, reason.because);
  return Object.entries(decision?.summary.ruleCounts ?? {})
    .sort(([, a], [, b]) => b - a)
    .map(([ruleId, offersRefused]) => ({
      ruleId,
      offersRefused,
      because: told.get(ruleId) ?? null,
    }));
}

function isRuleRejection(reason: Rejection): reason is Extract<Rejection, { ruleId: string }> {
  return 'ruleId' in reason;
}

function reasonsOf(decision: DecisionRecord | null): WhyView['reasons'] {
  return Object.entries(decision?.summary.rejectionCounts ?? {})
    .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
    .map(([code, offersRefused]) => ({
      code,
      offersRefused: offersRefused ?? 0,
      remedy: remedies[code as RejectionCode],
    }));
}

function costOf({ job, attempts, nowMs }: Story): WhyView['cost'] {
  const soFar = chargedFor(attempts, job.spec, nowMs);
  const baseline: MicroUsd | null =
    job.baseline === null ? null : baselineCost(job.baseline, job.spec, attempts);
  const ran = baseline !== null && baseline > 0;
  return {
    soFarMicroUsd: soFar,
    maxMicroUsd: job.spec.budget.maxCost,
    baselineMicroUsd: ran ? baseline : null,
    savingMicroUsd: ran ? microUsd(baseline - soFar) : null,
  };
}

/** Of a job that has no place: whether it can ever have one, as decided last. */
function feasibilityOfWaiting({ job, attempts, decision }: Story): WhyView['feasibility'] {
  const placed = attempts.some(({ phase }) => phase !== 'released');
  if (decision === null || job.outcome !== null || placed) return null;
  return feasibilityView(feasibilityOf(decision.summary));
}

function waitingFor({ job, attempts, decision }: Story): WhyView['waitingFor'] {
  const placed = attempts.some(({ phase }) => phase !== 'released');
  if (job.outcome !== null || placed) return null;
  return {
    awaited: [...(decision?.summary.awaited ?? [])],
    until: timeOrNull(job.dueAtMs),
    nearestMisses: (decision?.summary.nearestMisses ?? []).map(refusedView),
  };
}
