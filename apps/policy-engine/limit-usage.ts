import {
  circumstances,
  countsUsage,
  kindsOf,
  limitsFor,
  usageOf,
  type CompiledLimit,
  type JobFacts,
  type LimitUsages,
  type Offer,
} from '#libs/domain';
import type { Attempts } from '#libs/storage';
import type { Snapshot } from './snapshots';

const NO_USAGES: LimitUsages = {};
/** Whether a book has offers that are settled in tokens; looked up once for each book. */
const tokenBooks = new WeakMap<readonly Offer[], boolean>();

/**
 * What the job's project has leased of what each limit counts. Nothing is read where no limit about the job counts anything. It is
 * what was so a moment ago: jobs that are decided at the same time do not see each other, so that a limit can be passed by as
 * many jobs as are placed at once.
 */
export async function usageFor(
  attempts: Pick<Attempts, 'leasedBy'>,
  { policy, book, index, health }: Pick<Snapshot, 'policy' | 'book' | 'index' | 'health'>,
  job: JobFacts,
  nowMs: number,
): Promise<LimitUsages> {
  const counting = limitsFor(policy, job, nowMs).filter(
    (limit) =>
      countsUsage(limit) &&
      (countsLeases(limit) || hasTokens(index === null ? book.offers : kindsOf(index))),
  );
  if (counting.length === 0) return NO_USAGES;
  const held = await attempts.leasedBy(job.spec.project, job.id);
  return usageOf(counting, job, held, circumstances(nowMs, health));
}

/** Limits on tokens alone say nothing where no offer is settled in one. */
function countsLeases({ maxima }: CompiledLimit): boolean {
  return maxima.maxGpus !== undefined || maxima.maxJobs !== undefined;
}

function hasTokens(offers: readonly Offer[]): boolean {
  const known = tokenBooks.get(offers);
  if (known !== undefined) return known;
  const found = offers.some(({ settlementToken }) => settlementToken !== null);
  tokenBooks.set(offers, found);
  return found;
}
