import type { Attempt, AttemptEvent, AttemptOutcome, WorkloadExitReason } from './attempt';
import { attemptMachine } from './attempt';
import { SAME_CALL_LIMIT, reactions } from './failover';
import {
  moveIn,
  type CallFailure,
  type LoopTerms,
  type Move,
  type Outcome,
  type Sighting,
} from './loop';
import { step } from './machine';
import { isWithoutCapacity, restAfter, suspensionsFor } from './rests';
import type { Suspension } from './suspension';

/** The provider may charge this much more than it quoted before the drift is told. */
const PRICE_DRIFT_TOLERANCE_BPS = 50;
/** A workload that was told to stop for a move and has not ended by then is not waited for any longer. */
export const LEAVE_LIMIT_MS = 120_000;
/** A node that is up waits for the rest of its gang this many start limits long. */
const GANG_PATIENCE = 3;

/** The move for an attempt now: as the table says, but a lost create is looked for before it is repeated where repeating is not safe. */
export function moveFor(attempt: Attempt, terms: LoopTerms, nowMs: number): Move {
  const move = moveIn[attempt.phase];
  if (move !== 'acquire' || terms.repeatable || attempt.unseenSinceMs === null) return move;
  return isQuiet(attempt, nowMs, terms.quietMs) ? 'acquire' : 'observe';
}

/** Whether enough time has passed since we last asked for a lease to believe that there is none. */
export function isQuiet(
  { unseenSinceMs }: Pick<Attempt, 'unseenSinceMs'>,
  nowMs: number,
  quietMs: number,
): boolean {
  return unseenSinceMs === null || nowMs - unseenSinceMs >= quietMs;
}

/** The attempt about to call acquire: the time is written before the call, so that a lost reply is not taken for absence. */
export function markedUnseen(attempt: Attempt, nowMs: number): Attempt {
  return { ...attempt, unseenSinceMs: nowMs, billedFromMs: attempt.billedFromMs ?? nowMs };
}

/** Whether a failed call amounts to a refusal, or is repeated. */
export function isRefusal({ kind }: CallFailure, failedCalls: number): boolean {
  return reactions[kind].next !== 'same-call' || failedCalls + 1 >= SAME_CALL_LIMIT;
}

/** The event that an outcome amounts to, or null when it is no news. Gone is believed only when it is quiet. */
export function eventFor(
  attempt: Attempt,
  move: Move,
  outcome: Outcome,
  nowMs: number,
  quietMs: number,
): AttemptEvent | null {
  if (move === 'observe' && hasExited(attempt)) return 'workload-exited';
  if ('failed' in outcome) {
    return move === 'acquire' && isRefusal(outcome.failed, attempt.failedCalls)
      ? 'lease-refused'
      : null;
  }
  const { state } = outcome.saw;
  // A dead lease in answer to acquire is a refusal: repeating would only yield the same dead lease. It is confirmed as any other.
  if (attempt.phase === 'acquiring' && move === 'acquire' && state === 'gone')
    return 'lease-refused';
  if (state === 'gone' && !isQuiet(attempt, nowMs, quietMs)) return null;
  switch (attempt.phase) {
    case 'acquiring':
      return state === 'gone' ? null : 'lease-granted';
    case 'confirming':
      return state === 'gone' ? 'lease-gone' : 'lease-granted';
    case 'releasing':
      return state === 'gone' ? 'lease-gone' : null;
    case 'starting':
    case 'running':
      return workloadEvent(attempt, state);
    case 'planned':
    case 'released':
      return null;
  }
}

/** Only the supervisor knows how a workload ended, so its word outranks whatever the provider shows, or fails to show. */
function hasExited({ phase, report }: Attempt): boolean {
  return report.exit !== null && (phase === 'starting' || phase === 'running');
}

function workloadEvent({ phase, report }: Attempt, state: Sighting['state']): AttemptEvent | null {
  if (state === 'gone' || state === 'ended') return 'interrupted';
  return phase === 'starting' && report.startedAtMs !== null ? 'workload-started' : null;
}

/** Whether an outcome shows the lease with our own eyes; a reply to `acquire` does not, since reads may lag behind it. */
export function isSighting(move: Move, outcome: Outcome): boolean {
  return move === 'observe' && 'saw' in outcome && outcome.saw.state !== 'gone';
}

/** Why the attempt must be given up before anything else is done, or null. The phase limits. */
export function abandonReason(
  attempt: Attempt,
  terms: LoopTerms,
  nowMs: number,
): AttemptOutcome | null {
  if (attempt.phase === 'releasing' || attempt.phase === 'released') return null;
  if (attempt.abandonAs !== null) return attempt.abandonAs;
  const hasEnded = attempt.report.exit !== null;
  if (attempt.leaving !== null && !hasEnded && nowMs >= leftByMs(attempt))
    return attempt.leaving.as;
  if (attempt.phase !== 'starting' && attempt.phase !== 'running') return null;
  if (hasEnded) return null;
  if (nowMs >= leaseEndsAtMs(attempt)) return attempt.maxLeaseMeans;
  if (attempt.phase === 'starting') return startFailure(attempt, terms, nowMs);
  return nowMs - lastHeardAtMs(attempt) >= terms.silenceLimitMs ? 'went-silent' : null;
}

