import type { OfferId } from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Stores } from '#libs/storage';

/** How many waiting jobs one change wakes; the rest follow with the next one or their own due time. */
const WAKE_LIMIT = 1_000;

/** Has jobs that wait decided anew: those in line for one of `offers`, or with null all. `tag` names the change that caused it. */
export async function wakeWaiting(
  { jobs }: Pick<Stores, 'jobs'>,
  doorbell: Doorbell,
  offers: readonly OfferId[] | null,
  { nowMs, tag }: { readonly nowMs: number; readonly tag: string },
): Promise<void> {
  for (const id of await jobs.wakeWaiting(offers, nowMs, WAKE_LIMIT))
    doorbell.ring({ queue: 'decide', id, providerId: null, atMs: nowMs, tag });
}
