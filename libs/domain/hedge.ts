import type { RankedOffer } from './decision';
import type { JobView, Placement } from './job-view';
import { leaseBound } from './lease-bound';
import { failureDomainOf } from './offer';
import type { Reconsideration } from './outlook';
import { leftMs } from './progress';

/** `auto` starts in two places when the point of no return is closer than this: a start that fails would use it up. */
const HURRY_MS = 900_000;
/** A hedged lease must be long enough for the work and this much more, in basis points: half of the budget is the other's. */
const AMPLE_BPS = 12_500;

/**
 * Two placements that do not fail together, for a job that is to be started in two places; null where one is enough, there is no
 * second domain, or the budget does not bear both to their ends.
 */
export function hedgedPair(
  view: JobView,
  open: readonly RankedOffer[],
  first: RankedOffer,
  outlook: Reconsideration,
): readonly Placement[] | null {
  const { job, nowMs } = view;
  if (job.spec.nodes > 1 || !isInHurry(job.spec.sla.hedgedStart, outlook, nowMs)) return null;
  const domain = failureDomainOf(first.offer);
  const second = open.find(({ offer }) => failureDomainOf(offer) !== domain);
  if (second === undefined) return null;
  const pair = [bounded(view, first, 'first'), bounded(view, second, 'second')];
  return pair.every((placement) => isAmple(view, placement)) ? pair : null;
}

function isInHurry(
  wish: 'never' | 'auto' | 'always',
  { noReturnAtMs }: Reconsideration,
  nowMs: number,
): boolean {
  if (wish === 'auto') return noReturnAtMs !== null && noReturnAtMs - nowMs < HURRY_MS;
  return wish === 'always';
}

function bounded(
  { job, attempts, nowMs }: JobView,
  ranked: RankedOffer,
  role: 'first' | 'second',
): Placement {
  return {
    ranked,
    role,
    slot: 0,
    ...leaseBound(job, attempts, ranked.offer, 2, nowMs, ranked.effective?.coverage),
  };
}

function isAmple(
  { job, attempts }: JobView,
  { ranked, maxLeaseMs, maxLeaseMeans }: Placement,
): boolean {
  if (maxLeaseMeans === 'max-duration') return true;
  const neededMs = leftMs(job.spec, attempts) + ranked.offer.startupMs;
  return maxLeaseMs * 10_000 >= neededMs * AMPLE_BPS;
}
