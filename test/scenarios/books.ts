import { costOf, type AttemptId } from '#libs/domain';
import type { EmulatedLease } from '#libs/provider-kit';
import type { Product } from './product';

/** Our books and the provider's for one lease, in micro-dollars. */
export interface Books {
  readonly booked: number;
  readonly charged: number;
  /** Nothing will be booked any more. */
  readonly isFinal: boolean;
  /** What the provider charges beyond what was booked and one billing increment. */
  readonly missing: number;
}

/** Every lease that any provider ever granted. */
export function leasesOf({ platform }: Product): readonly EmulatedLease[] {
  return platform.providers.providers.flatMap(({ emulator }) => emulator?.leases() ?? []);
}

/** What was booked for a lease, beside what its provider charges. */
export async function booksOf(product: Product, leaseKey: AttemptId): Promise<Books> {
  const { attempts, costEntries } = product.platform.storage;
  const attempt = await attempts.get(leaseKey);
  const lease = leasesOf(product).find((each) => each.leaseKey === leaseKey);
  if (attempt === null || lease === undefined) throw new Error(`${leaseKey} has no books`);
  const { amount: booked, final: isFinal } = await costEntries.accrued(leaseKey);
  const increment = costOf(attempt.offer.pricePerHour, attempt.offer.billing.incrementMs);
  const charged = lease.chargedMicroUsd;
  return { booked, charged, isFinal, missing: Math.max(0, charged - booked - increment) };
}
