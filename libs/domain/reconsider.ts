import { chanceOfLateness, costTerms, courseAt, totalOf } from './cost';
import type { RankedOffer } from './decision';
import { reliabilityOf, type Reliability } from './health';
import type { JobFacts } from './job';
import { MS_PER_HOUR, estimatedMicroUsd, microUsd } from './money';
import type { Offer } from './offer';
import {
  LOOK_LEAST_MS,
  LOOK_MOST_MS,
  nextLookAtMs,
  type Reconsideration,
  type WaitingFor,
} from './outlook';
import type { PlacementChoice } from './placement/choose-placement';
import { planPlacement } from './placement/plan-placement';
import type { HeldLease, ReconsiderationView } from './reconsideration-view';

/** A move for money alone comes this long after the last one at the earliest, so that two prices that swing move nothing. */
export const MIN_BETWEEN_MOVES_MS = 600_000;
/** A saving must be worth this share of what staying costs, in basis points, and more than the changeover. */
const MIN_SAVING_BPS = 1_000;
/** Changeovers to keep in hand: one to leave, one to arrive (the safety net of NSDI'24, Can't Be Late). */
const RESERVE_CHANGEOVERS = 2;
/** From the decision to leave until the old lease is gone: the workload saves and ends, the provider confirms. */
export const LEAVING_MS = 120_000;
/** A lease whose rate is this much above its quote is left for the price, in basis points. */
const DRIFTED_BPS = 500;

/**
 * What is best for the job now: stay or move for one that holds a lease, start or wait for one that does not. Pure. The point
 * of no return is `deadline - (work left + 2 changeovers)` at the cheapest reliable offer, and no next look is after it.
 */
export function reconsider(view: ReconsiderationView): Reconsideration {
  const [lease] = view.held;
  return lease === undefined ? placement(view) : review(view, lease);
}

/** For a job without a lease: the cheapest offer that can still keep the deadline, else the cheapest of all. */
function placement(view: ReconsiderationView): Reconsideration {
  const { ranked, aim, nowMs } = view;
  const noReturnAtMs = pointOfNoReturn(view, reachable(view, view.leftMs));
  const isLate = noReturnAtMs !== null && nowMs >= noReturnAtMs;
  const plan = isLate ? null : planPlacement(view, lookMs(view, noReturnAtMs));
  if (plan?.place.at === 'nowhere' && maySpendTime(view))
    return outlook(view, noReturnAtMs, {
      do: 'wait',
      to: null,
      because: 'cheaper-later',
      latenessBps: 0,
      waitingFor: { what: 'cheaper-supply', offers: view.awaited },
    });
  const safe = isLate ? ranked.filter(({ offer }) => !offer.interruptible) : ranked;
  const usable = safe.length > 0 ? safe : ranked;
  const to = usable.find(({ offer }) => offer.id === aim) ?? plannedIn(usable, plan) ?? usable[0];
  if (to === undefined)
    return outlook(view, noReturnAtMs, {
      do: 'wait',
      to: null,
      because: 'no-capacity',
      latenessBps: isLate ? 10_000 : 0,
      waitingFor: { what: 'capacity', offers: view.awaited },
    });
  return outlook(view, noReturnAtMs, {
    do: 'start',
    to: to.offer.id,
    because: isLate && !to.offer.interruptible ? 'deadline' : 'cheapest',
    latenessBps: to.latenessBps,
    waitingFor: null,
  });
}

/** The offer that a plan goes to, where it can be asked for. */
function plannedIn(
  ranked: readonly RankedOffer[],
  plan: PlacementChoice | null,
): RankedOffer | undefined {
  const place = plan?.place;
  if (place?.at === 'reliable') return ranked.find(({ offer }) => !offer.interruptible);
  return place?.at === 'supply' ? ranked.find(({ offer }) => offer.id === place.id) : undefined;
}

/** Whether waiting for something cheaper leaves a look before the job's own patience ends. */
function maySpendTime({ awaitedPrices, giveUpAtMs, nowMs }: ReconsiderationView): boolean {
  return awaitedPrices.length > 0 && (giveUpAtMs === null || nowMs + 2 * LOOK_MOST_MS < giveUpAtMs);
}