/** A node that is up and waits for the others has not failed to start itself. */
function startFailure(attempt: Attempt, terms: LoopTerms, nowMs: number): AttemptOutcome | null {
  const { startedAtMs, bootId } = attempt.report;
  if (startedAtMs !== null) return null;
  const isWaiting = attempt.role === 'node' && bootId !== null;
  const limitMs = terms.startLimitMs * (isWaiting ? GANG_PATIENCE : 1);
  if (nowMs - attempt.phaseSinceMs < limitMs) return null;
  return isWaiting ? 'gang-broken' : 'start-timeout';
}

/** When a lease that is being left is given up: at once where nothing runs, else when the workload has had its time to end. */
export function leftByMs({ leaving, report }: Pick<Attempt, 'leaving' | 'report'>): number {
  if (leaving === null) return Infinity;
  return report.startedAtMs === null ? leaving.sinceMs : leaving.stopAtMs + LEAVE_LIMIT_MS;
}

/** When the lease must end at the latest. */
export function leaseEndsAtMs({ billedFromMs, maxLeaseMs }: Attempt): number {
  return billedFromMs === null ? Infinity : billedFromMs + maxLeaseMs;
}

function lastHeardAtMs({ report, phaseSinceMs }: Attempt): number {
  return Math.max(report.heartbeatAtMs ?? 0, report.startedAtMs ?? 0, phaseSinceMs);
}

type WorkloadExit = NonNullable<Attempt['report']['exit']>;

/**
 * How a workload's end is judged. A `stopped` workload was stopped by us, so what we wanted it for decides. The supervisor
 * stops a little before the lease must end, so what bounds the lease is what stopped the workload.
 */
const exitOutcomes: {
  readonly [R in WorkloadExitReason]: (exit: WorkloadExit, attempt: Attempt) => AttemptOutcome;
} = {
  exited: ({ code }) => (code === 0 ? 'succeeded' : 'workload-failed'),
  signalled: () => 'workload-failed',
  'max-duration': (_exit, { maxLeaseMeans }) => maxLeaseMeans,
  stopped: (_exit, { leaving }) => leaving?.as ?? 'interrupted',
  'start-failed': () => 'start-timeout',
  'lost-control-plane': () => 'went-silent',
};

