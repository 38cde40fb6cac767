import { callLessonOf, DEFAULT_HALF_LIFE_MS } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { CallTally, KeyedLesson, Stores } from '#libs/storage';
import { lessonFrom, settledBeforeMs, suspendBelowFloors } from './teach';
import type { WatchSupply } from './watch-supply';

/** Attempts, and tallies of calls, taken at once; the rest follow with the next round. */
const ATTEMPTS_AT_ONCE = 100;
const TALLIES_AT_ONCE = 1_000;
/** Evidence this many half-lives old weighs less than a thousandth, and its level is forgotten. */
const FORGET_AFTER_HALF_LIVES = 10;
/** Levels that were replaced are kept this long for decisions that are being made. */
const KEEP_REPLACED_MS = 3_600_000;
const PRUNE_LIMIT = 10_000;
/** How often old levels are looked for. */
const PRUNE_EVERY_MS = 3_600_000;

/**
 * What the health monitor does by the clock: learn from attempts whose wake-up was lost and from losses whose window is over,
 * add up calls, watch offers come and go, forget what is too old to weigh.
 */
export class WatchHealth {
  private prunedAtMs = -Infinity;

  constructor(
    private readonly stores: Pick<Stores, 'attempts' | 'health' | 'suspensions'>,
    private readonly supply: WatchSupply,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.learn(nowMs);
    await this.stores.health.takeTallies(TALLIES_AT_ONCE, nowMs, lessonsOfCalls);
    await this.supply.run();
    if (nowMs - this.prunedAtMs < PRUNE_EVERY_MS) return;
    this.prunedAtMs = nowMs;
    await this.stores.health.prune(
      nowMs - FORGET_AFTER_HALF_LIVES * DEFAULT_HALF_LIFE_MS,
      nowMs - KEEP_REPLACED_MS,
      PRUNE_LIMIT,
      nowMs,
    );
  }

  private async learn(nowMs: number): Promise<void> {
    const left = await this.stores.health.unlearned(settledBeforeMs(nowMs), ATTEMPTS_AT_ONCE);
    if (left.length === 0) return;
    const lessons = await Promise.all(left.map((each) => lessonFrom(each, this.stores, nowMs)));
    await this.stores.health.learn(lessons, [], nowMs);
    const first = left.filter(({ stage }) => stage === 'nothing').map(({ attempt }) => attempt);
    await suspendBelowFloors(first, this.stores, nowMs);
  }
}

function lessonsOfCalls(tallies: readonly CallTally[]): readonly KeyedLesson[] {
  return tallies.map(({ providerId, calls, unanswered, atMs }) => ({
    key: providerId,
    lesson: callLessonOf(calls, unanswered, atMs),
  }));
}
