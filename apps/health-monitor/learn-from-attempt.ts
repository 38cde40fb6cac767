import { healthKey, lessonOf, type AttemptId } from '#libs/domain';
import type { Stores } from '#libs/storage';

/** Add what a released attempt has shown about its provider's market to the measurements. */
export class LearnFromAttempt {
  constructor(private readonly stores: Pick<Stores, 'attempts' | 'health'>) {}

  /** Repeatable: an attempt teaches once. */
  async run(id: AttemptId): Promise<void> {
    const attempt = await this.stores.attempts.get(id);
    if (attempt === null || attempt.phase !== 'released') return;
    const lesson = lessonOf(attempt);
    if (lesson !== null) await this.stores.health.learn(id, healthKey(attempt.offer), lesson);
  }
}
