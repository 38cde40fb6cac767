import type { Attempt, Leaving } from './attempt';
import { spentOn } from './billing';
import type { RankedOffer } from './decision';
import { deadlineAtMs, type Job } from './job';
import type { Offer } from './offer';
import { REST, type DecisionView, type JobStep, type JobView } from './job-view';
import type { Reconsideration } from './outlook';
import { leftMs, leftWhileRunningMs } from './progress';
import { MIN_BETWEEN_MOVES_MS, reconsider } from './reconsider';
import type { HeldLease, ReconsiderationView } from './reconsideration-view';
import { isStaying } from './replicas';
import { lastRound, triedInRound } from './rounds';
import { giveUpAtMs } from './wait-step';

/** A decision older than this is not acted on. */
export const DECISION_FRESH_MS = 60_000;
/** A decision that was asked for and has not come by then is asked for again. */
export const DECISION_WAIT_MS = 30_000;
/** A job is moved this often at most, moves for its deadline left aside. */
export const MOST_MOVES = 20;
/** How long a move that is not urgent waits for the workload's next checkpoint, beyond its interval. */
const CHECKPOINT_GRACE_MS = 30_000;
/** The longest wait for a checkpoint before a move. */
const CHECKPOINT_WAIT_MOST_MS = 900_000;
/** How long an urgent move waits for the checkpoint that the supervisor is told to send. */
const URGENT_CHECKPOINT_MS = 20_000;

/** What to do for a job of which some attempt is not released yet. */
export function liveStep(view: JobView, live: readonly Attempt[]): JobStep {
  const { job, nowMs } = view;
  if (job.cancelRequestedAtMs !== null) return REST;
  const followers = followersIn(lastRound(view.attempts));
  if (followers !== null) return { do: 'abandon', ...followers };
  const isUndecided = live.length > 1 && live.some(({ role }) => role === 'second');
  if (live.some(isEnding) || isUndecided) return REST;
  if (job.outlook !== null && nowMs < job.outlook.nextLookAtMs)
    return { do: 'rest', untilMs: job.outlook.nextLookAtMs };
  const isOwn = live.some(({ decisionId }) => decisionId === job.decisionId);
  if (view.decision === null || isOwn || nowMs - view.decision.atMs > DECISION_FRESH_MS)
    return { do: 'decide' };
  return judged(view, view.decision, live);
}

function judged(view: JobView, decision: DecisionView, live: readonly Attempt[]): JobStep {
  const outlook = reconsider(reconsiderationView(view, decision, live));
  if (outlook.do !== 'move' && outlook.do !== 'wait') return { do: 'stay', outlook };
  if (!mayMove(view, outlook))
    return { do: 'stay', outlook: { ...outlook, do: 'stay', to: null, because: 'moved-lately' } };
  return {
    do: 'leave',
    attempts: live.map(({ id }) => id),
    leaving: leavingFor(view.job, live, outlook),
    outlook,
  };
}

/** Those that have to go because of what has become of another of their round; null where everything is in order. */
function followersIn(
  round: readonly Attempt[],
): Pick<Extract<JobStep, { do: 'abandon' }>, 'attempts' | 'as'> | null {
  const isGang = round.some(({ role }) => role === 'node');
  // A gang that is moved leaves node by node, each once it has saved.
  if (isGang && round.every(({ leaving }) => leaving !== null)) return null;
  const leader = isGang
    ? round.find(hasFailed)
    : round.find(({ report }) => report.startedAtMs !== null);
  if (leader === undefined) return null;
  const rest = round.filter((attempt) => attempt.id !== leader.id && isStaying(attempt));
  if (rest.length === 0) return null;
  return { attempts: rest.map(({ id }) => id), as: isGang ? 'gang-broken' : 'unneeded' };
}

/** A node that is given up, refused or lost, or has ended with an error: the gang cannot go on without it. */
function hasFailed({ outcome, abandonAs, report }: Attempt): boolean {
  if (abandonAs !== null || (outcome !== null && outcome !== 'succeeded')) return true;
  return report.exit !== null && report.exit.code !== 0;
}

/** Whoever judges: moves that no deadline asks for keep their distance, and there is an end to them. */
function mayMove({ attempts, nowMs }: JobView, { because }: Reconsideration): boolean {
  if (because === 'deadline') return true;
  const moves = new Set(attempts.flatMap(({ leaving }) => leaving?.sinceMs ?? []));
  return moves.size < MOST_MOVES && nowMs - Math.max(0, ...moves) >= MIN_BETWEEN_MOVES_MS;
}

/** Whatever is on its way out wakes the job when it is gone. */
function isEnding({ phase, abandonAs, leaving, report }: Attempt): boolean {
  return phase === 'releasing' || abandonAs !== null || leaving !== null || report.exit !== null;
}