function lookMs(view: ReconsiderationView, noReturnAtMs: number | null): number {
  const { job, leftMs, nowMs } = view;
  const slackMs = job.deadlineAtMs === null ? null : job.deadlineAtMs - nowMs - leftMs;
  return Math.max(LOOK_LEAST_MS, nextLookAtMs({ slackMs, noReturnAtMs, nowMs }) - nowMs);
}

/** For a job that holds a lease. Every reason to move is tried in turn; without one it stays. */
function review(view: ReconsiderationView, lease: HeldLease): Reconsideration {
  const { job, ranked, nowMs } = view;
  const deadlineAtMs = reachable(view, Math.min(view.leftMs, lease.leftMs));
  const noReturnAtMs = pointOfNoReturn(view, deadlineAtMs);
  const isPast = noReturnAtMs !== null && nowMs >= noReturnAtMs;
  const stayBps = isPast ? chanceOfLoss(view, lease) : latenessOfStaying(view, lease, deadlineAtMs);
  const others = ranked.filter(({ offer }) => offer.id !== lease.offer.id);
  const stay = {
    do: 'stay',
    to: null,
    latenessBps: stayBps,
    waitingFor: { what: 'completion', offers: [] },
  } as const;
  if (!job.spec.interruptible)
    return outlook(view, noReturnAtMs, { ...stay, because: 'not-interruptible' });
  if (deadlineAtMs !== null && noReturnAtMs === null)
    return outlook(view, null, { ...stay, because: 'too-late-to-move' });
  if (isPast) {
    const isSafe = !lease.offer.interruptible || stayBps <= view.preferences.latenessToleranceBps;
    const reserve = isSafe ? undefined : others.find(({ offer }) => !offer.interruptible);
    if (isSafe) return outlook(view, noReturnAtMs, { ...stay, because: 'safe-where-it-is' });
    if (reserve === undefined)
      return outlook(view, noReturnAtMs, {
        ...stay,
        because: 'no-reliable-offer',
        waitingFor: { what: 'reliable-capacity', offers: view.awaited },
      });
    const { latenessBps, offer } = reserve;
    return outlook(view, noReturnAtMs, {
      do: 'move',
      to: offer.id,
      because: 'deadline',
      latenessBps,
      waitingFor: null,
    });
  }
  const saving = savingMove(view, lease, others, noReturnAtMs);
  if (saving !== null) return outlook(view, noReturnAtMs, saving);
  const waitingFor: WaitingFor =
    noReturnAtMs !== null && lease.offer.interruptible
      ? { what: 'point-of-no-return', offers: [] }
      : stay.waitingFor;
  return outlook(view, noReturnAtMs, { ...stay, because: 'nothing-better', waitingFor });
}

type Verdict = Omit<Reconsideration, 'noReturnAtMs' | 'nextLookAtMs' | 'atMs'>;

function outlook(
  view: ReconsiderationView,
  noReturnAtMs: number | null,
  verdict: Verdict,
): Reconsideration {
  const { nowMs, leftMs } = view;
  const deadlineAtMs = view.job.deadlineAtMs;
  const slackMs = deadlineAtMs === null ? null : deadlineAtMs - nowMs - leftMs;
  return {
    ...verdict,
    atMs: nowMs,
    noReturnAtMs,
    nextLookAtMs: nextLookAtMs({ slackMs, noReturnAtMs, nowMs }),
  };
}

/** The deadline while it can be kept; one that nothing keeps any more is no reason for anything. */
function reachable({ job, nowMs }: ReconsiderationView, leftMs: number): number | null {
  const { deadlineAtMs } = job;
  return deadlineAtMs !== null && nowMs + leftMs <= deadlineAtMs ? deadlineAtMs : null;
}

/**
 * From then on only a reliable offer is sure to make it. Null without a deadline, and once not even that could: a rerun from
 * the start that no longer fits makes staying the only chance.
 */
function pointOfNoReturn(view: ReconsiderationView, deadlineAtMs: number | null): number | null {
  const { ranked, held, leftMs, nowMs } = view;
  const reserve =
    ranked.find(({ offer }) => !offer.interruptible)?.offer ?? ranked[0]?.offer ?? held[0]?.offer;
  if (deadlineAtMs === null || reserve === undefined) return null;
  const changeoverMs = changeoverTo(view, reserve);
  if (held.length > 0 && nowMs + leftMs + changeoverMs > deadlineAtMs) return null;
  return Math.floor(deadlineAtMs - leftMs - RESERVE_CHANGEOVERS * changeoverMs);
}

