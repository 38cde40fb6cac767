import { MIN_BETWEEN_MOVES_MS, type Attempt, type Job } from '#libs/domain';
import type { MemoryTables } from './memory-stores';

/** Wake-ups get lost and workers die: a look that is due is made this much later at the most. */
const LATE_LOOK_MS = 300_000;
/** More moves than any job of these plays has reason for; the loop itself allows more. */
const MOST_MOVES = 8;

/** I11: jobs on a lease whose point of no return has passed without anybody having looked since. */
export function unseenReturns(tables: MemoryTables, nowMs: number): readonly string[] {
  return [...tables.jobs.values()]
    .filter((job) => isUnseen(job, tables.attemptsOfJob(job.id), nowMs))
    .map(({ id, outlook }) => `${id} was last looked at ${nowMs - (outlook?.atMs ?? 0)} ms ago`);
}

function isUnseen(job: Job, attempts: readonly Attempt[], nowMs: number): boolean {
  const { outlook, outcome, cancelRequestedAtMs } = job;
  if (outlook === null || outcome !== null || cancelRequestedAtMs !== null) return false;
  const live = attempts.filter(({ phase }) => phase !== 'released');
  if (live.length === 0 || live.some((attempt) => isEnding(attempt))) return false;
  // What was said before a lease began is said anew once it is placed; a moment later at the latest.
  const saidMs = Math.max(outlook.atMs, ...live.map(({ createdAtMs }) => createdAtMs));
  const { noReturnAtMs } = outlook;
  return noReturnAtMs !== null && saidMs < noReturnAtMs && nowMs > noReturnAtMs + LATE_LOOK_MS;
}

function isEnding({ phase, leaving, abandonAs, report }: Attempt): boolean {
  return phase === 'releasing' || leaving !== null || abandonAs !== null || report.exit !== null;
}

/** I12: what is wrong with the moves of a job, in words. */
export function restlessness(attempts: readonly Attempt[]): readonly string[] {
  // The nodes of a gang leave together, which is one move.
  const moves = attempts
    .filter(({ slot }) => slot === 0)
    .flatMap(({ leaving }) => (leaving === null ? [] : [leaving]));
  const hasty = moves.filter(({ because, sinceMs }, index) => {
    const before = moves[index - 1];
    if (before === undefined || because === 'deadline') return false;
    return sinceMs - before.sinceMs < MIN_BETWEEN_MOVES_MS;
  });
  return [
    ...hasty.map(({ because }) => `moved again too soon for its ${because}`),
    ...(moves.length > MOST_MOVES ? [`moved ${moves.length} times`] : []),
  ];
}
