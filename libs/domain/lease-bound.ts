import type { Attempt } from './attempt';
import { affordableMs, spentOn } from './billing';
import { coveredLeaseMs, type Coverage } from './commitment';
import type { Job } from './job';
import { microUsd } from './money';
import type { Offer } from './offer';

type Bound = Pick<Attempt, 'maxLeaseMs' | 'maxLeaseMeans'>;

/**
 * How long each of `leases` leases of an offer may be charged: the shorter of the job's own maximum and what its budget still
 * buys when all of them run to the end, beyond what a commitment pays of each. 0 when it buys none. What live attempts may still
 * cost is not available any more.
 */
export function leaseBound(
  job: Job,
  attempts: readonly Attempt[],
  offer: Offer,
  leases: number,
  nowMs: number,
  coverage?: Coverage | null,
): Bound {
  const jobMs = job.spec.sla.maxDurationMs + offer.startupMs;
  const { maxCost } = job.spec.budget;
  if (maxCost === null) return { maxLeaseMs: jobMs, maxLeaseMeans: 'max-duration' };
  const spent = spentOn(attempts.map(asIfAtItsEnd), nowMs);
  const share = microUsd(Math.max(0, Math.floor((maxCost - spent) / leases)));
  const { pricePerHour, billing } = offer;
  const boughtMs = affordableMs(share, pricePerHour, billing);
  const paidMs = Math.min(
    Number.MAX_SAFE_INTEGER,
    boughtMs + coveredLeaseMs(coverage, pricePerHour, nowMs, billing),
  );
  return paidMs < jobMs
    ? { maxLeaseMs: paidMs, maxLeaseMeans: 'out-of-budget' }
    : { maxLeaseMs: jobMs, maxLeaseMeans: 'max-duration' };
}

/** A lease that lives may still be charged up to its bound. */
function asIfAtItsEnd(attempt: Attempt): Attempt {
  if (attempt.phase === 'released') return attempt;
  const fromMs = attempt.billedFromMs ?? attempt.createdAtMs;
  return { ...attempt, billedFromMs: fromMs, billedToMs: fromMs + attempt.maxLeaseMs };
}