/** A move for money waits for the next checkpoint, one for the deadline only for what can be sent at once. */
function leavingFor(
  { spec: { checkpoint } }: Job,
  live: readonly Attempt[],
  { atMs, because, to }: Reconsideration,
): Leaving {
  const isRunning = live.some(({ report }) => report.startedAtMs !== null);
  const patienceMs =
    because === 'deadline'
      ? URGENT_CHECKPOINT_MS
      : Math.min(CHECKPOINT_WAIT_MOST_MS, (checkpoint?.intervalMs ?? 0) + CHECKPOINT_GRACE_MS);
  return {
    as: because === 'price-drifted' ? 'price-drifted' : 'moved',
    because,
    to,
    sinceMs: atMs,
    stopAtMs: atMs + (checkpoint === null || !isRunning ? 0 : patienceMs),
  };
}

/** What a judgement may know; `live` is empty for a job that waits. */
export function reconsiderationView(
  view: JobView,
  decision: DecisionView,
  live: readonly Attempt[],
): ReconsiderationView {
  const { job, attempts, nowMs } = view;
  const { spec } = job;
  const tried = triedInRound(attempts);
  const aim = aimOf(attempts);
  return {
    job: {
      id: job.id,
      spec,
      deadlineAtMs: deadlineAtMs(job),
      spent: spentOn(attempts, nowMs),
    },
    leftMs: leftMs(spec, attempts),
    held: live.map((attempt) => held(view, attempt)),
    ranked: live.length === 0 ? openOffers(view, decision, tried) : movesFor(view, decision),
    awaited: decision.summary.awaited,
    awaitedPrices: awaitedPrices(decision),
    giveUpAtMs: live.length === 0 ? giveUpAtMs(job, attempts) : null,
    health: decision.health,
    preferences: decision.preferences,
    lastMoveAtMs: attempts.findLast(({ leaving }) => leaving !== null)?.leaving?.sinceMs ?? null,
    aim: aim === null || tried.has(aim) ? null : aim,
    nowMs,
  };
}

/** Of the offers that may come back, those that the decision names a price of. */
function awaitedPrices({ summary }: DecisionView): ReconsiderationView['awaitedPrices'] {
  const awaited = new Set(summary.awaited);
  return summary.nearestMisses
    .filter(({ offerId }) => awaited.has(offerId))
    .map(({ offerId, pricePerHour }) => ({ offerId, pricePerHour }))
    .sort((a, b) => a.pricePerHour - b.pricePerHour);
}

function held({ job, attempts, nowMs }: JobView, attempt: Attempt): HeldLease {
  const { offer, observedPricePerHour, billedFromMs, report } = attempt;
  const isDearer = observedPricePerHour !== null && observedPricePerHour > offer.pricePerHour;
  return {
    attemptId: attempt.id,
    offer,
    pricePerHour: isDearer ? observedPricePerHour : offer.pricePerHour,
    ageMs: billedFromMs === null ? 0 : Math.max(0, nowMs - billedFromMs),
    startedAtMs: report.startedAtMs,
    leftMs: leftWhileRunningMs(job.spec, attempts, attempt, nowMs),
  };
}

/** What can be asked for now, by expected cost; those that have refused in this round come after all others. */
export function openOffers(
  { job, suspensions, spokenFor }: Pick<JobView, 'job' | 'suspensions' | 'spokenFor'>,
  { summary, reserves }: DecisionView,
  tried: ReadonlySet<string>,
): readonly RankedOffer[] {
  const known = new Set(summary.ranked.map(({ offer }) => offer.id));
  const all = [...summary.ranked, ...reserves.filter(({ offer }) => !known.has(offer.id))];
  const open = all.filter(
    ({ offer }) =>
      suspensions.find(offer) === null &&
      !spokenFor.has(offer.id) &&
      canHost(offer, job.spec.nodes),
  );
  return [
    ...open.filter(({ offer }) => !tried.has(offer.id)),
    ...open.filter(({ offer }) => tried.has(offer.id)),
  ];
}

/** Where a job that runs might go. A gang gives nothing up for places of which nobody says that there are enough. */
function movesFor(view: JobView, decision: DecisionView): readonly RankedOffer[] {
  const open = openOffers(view, decision, new Set());
  if (view.job.spec.nodes === 1) return open;
  return open.filter(({ offer }) => !offer.interruptible || offer.quantity !== null);
}

/** Whether one offer can host so many machines at a time, as far as its provider says. */
function canHost({ hostId, quantity }: Offer, nodes: number): boolean {
  return nodes === 1 || (hostId === null && (quantity === null || quantity >= nodes));
}

function aimOf(attempts: readonly Attempt[]): Leaving['to'] {
  const last = attempts.findLast(({ outcome }) => outcome !== 'refused');
  return last !== undefined && wasMoved(last) ? (last.leaving?.to ?? null) : null;
}

function wasMoved({ leaving, outcome }: Attempt): boolean {
  return leaving !== null && outcome === leaving.as;
}
