import type {
  Attempt,
  AttemptEvent,
  AttemptOutcome,
  AttemptPhase,
  WorkloadExitReason,
} from './attempt';
import { attemptMachine } from './attempt';
import {
  EXHAUSTED_CALL_SUSPENSION,
  SAME_CALL_LIMIT,
  reactions,
  type ProviderErrorKind,
  type Reaction,
} from './failover';
import { step } from './machine';
import type { MicroUsd } from './money';
import { suspensionKey, type Suspension } from './suspension';

/** What a look at the lease showed; the provider seam's observation without its transport. */
export interface Sighting {
  readonly state: 'starting' | 'active' | 'interrupting' | 'ended' | 'gone';
  readonly externalId: string | null;
  readonly cause:
    | 'released'
    | 'workload-ended'
    | 'interrupted'
    | 'provider-failed'
    | 'funds-exhausted'
    | 'no-capacity'
    | null;
  readonly billedFromMs: number | null;
  readonly billedToMs: number | null;
  readonly pricePerHour: MicroUsd | null;
}

export interface CallFailure {
  readonly kind: ProviderErrorKind;
  readonly text: string;
  readonly retryAfterMs: number | null;
}

export type Outcome = { readonly saw: Sighting } | { readonly failed: CallFailure };

export type Move = 'start' | 'acquire' | 'observe' | 'release' | 'rest';

/** What the dispatcher does for an attempt in each phase. */
export const moveIn: { readonly [P in AttemptPhase]: Move } = {
  planned: 'start',
  acquiring: 'acquire',
  confirming: 'observe',
  starting: 'observe',
  running: 'observe',
  releasing: 'release',
  released: 'rest',
};

/** The provider's manners that the loop must respect; taken from its descriptor. */
export interface LoopTerms {
  /** A repeated acquire finds the first by itself. Otherwise it may be repeated only after a quiet read. */
  readonly repeatable: boolean;
  /** Read-after-write lag plus the longest time that an acquire call may still be under way. */
  readonly quietMs: number;
  readonly observeEveryMs: number;
  readonly startLimitMs: number;
  /** A running workload that has not been heard for this long is given up. */
  readonly silenceLimitMs: number;
}

