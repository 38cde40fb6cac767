import { Injectable } from '@nestjs/common';
import type { AttemptId, Job } from '#libs/domain';
import { Doorbell } from '#libs/queue';
import { Clock } from '#libs/runtime';
import { Attempts, Jobs, type NewEvent } from '#libs/storage';
import type { Principal } from './principal';
import { found } from './refusal';

/** Ask for the end of a job and wake whoever brings it about. Repeatable; a job that has ended stays as it is. */
@Injectable()
export class CancelJob {
  constructor(
    private readonly jobs: Jobs,
    private readonly attempts: Attempts,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  async run({ id }: Job, by: Principal): Promise<Job> {
    const nowMs = this.clock.nowMs();
    const event: NewEvent = {
      type: 'job.cancel-requested',
      data: { by: by.name },
      jobId: id,
      attemptId: null,
      atMs: nowMs,
    };
    const { job, attempts } = found(await this.jobs.requestCancel(id, nowMs, [event]), 'job');
    if (job.outcome !== null) return job;
    await Promise.all(attempts.map((attemptId) => this.wake(attemptId, nowMs)));
    const tag = `r${job.revision}`;
    this.doorbell.ring({ queue: 'place', id, providerId: null, atMs: nowMs, tag });
    return job;
  }

  private async wake(id: AttemptId, nowMs: number): Promise<void> {
    const attempt = await this.attempts.get(id);
    if (attempt === null) return;
    const { offer, revision } = attempt;
    const providerId = offer.providerId;
    this.doorbell.ring({ queue: 'advance', id, providerId, atMs: nowMs, tag: `r${revision}` });
  }
}
