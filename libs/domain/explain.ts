import {
  temporaryRejections,
  type Decision,
  type DecisionSummary,
  type RejectedOffer,
  type Rejection,
  type RejectionCode,
} from './decision';
import { formatUsd } from './money';

/** How much of a decision is kept. */
const RANKED_HEAD = 20;
const NEAREST_MISSES = 10;
const AWAITED_OFFERS = 20;

/** What is kept of a decision for as long as its record lives. */
export function summarise(decision: Decision): DecisionSummary {
  const reasons = decision.rejected.flatMap((refused) => refused.reasons);
  const awaited = decision.rejected.filter(isWorthWaitingFor);
  const ends = awaited.flatMap(({ reasons: [first] }) =>
    first?.code === 'suspended' ? [first.untilMs] : [],
  );
  return {
    engine: decision.engine,
    ranked: decision.ranked.slice(0, RANKED_HEAD),
    rankedCount: decision.ranked.length,
    rejectedCount: decision.rejected.length,
    rejectionCounts: countBy(reasons, ({ code }) => code) as DecisionSummary['rejectionCounts'],
    ruleCounts: countBy(
      reasons.flatMap((reason) => ('ruleId' in reason ? [reason] : [])),
      ({ ruleId }) => ruleId,
    ),
    nearestMisses: [...decision.rejected]
      .sort(
        (a, b) =>
          a.reasons.length - b.reasons.length || a.offer.pricePerHour - b.offer.pricePerHour,
      )
      .slice(0, NEAREST_MISSES)
      .map(({ offer, reasons: all }) => ({
        offerId: offer.id,
        pricePerHour: offer.pricePerHour,
        reasons: all,
      })),
    awaited: awaited.slice(0, AWAITED_OFFERS).map(({ offer }) => offer.id),
    awaitedUntilMs: ends.length === 0 ? null : Math.min(...ends),
    baseline: decision.baseline,
  };
}

function isWorthWaitingFor({ reasons }: RejectedOffer): boolean {
  return reasons.every(({ code }) => temporaryRejections.has(code));
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
  'infra-excluded': () => 'excluded by the job’s infra list',
  'gpu-mismatch': ({ want, have }) => `needs ${want}, has ${have}`,
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
    `is expected to cost ${formatUsd(expected)}, ${formatUsd(left)} of the budget is left`,
  'deadline-at-risk': ({ chanceBps, toleratedBps }) =>
    `would miss the deadline with a chance of ${chanceBps / 100} %, ${toleratedBps / 100} % is allowed`,
  'work-would-be-lost': ({ expectedLosses }) =>
    `would be interrupted ${expectedLosses} times and the job has no checkpoints`,
  'policy-forbids': ({ ruleId, because }) => `forbidden by ${ruleId}: ${because}`,
  'policy-requires': ({ ruleId, because }) => `does not meet ${ruleId}: ${because}`,
};

/** What a person can do about each code. */
export const remedies: { readonly [C in RejectionCode]: string } = {
  unavailable: 'wait, or widen resources or regions',
  suspended: 'wait until the suspension ends',
  'infra-excluded': 'change infra.include or infra.exclude',
  'gpu-mismatch': 'list more GPU alternatives in resources.gpus',
  'interconnect-too-slow': 'lower resources.interconnect',
  'cpus-out-of-range': 'widen resources.cpus',
  'memory-out-of-range': 'widen resources.memory',
  'disk-too-small': 'lower resources.disk',
  'interruption-not-tolerated': 'set interruptible: true, best with a checkpoint',
  'certification-missing': 'remove the regime, or add a certified provider',
  'residency-violated': 'add the country or bloc to residency',
  'confidential-computing-missing': 'set confidential: false, or add a provider with it',
  'sla-too-weak': 'lower sla.availability',
  'price-too-high': 'raise budget.maxPricePerHour',
  'cost-over-budget': 'raise budget.maxCost or lower the duration estimate',
  'deadline-at-risk': 'move the deadline, or add checkpoints',
  'work-would-be-lost': 'add a checkpoint, or set interruptible: false',
  'policy-forbids': 'ask the owner of the policy',
  'policy-requires': 'ask the owner of the policy',
};

/** A rejection in words. */
export function renderRejection(reason: Rejection): string {
  const render = prose[reason.code] as (reason: Rejection) => string;
  return render(reason);
}

function range(min: number, max: number | null): string {
  return max === null ? `at least ${min}` : `${min} to ${max}`;
}
