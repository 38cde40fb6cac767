import type { Job } from '#libs/domain';
import { StaleRevision, type Budgets, type Jobs, type NewEvent, periodAt } from '#libs/storage';

/** Tell that a job took its project over the soft limit. Best effort: a job that moved on meanwhile keeps its state. */
export async function tellSoftLimit(
  jobs: Jobs,
  budgets: Budgets,
  job: Job,
  nowMs: number,
): Promise<Job> {
  const period = periodAt(nowMs);
  const budget = await budgets.of(job.spec.project, period);
  const event: NewEvent = {
    type: 'budget.soft-limit',
    data: {
      project: job.spec.project,
      period,
      committed: budget?.committed ?? null,
      softLimit: budget?.softLimit ?? null,
    },
    jobId: job.id,
    attemptId: null,
    atMs: nowMs,
  };
  return appended(jobs, job, event);
}

/** How often an event is offered to a job that keeps moving. */
const MAX_TRIES = 3;

/** Append to a job that stays as it is otherwise, whatever its revision is by now. */
async function appended(jobs: Jobs, job: Job, event: NewEvent): Promise<Job> {
  let current = job;
  for (let tried = 0; tried < MAX_TRIES; tried += 1) {
    try {
      return await jobs.update(current, { events: [event] });
    } catch (error) {
      if (!(error instanceof StaleRevision)) throw error;
      current = (await jobs.get(job.id)) ?? current;
    }
  }
  return current;
}
