import type { Attempt } from './attempt';
import type { Job, JobState } from './job';
import { decisiveOf, lastRound, meaningOf } from './rounds';

type Standing = Pick<Attempt, 'phase' | 'outcome' | 'role' | 'round'>;

/** The job's state follows from its outcome and its attempts, oldest first. */
export function jobStateOf(
  job: Pick<Job, 'outcome' | 'cancelRequestedAtMs'>,
  attempts: readonly Standing[],
): JobState {
  if (job.outcome !== null) {
    if (job.outcome === 'completed') return 'succeeded';
    return job.outcome === 'cancelled' ? 'cancelled' : 'failed';
  }
  if (job.cancelRequestedAtMs !== null) return 'stopping';
  const live = attempts.filter(({ phase }) => phase !== 'released');
  if (live.some(({ phase }) => phase === 'running')) return 'running';
  if (live.some(({ phase }) => phase !== 'releasing')) return 'starting';
  if (live.length > 0) return 'stopping';
  const last = decisiveOf(lastRound(attempts));
  if (last === undefined) return 'queued';
  // Replicas come and go; what is said of one is not said of the service.
  const isLast = last.role !== 'replica' && last.outcome !== null;
  return isLast && meaningOf[last.outcome].is === 'end' ? 'stopping' : 'recovering';
}