/** Unproductive time until the work goes on at an offer: the start there, and leaving where it is. */
function changeoverTo(view: ReconsiderationView, offer: Offer): number {
  return reliabilityAt(view, offer).startupMs + (view.held.length === 0 ? 0 : LEAVING_MS);
}

function reliabilityAt({ health }: ReconsiderationView, offer: Offer): Reliability {
  return reliabilityOf(offer, health);
}

/** Chance that the lease is lost before the work is done, in basis points. Past the point of no return that means being late. */
function chanceOfLoss(view: ReconsiderationView, { offer, leftMs }: HeldLease): number {
  const { interruptionsPerHour } = reliabilityAt(view, offer);
  return Math.round(-Math.expm1((-interruptionsPerHour * leftMs) / MS_PER_HOUR) * 10_000);
}

/** Chance of being late without a move, in basis points, as a decision would see it. */
function latenessOfStaying(
  view: ReconsiderationView,
  lease: HeldLease,
  deadlineAtMs: number | null,
): number {
  const course = courseAt(withWork(view.job, lease.leftMs), reliabilityAt(view, lease.offer));
  const startedMs = lease.startedAtMs === null ? 0 : course.changeoverMs;
  const chance = chanceOfLateness(
    course,
    deadlineAtMs === null ? null : deadlineAtMs + startedMs,
    view.nowMs,
  );
  return Math.round(chance * 10_000);
}

/**
 * Where the plan for the work that is left goes to; where there is none, the cheapest offer, if going there pays beyond the
 * changeover. Only while the slack bears two changeovers; null otherwise.
 */
function savingMove(
  view: ReconsiderationView,
  lease: HeldLease,
  others: readonly RankedOffer[],
  noReturnAtMs: number | null,
): Verdict | null {
  const { nowMs, lastMoveAtMs } = view;
  const [best] = others;
  if (best === undefined || lease.startedAtMs === null) return null;
  const settledAtMs = Math.max(lease.startedAtMs, lastMoveAtMs ?? 0) + MIN_BETWEEN_MOVES_MS;
  const changeoverMs = changeoverTo(view, best.offer);
  if (nowMs < settledAtMs || lease.leftMs <= changeoverMs) return null;
  if (noReturnAtMs !== null && nowMs + RESERVE_CHANGEOVERS * changeoverMs >= noReturnAtMs)
    return null;
  const plan = planPlacement(view, lookMs(view, noReturnAtMs));
  // A plan knows one reliable place: staying at it is no reason to go to another like it.
  const isKept = plan?.place.at === 'reliable' && !lease.offer.interruptible;
  const planned = isKept ? undefined : plannedIn(others, plan);
  if (plan !== null)
    return planned === undefined
      ? null
      : {
          do: 'move',
          to: planned.offer.id,
          because: 'saving',
          latenessBps: planned.latenessBps,
          waitingFor: null,
        };
  const staying = costOfStaying(view, lease);
  const leaving = estimatedMicroUsd((lease.pricePerHour * LEAVING_MS) / MS_PER_HOUR);
  const changeover = microUsd(best.terms['start-up'] + leaving);
  const least = Math.max(changeover, Math.ceil((staying * MIN_SAVING_BPS) / 10_000));
  if (staying - best.expectedCost - leaving < least) return null;
  const isDrifted = lease.pricePerHour * 10_000 > lease.offer.pricePerHour * (10_000 + DRIFTED_BPS);
  return {
    do: 'move',
    to: best.offer.id,
    because: isDrifted ? 'price-drifted' : 'saving',
    latenessBps: best.latenessBps,
    waitingFor: null,
  };
}

/** The terms that a decision would count for it, less the start that has succeeded already. */
function costOfStaying(view: ReconsiderationView, lease: HeldLease): number {
  const job = withWork(view.job, lease.leftMs);
  const offer = { ...lease.offer, pricePerHour: lease.pricePerHour };
  const reliability = reliabilityAt(view, lease.offer);
  const course = courseAt(job, reliability);
  const terms = costTerms(offer, job, course, reliability, 0, view.preferences);
  return totalOf(terms) - terms['start-up'] - terms['provider-failure'];
}

function withWork(job: JobFacts, leftMs: number): JobFacts {
  return { ...job, spec: { ...job.spec, durationEstimateMs: leftMs } };
}
