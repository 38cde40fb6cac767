import { blockersOf } from './blockers';
import {
  temporaryRejections,
  type Decision,
  type DecisionSummary,
  type LimitMeasure,
  type RejectedOffer,
  type Rejection,
  type RejectionCode,
} from './decision';
import { formatUsd, microUsd } from './money';

/** How much of a decision is kept. */
export interface SummaryLimits {
  readonly ranked: number;
  readonly nearestMisses: number;
  readonly awaited: number;
}

/** What is kept unless more is asked for. */
export const KEPT: SummaryLimits = { ranked: 20, nearestMisses: 10, awaited: 20 };

/** What is kept of a decision for as long as its record lives. */
export function summarise(decision: Decision, limits: SummaryLimits = KEPT): DecisionSummary {
  const reasons = decision.rejected.flatMap((refused) => refused.reasons);
  const byPrice = [...decision.rejected].sort(byFewestReasonsThenPrice);
  const awaited = byPrice.filter(isWorthWaitingFor);
  return {
    engine: decision.engine,
    ranked: decision.ranked.slice(0, limits.ranked),
    rankedCount: decision.ranked.length,
    rejectedCount: decision.rejected.length,
    rejectionCounts: countBy(reasons, ({ code }) => code) as DecisionSummary['rejectionCounts'],
    ruleCounts: countBy(
      reasons.flatMap((reason) => ('ruleId' in reason ? [reason] : [])),
      ({ ruleId }) => ruleId,
    ),
    nearestMisses: byPrice.slice(0, limits.nearestMisses).map(({ offer, reasons: all }) => ({
      offerId: offer.id,
      pricePerHour: offer.pricePerHour,
      reasons: all,
    })),
    awaited: awaited.slice(0, limits.awaited).map(({ offer }) => offer.id),
    awaitedUntilMs: earliestEnd(awaited),
    baseline: decision.baseline,
    ...blockersOf(decision.rejected),
  };
}

/** Decisions list refused offers by id, and sorting is stable, so ids break ties here as well. */
function byFewestReasonsThenPrice(a: RejectedOffer, b: RejectedOffer): number {
  return a.reasons.length - b.reasons.length || a.offer.pricePerHour - b.offer.pricePerHour;
}

function isWorthWaitingFor({ reasons }: RejectedOffer): boolean {
  return reasons.every(
    (reason) =>
      temporaryRejections.has(reason.code) &&
      !(reason.code === 'suspended' && reason.scope === 'offer-for-job'),
  );
}

