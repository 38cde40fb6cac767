import { Injectable } from '@nestjs/common';
import {
  asDecisionId,
  asJobId,
  feasibilityOf,
  type Attempt,
  type Feasibility,
  type Job,
  type JobId,
} from '#libs/domain';
import { Attempts, Decisions, Jobs, type DecisionRecord } from '#libs/storage';
import { seesProject, type Principal } from './principal';
import { found } from './refusal';

/** Finds what a key may see. What it may not see does not exist for it. */
@Injectable()
export class FindJob {
  constructor(
    private readonly jobs: Jobs,
    private readonly attempts: Attempts,
    private readonly decisions: Decisions,
  ) {}

  async job(id: string, by: Principal): Promise<Job> {
    const job = await this.jobs.get(asJobId(id));
    return found(job !== null && seesProject(by, job.spec.project) ? job : null, 'job');
  }

  async withAttempts(
    id: string,
    by: Principal,
  ): Promise<{ readonly job: Job; readonly attempts: readonly Attempt[] }> {
    const job = await this.job(id, by);
    return { job, attempts: await this.attemptsOf(job.id) };
  }

  /** Of a job that was found before. */
  attemptsOf(id: JobId): Promise<readonly Attempt[]> {
    return this.attempts.ofJob(id);
  }

  /** Whether it can run at all, as decided last; null before the first decision, and once it is over. */
  async feasibilityOf({ decisionId, outcome }: Job): Promise<Feasibility | null> {
    if (decisionId === null || outcome !== null) return null;
    const decision = await this.decisions.get(decisionId);
    return decision === null ? null : feasibilityOf(decision.summary);
  }

  async decision(id: string, by: Principal): Promise<DecisionRecord> {
    const record = found(await this.decisions.get(asDecisionId(id)), 'decision');
    await this.job(record.jobId, by);
    return record;
  }
}
