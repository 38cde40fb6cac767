import { Injectable } from '@nestjs/common';
import type { WhyView } from '#libs/contracts';
import type { Attempt, Job } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Decisions } from '#libs/storage';
import { whyOf } from './why';

/** One answer for engineer, finance and ops. */
@Injectable()
export class ExplainJob {
  constructor(
    private readonly decisions: Decisions,
    private readonly clock: Clock,
  ) {}

  async run(job: Job, attempts: readonly Attempt[]): Promise<WhyView> {
    const id = attempts.at(-1)?.decisionId ?? job.decisionId;
    const waits = attempts.every(({ phase }) => phase === 'released') && job.outcome === null;
    const latest = waits ? (job.decisionId ?? id) : id;
    const decision = latest === null ? null : await this.decisions.get(latest);
    return whyOf({ job, attempts, decision, nowMs: this.clock.nowMs() });
  }
}