/** What one step changed, as told to people. */
export interface StepNews {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Advance {
  readonly attempt: Attempt;
  readonly news: readonly StepNews[];
  readonly suspensions: readonly Suspension[];
}

/**
 * What the supervisor's word alone amounts to, without a look at the provider: a workload that speaks has a lease, and one that
 * has ended needs it no longer. Null when it has said nothing new.
 */
export function toldBySupervisor(attempt: Attempt): AttemptEvent | null {
  const { phase, report, unseenSinceMs } = attempt;
  if (report.bootId === null) return null;
  if (phase === 'acquiring' || phase === 'confirming') return 'lease-granted';
  if (phase !== 'starting' && phase !== 'running') return null;
  // One look first where the lease was never seen: once a read has shown it, its end is believed without a quiet time.
  if (report.exit !== null) return unseenSinceMs === null ? 'workload-exited' : null;
  return phase === 'starting' && report.startedAtMs !== null ? 'workload-started' : null;
}

/** Fold the supervisor's word into the attempt. It is no sighting: the provider's reads may still lag behind the lease. */
export function heard(attempt: Attempt, event: AttemptEvent, nowMs: number): Advance {
  const { attempt: next, news } = moved(
    outcomeOf(attempt, event, { noCapacity: false, latestEndMs: nowMs }),
    event,
    nowMs,
    [],
  );
  return { attempt: next, news, suspensions: restAfter(next, nowMs) };
}

/** Give the attempt up: into `releasing`, or straight to `released` while nothing was ever asked for. */
export function abandoned(attempt: Attempt, outcome: AttemptOutcome, nowMs: number): Advance {
  const given = { ...attempt, outcome: attempt.outcome ?? outcome };
  return { ...moved(given, 'abandon', nowMs, []), suspensions: restAfter(given, nowMs) };
}

/** The write-ahead step: committed before the first call, so that no lease can exist that no row knows of. */
export function started(attempt: Attempt, nowMs: number): Advance {
  return moved(attempt, 'acquire', nowMs, []);
}

/** Fold the outcome of one provider call into the attempt: the next phase, what became known, and what to keep out of placement. */
export function advanced(
  attempt: Attempt,
  move: Move,
  outcome: Outcome,
  terms: LoopTerms,
  nowMs: number,
): Advance {
  const known = learned(attempt, move, outcome, nowMs);
  const event = eventFor(attempt, move, outcome, nowMs, terms.quietMs);
  const refusals = suspensionsFor(attempt, move, outcome, event, nowMs);
  if (event === null) return { ...driftNews(attempt, known), suspensions: refusals };
  const facts = {
    noCapacity: isWithoutCapacity(outcome),
    latestEndMs: Math.min(nowMs, leaseEndsAtMs(attempt) + terms.startLimitMs),
  };
  const { attempt: next, news } = moved(
    outcomeOf(known, event, facts),
    event,
    nowMs,
    driftNews(attempt, known).news,
  );
  const failures = event === 'lease-gone' ? [] : restAfter(next, nowMs);
  return { attempt: next, news, suspensions: [...refusals, ...failures] };
}

/** What an outcome tells about the lease, whatever it means for the phase. */
function learned(attempt: Attempt, move: Move, outcome: Outcome, nowMs: number): Attempt {
  if ('failed' in outcome) {
    const { kind, text } = outcome.failed;
    const failedCalls = attempt.failedCalls + 1;
    return isRefused(attempt)
      ? { ...attempt, failedCalls }
      : { ...attempt, failedCalls, errorKind: kind, errorText: text };
  }
  const { saw } = outcome;
  const isLookForLostCreate = attempt.phase === 'acquiring' && saw.state === 'gone';
  return {
    ...attempt,
    failedCalls: isLookForLostCreate ? attempt.failedCalls : 0,
    externalId: saw.externalId ?? attempt.externalId,
    unseenSinceMs: isSighting(move, outcome) ? null : attempt.unseenSinceMs,
    billedFromMs: saw.billedFromMs ?? attempt.billedFromMs,
    billedToMs: saw.billedToMs ?? attempt.billedToMs,
    observedPricePerHour: saw.pricePerHour ?? attempt.observedPricePerHour,
    noticeAtMs: saw.state === 'interrupting' ? (attempt.noticeAtMs ?? nowMs) : attempt.noticeAtMs,
  };
}

/** Whether the provider has said no: what it said then stays, whatever later calls run into. */
function isRefused({ phase, outcome }: Attempt): boolean {
  return phase === 'confirming' || outcome === 'refused';
}

interface EndFacts {
  /** The market accepted the order and nobody took it. */
  readonly noCapacity: boolean;
  /** When a lease whose end nobody dated ended at the latest: its dead-man switch does not wait for us to look. */
  readonly latestEndMs: number;
}

/** Decide the attempt's outcome where the event decides one; an outcome once decided stays. */
function outcomeOf(attempt: Attempt, event: AttemptEvent, facts: EndFacts): Attempt {
  switch (event) {
    case 'workload-exited': {
      const exit = attempt.report.exit;
      if (exit === null || attempt.outcome !== null) return attempt;
      return { ...attempt, outcome: attempt.abandonAs ?? exitOutcomes[exit.reason](exit, attempt) };
    }
    case 'interrupted': {
      const neverRan = attempt.report.startedAtMs === null;
      if (neverRan && facts.noCapacity)
        return { ...attempt, outcome: 'refused', errorKind: 'no-capacity', billedFromMs: null };
      return { ...attempt, outcome: attempt.outcome ?? 'interrupted' };
    }
    case 'lease-gone': {
      const neverHeld = attempt.phase === 'confirming' && attempt.externalId === null;
      return {
        ...attempt,
        outcome: attempt.outcome ?? (neverHeld ? 'refused' : 'interrupted'),
        billedFromMs: neverHeld ? null : attempt.billedFromMs,
        billedToMs:
          neverHeld || attempt.billedFromMs === null
            ? null
            : (attempt.billedToMs ?? facts.latestEndMs),
      };
    }
    case 'lease-granted':
      return { ...attempt, errorKind: null, errorText: null };
    case 'acquire':
    case 'lease-refused':
    case 'workload-started':
    case 'abandon':
      return attempt;
  }
}

function moved(
  attempt: Attempt,
  event: AttemptEvent,
  nowMs: number,
  news: readonly StepNews[],
): Advance {
  const result = step(attemptMachine, attempt.phase, event);
  if (!result.ok)
    throw new Error(`attempt ${attempt.id}: ${event} is not legal in ${attempt.phase}`);
  const next: Attempt = { ...attempt, phase: result.to, phaseSinceMs: nowMs, failedCalls: 0 };
  const data = {
    from: attempt.phase,
    to: result.to,
    offer: attempt.offer.id,
    ...(next.outcome === null ? {} : { outcome: next.outcome }),
    ...(next.errorKind === null ? {} : { errorKind: next.errorKind }),
  };
  return { attempt: next, news: [...news, { type: `attempt.${event}`, data }], suspensions: [] };
}

/** The rate read back after the start is compared with the quote; the quote stays what we charge. */
function driftNews(before: Attempt, after: Attempt): Pick<Advance, 'attempt' | 'news'> {
  const quoted = after.offer.pricePerHour;
  const seen = after.observedPricePerHour;
  const firstRead = before.observedPricePerHour === null && seen !== null;
  const noticed = before.noticeAtMs === null && after.noticeAtMs !== null;
  const notice: StepNews[] = noticed
    ? [{ type: 'attempt.notice', data: { offer: after.offer.id } }]
    : [];
  if (!firstRead || seen * 10_000 <= quoted * (10_000 + PRICE_DRIFT_TOLERANCE_BPS))
    return { attempt: after, news: notice };
  return {
    attempt: after,
    news: [...notice, { type: 'attempt.price-drifted', data: { quoted, seen } }],
  };
}