/** The provider may charge this much more than it quoted before the drift is told. */
const PRICE_DRIFT_TOLERANCE_BPS = 50;

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
  if ('failed' in outcome) {
    return move === 'acquire' && isRefusal(outcome.failed, attempt.failedCalls)
      ? 'lease-refused'
      : null;
  }
  const { state } = outcome.saw;
  if (state === 'gone' && !isQuiet(attempt, nowMs, quietMs)) return null;
  switch (attempt.phase) {
    case 'acquiring':
      if (state !== 'gone') return 'lease-granted';
      return move === 'acquire' ? 'lease-refused' : null;
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

/** What the supervisor said outranks what the provider shows: only the supervisor knows how a workload ended. */
function workloadEvent({ phase, report }: Attempt, state: Sighting['state']): AttemptEvent | null {
  if (report.exit !== null) return 'workload-exited';
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
  if (attempt.phase !== 'starting' && attempt.phase !== 'running') return null;
  if (attempt.report.exit !== null) return null;
  if (nowMs >= leaseEndsAtMs(attempt)) return attempt.maxLeaseMeans;
  if (attempt.phase === 'starting') {
    const startable = attempt.report.startedAtMs === null;
    return startable && nowMs - attempt.phaseSinceMs >= terms.startLimitMs ? 'start-timeout' : null;
  }
  return nowMs - lastHeardAtMs(attempt) >= terms.silenceLimitMs ? 'went-silent' : null;
}

/** When the lease must end at the latest. */
export function leaseEndsAtMs({ billedFromMs, maxLeaseMs }: Attempt): number {
  return billedFromMs === null ? Infinity : billedFromMs + maxLeaseMs;
}

function lastHeardAtMs({ report, phaseSinceMs }: Attempt): number {
  return Math.max(report.heartbeatAtMs ?? 0, report.startedAtMs ?? 0, phaseSinceMs);
}

/** How a workload's end is judged. A `stopped` workload was stopped by us, so what we wanted it for decides. */
const exitOutcomes: { readonly [R in WorkloadExitReason]: (code: number) => AttemptOutcome } = {
  exited: (code) => (code === 0 ? 'succeeded' : 'workload-failed'),
  signalled: () => 'workload-failed',
  'max-duration': () => 'max-duration',
  stopped: () => 'interrupted',
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

/** Give the attempt up: into `releasing`, or straight to `released` while nothing was ever asked for. */
export function abandoned(attempt: Attempt, outcome: AttemptOutcome, nowMs: number): Advance {
  return moved({ ...attempt, outcome: attempt.outcome ?? outcome }, 'abandon', nowMs, []);
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
  const suspensions = suspensionsFor(attempt, move, outcome, event, nowMs);
  if (event === null) return { ...driftNews(attempt, known), suspensions };
  const { attempt: next, news } = moved(
    outcomeOf(known, event, outcome, nowMs),
    event,
    nowMs,
    driftNews(attempt, known).news,
  );
  return { attempt: next, news, suspensions };
}

/** What an outcome tells about the lease, whatever it means for the phase. */
function learned(attempt: Attempt, move: Move, outcome: Outcome, nowMs: number): Attempt {
  if ('failed' in outcome) {
    const { kind, text } = outcome.failed;
    return { ...attempt, failedCalls: attempt.failedCalls + 1, errorKind: kind, errorText: text };
  }
  const { saw } = outcome;
  return {
    ...attempt,
    failedCalls: 0,
    externalId: saw.externalId ?? attempt.externalId,
    unseenSinceMs: isSighting(move, outcome) ? null : attempt.unseenSinceMs,
    billedFromMs: saw.billedFromMs ?? attempt.billedFromMs,
    billedToMs: saw.billedToMs ?? attempt.billedToMs,
    observedPricePerHour: saw.pricePerHour ?? attempt.observedPricePerHour,
    noticeAtMs: saw.state === 'interrupting' ? (attempt.noticeAtMs ?? nowMs) : attempt.noticeAtMs,
  };
}

/** Decide the attempt's outcome where the event decides one; an outcome once decided stays. */
function outcomeOf(
  attempt: Attempt,
  event: AttemptEvent,
  outcome: Outcome,
  nowMs: number,
): Attempt {
  switch (event) {
    case 'workload-exited': {
      const exit = attempt.report.exit;
      if (exit === null || attempt.outcome !== null) return attempt;
      return { ...attempt, outcome: attempt.abandonAs ?? exitOutcomes[exit.reason](exit.code) };
    }
    case 'interrupted': {
      const neverRan = attempt.report.startedAtMs === null;
      const noCapacity = neverRan && 'saw' in outcome && outcome.saw.cause === 'no-capacity';
      if (noCapacity)
        return { ...attempt, outcome: 'refused', errorKind: 'no-capacity', billedFromMs: null };
      return { ...attempt, outcome: attempt.outcome ?? 'interrupted' };
    }
    case 'lease-gone': {
      const neverHeld = attempt.phase === 'confirming';
      return {
        ...attempt,
        outcome: attempt.outcome ?? (neverHeld ? 'refused' : 'interrupted'),
        billedFromMs: neverHeld ? null : attempt.billedFromMs,
        billedToMs:
          neverHeld || attempt.billedFromMs === null ? null : (attempt.billedToMs ?? nowMs),
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

/** What the failover table keeps out of placement after a refusal. */
function suspensionsFor(
  attempt: Attempt,
  move: Move,
  outcome: Outcome,
  event: AttemptEvent | null,
  nowMs: number,
): readonly Suspension[] {
  const noCapacity =
    event === 'interrupted' && 'saw' in outcome && outcome.saw.cause === 'no-capacity';
  if (noCapacity)
    return suspension(attempt, reactions['no-capacity'].suspend, 'no-capacity', nowMs);
  if (move !== 'acquire' || !('failed' in outcome) || event !== 'lease-refused') return [];
  const { kind } = outcome.failed;
  const reaction = reactions[kind];
  const rest = reaction.next === 'same-call' ? EXHAUSTED_CALL_SUSPENSION : reaction.suspend;
  return suspension(attempt, rest, kind, nowMs);
}

function suspension(
  attempt: Attempt,
  rest: Reaction['suspend'],
  reason: string,
  nowMs: number,
): readonly Suspension[] {
  if (rest === null) return [];
  const { scope, forMs } = rest;
  const jobId = scope === 'offer-for-job' ? attempt.jobId : null;
  return [
    {
      scope,
      key: suspensionKey(scope, attempt.offer),
      jobId,
      fromMs: nowMs,
      untilMs: nowMs + forMs,
      reason,
    },
  ];
}
