import type { AttemptId } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';
import { lessonFrom, suspendBelowFloors } from './teach';

/** Add what a released attempt has shown about its offer's provider, market, region, kind and host to the measurements. */
export class LearnFromAttempt {
  constructor(
    private readonly stores: Pick<Stores, 'attempts' | 'health' | 'suspensions'>,
    private readonly clock: Clock,
  ) {}

  /** Repeatable: an attempt teaches once. */
  async run(id: AttemptId): Promise<void> {
    const nowMs = this.clock.nowMs();
    const unlearned = await this.stores.health.toLearn(id);
    if (unlearned === null) return;
    const lesson = await lessonFrom(unlearned, this.stores, nowMs);
    const learned = await this.stores.health.learn([lesson], [], nowMs);
    if (learned > 0 && unlearned.stage === 'nothing')
      await suspendBelowFloors([unlearned.attempt], this.stores, nowMs);
  }
}
