import type { JobSummary } from '#libs/contracts';
import type { Job } from '../api-client';
import { dollars, relative } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

type State = JobSummary['state'];

const stateStyle: { readonly [S in State]: keyof Paint } = {
  queued: 'faint',
  starting: 'warn',
  running: 'strong',
  recovering: 'warn',
  stopping: 'warn',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'faint',
};

/** A state, with the reason where it is an end that says more than the state. */
export function renderState(
  { state, outcome }: Pick<JobSummary, 'state' | 'outcome'>,
  paint: Paint,
): string {
  const says =
    outcome === null || outcome === 'completed' || outcome === state ? '' : ` (${outcome})`;
  return paint[stateStyle[state]](`${state}${says}`);
}

/** Jobs, newest first. */
export function renderJobs(jobs: readonly JobSummary[], nowMs: number, paint: Paint): string {
  if (jobs.length === 0) return 'no jobs; submit one with `fairlead submit FILE`';
  const columns = ['JOB', 'NAME', 'PROJECT', 'WORKLOAD', 'STATE', 'SUBMITTED', 'BY'];
  return table(
    columns.map((title) => ({ title })),
    jobs.map((job) => [
      job.id,
      job.name,
      job.project,
      job.workload,
      renderState(job, paint),
      relative(job.submittedAt, nowMs),
      job.submittedBy,
    ]),
  );
}

/** A job on one line: what it is, how it is, and what it has cost. */
export function renderJobLine(job: Job, paint: Paint): string {
  const late = job.late ? `, ${paint.warn('late')}` : '';
  return `${job.id} ${job.name}: ${renderState(job, paint)}${late}, ${dollars(job.costMicroUsd)} so far`;
}
