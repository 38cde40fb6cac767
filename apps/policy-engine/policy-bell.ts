import type { Doorbell } from '#libs/queue';
import type { Jobs, PolicyVersion } from '#libs/storage';

/** How many waiting jobs one change of the policies wakes; the rest look again by their own due time, minutes later at most. */
const WAKE_LIMIT = 1_000;

/** Wakes whom a change of policies concerns. Everything it says is in the rows: a lost ring costs time, nothing else. */
export class PolicyBell {
  constructor(
    private readonly jobs: Pick<Jobs, 'wakeWaiting'>,
    private readonly doorbell: Doorbell,
  ) {}

  /** `changed` are the versions as they stand now, `wasInForce` whether one counted before. */
  async ring(
    changed: readonly PolicyVersion[],
    wasInForce: (version: PolicyVersion) => boolean,
    nowMs: number,
  ): Promise<void> {
    for (const { document, version, state, activateAtMs } of changed)
      if (state === 'scheduled' && activateAtMs !== null)
        this.ringAt(activateAtMs, `${document.name}@${version} ${activateAtMs}`);
    const isNews = changed.some((version) => version.active !== wasInForce(version));
    if (isNews) await this.wakeWaiting(changed, nowMs);
  }

  private ringAt(atMs: number, tag: string): void {
    this.doorbell.ring({ queue: 'activate-policies', id: 'all', providerId: null, atMs, tag });
  }

  /** Who waits may have a place under the new rules, or none any more: they decide anew. */
  private async wakeWaiting(changed: readonly PolicyVersion[], nowMs: number): Promise<void> {
    const [first] = changed;
    const tag = `policy-${first?.document.name ?? ''}-${nowMs}`;
    for (const id of await this.jobs.wakeWaiting(null, nowMs, WAKE_LIMIT))
      this.doorbell.ring({ queue: 'decide', id, providerId: null, atMs: nowMs, tag });
  }
}
