import { leaseCost, sumUsd, type AttemptId, type Job, type MicroUsd } from '#libs/domain';
import type { MemoryTables } from './memory-stores';

/** What a cloud has charged for a lease. */
export interface Charge {
  readonly leaseKey: AttemptId;
  readonly chargedMicroUsd: MicroUsd;
}

/** I7: charges of ours that no cost entry covers. */
export function unbookedCharges(
  { costEntries, attempts }: MemoryTables,
  charges: readonly Charge[],
): readonly string[] {
  return charges.flatMap(({ leaseKey, chargedMicroUsd }) => {
    const entries = costEntries.filter(({ attemptId }) => attemptId === leaseKey);
    const booked = sumUsd(entries.map(({ amount }) => amount));
    return attempts.has(leaseKey) && booked < chargedMicroUsd
      ? [`${leaseKey} was charged ${chargedMicroUsd}, ${booked} is booked`]
      : [];
  });
}

/** I6: jobs that cost more than they may, by more than an increment of each lease that they can hold at a time. */
export function overspending(tables: MemoryTables, charges: readonly Charge[]): readonly string[] {
  return [...tables.jobs.values()].flatMap((job) => {
    const { maxCost } = job.spec.budget;
    const attempts = tables.attemptsOfJob(job.id);
    const own = new Set<string>(attempts.map(({ id }) => id));
    const spent = sumUsd(
      charges
        .filter(({ leaseKey }) => own.has(leaseKey))
        .map(({ chargedMicroUsd }) => chargedMicroUsd),
    );
    const increments = attempts.map(({ offer: { pricePerHour, billing } }) =>
      leaseCost(pricePerHour, billing.incrementMs, { ...billing, minimumMs: 0 }),
    );
    const allowance = leasesAtATime(job) * Math.max(0, ...increments);
    return maxCost !== null && spent > maxCost + allowance
      ? [`${job.id} spent ${spent} of ${maxCost}`]
      : [];
  });
}

function leasesAtATime({ spec: { nodes, replicas, sla } }: Job): number {
  if (replicas !== null) return 2 * replicas.target + replicas.extra;
  return sla.hedgedStart === 'never' ? nodes : 2;
}