/** When the first suspension among the awaited offers ends; nobody knows when one that is sold out comes back. */
function earliestEnd(awaited: readonly RejectedOffer[]): number | null {
  let earliestMs: number | null = null;
  for (const { reasons } of awaited)
    for (const reason of reasons)
      if (reason.code === 'suspended' && (earliestMs === null || reason.untilMs < earliestMs))
        earliestMs = reason.untilMs;
  return earliestMs;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

type Renderers = {
  readonly [C in RejectionCode]: (reason: Extract<Rejection, { code: C }>) => string;
};

/** One line of prose for each code; a new code does not compile without one. */
const prose: Renderers = {
  unavailable: () => 'sold out at the moment',
  suspended: ({ reason, untilMs }) =>
    `suspended until ${new Date(untilMs).toISOString()}: ${reason}`,
  'price-stale': ({ source, readAtMs, staleAfterMs }) =>
    `the price is too old: ${source} was last read ${new Date(readAtMs).toISOString()} and holds for ${ageText(staleAfterMs)}`,
  'infra-excluded': () => 'excluded by the job’s infra list',
  'gpu-mismatch': ({ want, have }) => `needs ${want}, has ${have === 'none' ? 'no GPU' : have}`,
  'interconnect-too-slow': ({ want, have }) => `needs ${want} between GPUs, has ${have}`,
  'cpus-out-of-range': ({ min, max, have }) => `needs ${range(min, max)} CPUs, has ${have}`,
  'memory-out-of-range': ({ minGib, maxGib, haveGib }) =>
    `needs ${range(minGib, maxGib)} GiB of memory, has ${haveGib}`,
  'disk-too-small': ({ wantGb, haveGb }) => `needs ${wantGb} GB of disk, has ${haveGb}`,
  'interruption-not-tolerated': () => 'may be interrupted, and the job does not tolerate that',
  'certification-missing': ({ regimes }) => `not certified for ${regimes.join(', ')}`,
  'residency-violated': ({ allowed, have }) =>
    `must stay in ${allowed.join(', ')}, is in ${have ?? 'an unknown country'}`,
  'confidential-computing-missing': () => 'has no confidential computing',
  'sla-too-weak': ({ wantBps, haveBps }) =>
    `needs ${wantBps / 100} % contractual availability, ${haveBps === null ? 'promises none' : `promises ${haveBps / 100} %`}`,
  'price-too-high': ({ maxPerHour, havePerHour }) =>
    `costs ${formatUsd(havePerHour)}/h, above ${formatUsd(maxPerHour)}/h`,
  'cost-over-budget': ({ left, expected }) =>
    `costs ${formatUsd(expected)} even if nothing goes wrong, ${formatUsd(left)} of the budget is left`,
  'deadline-at-risk': ({ chanceBps, toleratedBps }) =>
    `misses the deadline with a chance of ${chanceBps / 100} %, ${toleratedBps / 100} % is allowed`,
  'work-would-be-lost': ({ expectedLosses }) =>
    `expects ${expectedLosses} interruptions, and the job has no checkpoint to resume from`,
  'policy-forbids': ({ ruleId, because }) => `forbidden by ${ruleId}: ${because}`,
  'policy-requires': ({ ruleId, because }) => `does not meet ${ruleId}: ${because}`,
  'limit-exceeded': (reason) => `above the limit ${reason.ruleId}, ${limitText(reason)}`,
  'limit-reached': (reason) =>
    `would be above the limit ${reason.ruleId} with what the project holds, ${limitText(reason)}`,
};

/** What a person can do about each code. */
export const remedies: { readonly [C in RejectionCode]: string } = {
  unavailable: 'wait, or widen resources or regions',
  suspended: 'wait until the suspension ends',
  'price-stale': 'wait until the source is read again; fairlead feeds says why it was not',
  'infra-excluded': 'change infra.include or infra.exclude',
  'gpu-mismatch': 'list more GPU alternatives in resources.gpus',
  'interconnect-too-slow': 'lower resources.interconnect',
  'cpus-out-of-range': 'widen resources.cpus',
  'memory-out-of-range': 'widen resources.memory',
  'disk-too-small': 'lower resources.disk',
  'interruption-not-tolerated': 'set interruptible: true, best with a checkpoint',
  'certification-missing': 'remove the regime from compliance, or add a certified provider',
  'residency-violated': 'add the country or bloc to residency',
  'confidential-computing-missing': 'set confidential: false, or add a provider with it',
  'sla-too-weak': 'lower sla.availability',
  'price-too-high': 'raise budget.maxPricePerHour',
  'cost-over-budget': 'raise budget.maxCost, or lower the duration estimate',
  'deadline-at-risk': 'move the deadline, or add checkpoints',
  'work-would-be-lost': 'add a checkpoint, or set interruptible: false',
  'policy-forbids': 'change what the rule asks about, or ask the owner of the policy',
  'policy-requires': 'change what the rule asks about, or ask the owner of the policy',
  'limit-exceeded': 'ask for less, or ask the owner of the policy to raise the limit',
  'limit-reached': 'wait until other jobs of the project have ended',
};

type OverLimit = Extract<Rejection, { code: 'limit-exceeded' | 'limit-reached' }>;

const limitAmounts: { readonly [M in LimitMeasure]: (amount: number) => string } = {
  'price-per-hour': (amount) => `${formatUsd(microUsd(amount))}/h`,
  gpus: (amount) => `${amount} GPUs`,
  jobs: (amount) => `${amount} jobs`,
  'token-spend-per-hour': (amount) => `${formatUsd(microUsd(amount))}/h in tokens`,
  'token-share': (amount) => `${amount / 100} % of the spend in tokens`,
};

function limitText({ measure, have, max, because }: OverLimit): string {
  const amount = limitAmounts[measure];
  return `${amount(have)} where ${amount(max)} are allowed: ${because}`;
}

/** A rejection in words. */
export function renderRejection(reason: Rejection): string {
  const render = prose[reason.code] as (reason: Rejection) => string;
  return render(reason);
}

/** An age in the largest unit of which it has at least one: `3 d`, `6 h`, `30 min`. */
function ageText(ms: number): string {
  const [unit, unitMs] = ageUnits.find(([, each]) => ms >= each) ?? (['s', 1_000] as const);
  return `${Math.round((ms / unitMs) * 10) / 10} ${unit}`;
}

const ageUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

function range(min: number, max: number | null): string {
  return max === null ? `at least ${min}` : `${min} to ${max}`;
}
