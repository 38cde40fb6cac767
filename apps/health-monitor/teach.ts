import {
  COMMON_CAUSE_WINDOW_MS,
  failureDomainKey,
  failureDomainOf,
  healthKeysOf,
  lessonOf,
  overAtMs,
  recoveryLessonOf,
  suspensionsBelowFloors,
  togetherLessonOf,
  wasLost,
  type Attempt,
  type Knowledge,
  type Offer,
  type Suspension,
} from '#libs/domain';
import type { AttemptLesson, KeyedLesson, Stores, Unlearned } from '#libs/storage';

type Reading = Pick<Stores, 'attempts' | 'health'>;

/** A loss is looked back on this much after its window, when those who fell with it are known to have fallen. */
const SETTLE_MS = 300_000;

/** Losses from before then have settled, see `SETTLE_MS`. */
export function settledBeforeMs(nowMs: number): number {
  return nowMs - COMMON_CAUSE_WINDOW_MS - SETTLE_MS;
}

/** What an attempt has to teach now, beyond what it has taught. */
export async function lessonFrom(
  { attempt, stage }: Unlearned,
  stores: Reading,
  nowMs: number,
): Promise<AttemptLesson> {
  const own = stage === 'nothing' ? await leaseLessons(attempt, stores) : [];
  if (!wasLost(attempt)) return { attemptId: attempt.id, stage: 'all', lessons: own };
  if (overAtMs(attempt) >= settledBeforeMs(nowMs))
    return { attemptId: attempt.id, stage: 'lease', lessons: own };
  const lessons = [...own, await commonCauseLesson(attempt, stores)];
  return { attemptId: attempt.id, stage: 'all', lessons };
}

async function leaseLessons(
  attempt: Attempt,
  { attempts }: Reading,
): Promise<readonly KeyedLesson[]> {
  const before = lostBefore(attempt, await attempts.ofJob(attempt.jobId));
  const recovery = before === null ? null : recoveryLessonOf(before, attempt);
  return [
    ...atEachLevel(attempt.offer, lessonOf(attempt)),
    ...(before === null ? [] : atEachLevel(before.offer, recovery)),
  ];
}

/** The last of the job's attempts in the same slot before this one, where it was lost. */
function lostBefore(attempt: Attempt, all: readonly Attempt[]): Attempt | null {
  const before = all.findLast(
    ({ number, slot, round }) =>
      number < attempt.number && slot === attempt.slot && round < attempt.round,
  );
  return before !== undefined && wasLost(before) ? before : null;
}

function atEachLevel(offer: Offer, lesson: Knowledge | null): readonly KeyedLesson[] {
  return lesson === null ? [] : healthKeysOf(offer).map((key) => ({ key, lesson }));
}

async function commonCauseLesson(lost: Attempt, { health }: Reading): Promise<KeyedLesson> {
  const domain = failureDomainOf(lost.offer);
  const atMs = overAtMs(lost);
  const beside = await health.companions(domain, atMs - COMMON_CAUSE_WINDOW_MS, atMs);
  return { key: failureDomainKey(domain), lesson: togetherLessonOf(lost, beside) };
}

/** Lets rest what attempts have just shown to be below a floor, unless it rests for that already. */
export async function suspendBelowFloors(
  attempts: readonly Attempt[],
  stores: Pick<Stores, 'health' | 'suspensions'>,
  nowMs: number,
): Promise<void> {
  if (attempts.length === 0) return;
  const health = await stores.health.snapshot();
  const wanted = attempts.flatMap((attempt) => suspensionsBelowFloors(attempt, health, nowMs));
  if (wanted.length === 0) return;
  const resting = new Set((await stores.suspensions.inForce(nowMs)).map(nameOf));
  const news = new Map(wanted.map((each) => [nameOf(each), each]));
  await stores.suspensions.add([...news.values()].filter((each) => !resting.has(nameOf(each))));
}

function nameOf({ scope, key, reason }: Suspension): string {
  return `${scope} ${key} ${reason}`;
}
