import type { Blockers, Relaxation, Removal } from './blockers';
import {
  temporaryRejections,
  type DecisionSummary,
  type NearestMiss,
  type RejectionCode,
} from './decision';
import { remedies, renderRejection } from './explain';
import { formatUsd } from './money';

export const feasibilityVerdicts = ['now', 'not-now', 'never', 'unknown'] as const;
/**
 * `now`: some offer serves. `not-now`: none does, and some would if they were not sold out or suspended. `never`: every
 * offer is refused for something that stays until somebody changes the job, a policy or what is on sale. `unknown`: no offer
 * is known at all, so that nothing can be said.
 */
export type FeasibilityVerdict = (typeof feasibilityVerdicts)[number];

/** Whether any offer can ever run a job, what stands in the way, and what would help. */
export interface Feasibility {
  readonly verdict: FeasibilityVerdict;
  /** How many offers were looked at, how many serve now, and how many would once they are free. */
  readonly offers: number;
  readonly serving: number;
  readonly passing: number;
  /** Lasting reasons, those that remove most first. An offer may be removed by several. */
  readonly removals: readonly Removal[];
  /** The offer with the fewest reasons, the cheapest among equals; null when nothing is refused for good. */
  readonly nearestMiss: NearestMiss | null;
  /** What giving up one thing alone would open, most first. */
  readonly relaxations: readonly Relaxation[];
}

type Source = Pick<
  DecisionSummary,
  'rankedCount' | 'rejectedCount' | 'rejectionCounts' | 'nearestMisses' | 'awaited'
> &
  Partial<Blockers>;

/** Follows from what is kept of a decision, so that it can be told again later. Older records know less and say less. */
export function feasibilityOf(summary: Source): Feasibility {
  const passing = summary.passingCount ?? summary.awaited.length;
  return {
    verdict: verdictOf(summary, passing),
    offers: summary.rankedCount + summary.rejectedCount,
    serving: summary.rankedCount,
    passing,
    removals: summary.removals ?? removalsByCode(summary),
    nearestMiss: summary.nearestMisses.find(isRefusedForGood) ?? null,
    relaxations: summary.relaxations ?? [],
  };
}

function verdictOf({ rankedCount, rejectedCount }: Source, passing: number): FeasibilityVerdict {
  if (rankedCount > 0) return 'now';
  if (passing > 0) return 'not-now';
  return rejectedCount > 0 ? 'never' : 'unknown';
}

function isRefusedForGood({ reasons }: NearestMiss): boolean {
  return reasons.some(({ code }) => !temporaryRejections.has(code));
}

/** For records that do not have them: by code alone. */
function removalsByCode({ rejectionCounts }: Source): readonly Removal[] {
  return (Object.entries(rejectionCounts) as [RejectionCode, number][])
    .filter(([code]) => !temporaryRejections.has(code))
    .map(([code, offers]) => ({ code, ruleId: null, offers }))
    .sort((a, b) => b.offers - a.offers || (a.code < b.code ? -1 : 1));
}

/** What each code is called in a sentence about what it removes. */
const removers: { readonly [C in RejectionCode]: string } = {
  unavailable: 'being sold out',
  suspended: 'suspensions',
  'price-stale': 'prices that are too old',
  'infra-excluded': 'the infra list',
  'gpu-mismatch': 'the GPUs asked for',
  'interconnect-too-slow': 'the interconnect asked for',
  'cpus-out-of-range': 'the CPUs asked for',
  'memory-out-of-range': 'the memory asked for',
  'disk-too-small': 'the disk asked for',
  'interruption-not-tolerated': 'tolerating no interruption',
  'certification-missing': 'compliance',
  'residency-violated': 'residency',
  'confidential-computing-missing': 'confidential computing',
  'sla-too-weak': 'the availability asked for',
  'price-too-high': 'the highest price per hour',
  'cost-over-budget': 'the budget',
  'deadline-at-risk': 'the deadline',
  'work-would-be-lost': 'the missing checkpoint',
  'policy-forbids': 'a policy',
  'policy-requires': 'a policy',
  'limit-exceeded': 'a limit of a policy',
  'limit-reached': 'a limit of a policy that is used up',
};

/** How many removals and relaxations a sentence names. */
const TOLD = 3;

/** The same in plain words, the verdict first. */
export function renderFeasibility(feasibility: Feasibility): readonly string[] {
  const { verdict, nearestMiss } = feasibility;
  const told = verdictWords[verdict](feasibility);
  if (verdict === 'now' || verdict === 'unknown') return [told];
  return [
    told,
    ...(nearestMiss === null || verdict !== 'never' ? [] : [renderNearest(nearestMiss)]),
    ...feasibility.relaxations.slice(0, TOLD).map(renderRelaxation),
  ];
}

const verdictWords: {
  readonly [V in FeasibilityVerdict]: (feasibility: Feasibility) => string;
} = {
  now: ({ serving, offers }) => `${serving} of ${counted(offers)} can run this now.`,
  'not-now': ({ passing, offers }) =>
    `No offer can run this now; ${passing} of ${counted(offers)} could once ${passing === 1 ? 'it is' : 'they are'} free again.`,
  never: ({ offers, removals }) => {
    const named = removals
      .slice(0, TOLD)
      .map((removal) => `${nameInWords(removal)} removes ${removal.offers}`);
    const others = removals.length - named.length;
    const rest =
      others > 0 ? [`${others} other ${others === 1 ? 'reason' : 'reasons'} the rest`] : [];
    return `No offer can ever run this as things are, of ${counted(offers)}: ${[...named, ...rest].join(', ')}.`;
  },
  unknown: () => 'No offer is known yet, so that nothing can be said.',
};

function nameInWords({ code, ruleId }: Removal): string {
  return ruleId === null ? removers[code] : `rule ${ruleId}`;
}

function renderNearest({ offerId, pricePerHour, reasons }: NearestMiss): string {
  const why = reasons.map(renderRejection).join('; ');
  return `The nearest miss is ${offerId} at ${formatUsd(pricePerHour)}/h: ${why}.`;
}

function renderRelaxation(relaxation: Relaxation): string {
  const { reason, offers, offersNow, cheapest } = relaxation;
  const name = 'ruleId' in reason ? `rule ${reason.ruleId}` : removers[reason.code];
  const free = offersNow === offers ? '' : `, ${offersNow} of them free now`;
  return `Only ${name} keeps out ${counted(offers)}${free}, such as ${cheapest} (${renderRejection(reason)}); what helps: ${remedies[reason.code]}.`;
}

function counted(offers: number): string {
  return `${offers} ${offers === 1 ? 'offer' : 'offers'}`;
}
