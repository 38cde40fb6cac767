import { suspensionScopes, type SuspensionScope } from './failover';
import type { JobId } from './ids';
import type { Offer } from './offer';

/** Do not use this until then. Append-only: a suspension ends by time, never by deletion, so history can be replayed. */
export interface Suspension {
  readonly scope: SuspensionScope;
  /** The scope's key: offer id, `provider/host`, `provider/region`, or provider id. */
  readonly key: string;
  /** Only for `offer-for-job`. */
  readonly jobId: JobId | null;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** What suspensions look at in an offer. */
export type Suspendable = Pick<Offer, 'id' | 'providerId' | 'region'> &
  Partial<Pick<Offer, 'hostId'>>;

/** The key under which a suspension of each scope is kept for an offer; of a host that nobody names, one that none is kept under. */
export function suspensionKey(scope: SuspensionScope, offer: Suspendable): string {
  switch (scope) {
    case 'offer':
    case 'offer-for-job':
      return offer.id;
    case 'host':
      return `${offer.providerId}/${offer.hostId ?? ''}`;
    case 'provider-region':
      return `${offer.providerId}/${offer.region}`;
    case 'provider':
      return offer.providerId;
  }
}

/** Look-up of suspensions in force; built once per decision so that each offer costs five map reads. */
export interface SuspensionIndex {
  /** Those that some offer may have, in no order; of several under one key the longest. */
  readonly inForce: readonly Suspension[];
  find(offer: Suspendable): Suspension | null;
}

/**
 * Index the suspensions in force at `nowMs` for a job. Of several on one offer the longest wins, but one that concerns this
 * job alone comes first: it must not stand in line for what it cannot use.
 */
export function indexSuspensions(
  all: readonly Suspension[],
  jobId: JobId,
  nowMs: number,
): SuspensionIndex {
  const longest = new Map<string, Suspension>();
  for (const suspension of all) {
    if (suspension.fromMs > nowMs || suspension.untilMs <= nowMs) continue;
    if (suspension.scope === 'offer-for-job' && suspension.jobId !== jobId) continue;
    const key = `${suspension.scope}:${suspension.key}`;
    const known = longest.get(key);
    if (known === undefined || outlasts(suspension, known)) longest.set(key, suspension);
  }
  if (longest.size === 0) return { inForce: [], find: () => null };
  return {
    inForce: [...longest.values()],
    find: (offer) => {
      let found: Suspension | null = null;
      for (const scope of suspensionScopes) {
        const hit = longest.get(`${scope}:${suspensionKey(scope, offer)}`);
        if (hit?.scope === 'offer-for-job') return hit;
        if (hit !== undefined && (found === null || outlasts(hit, found))) found = hit;
      }
      return found;
    },
  };
}

/** Of two that end together the reason decides, so that the order in which they were stored does not. */
function outlasts(a: Suspension, b: Suspension): boolean {
  return a.untilMs > b.untilMs || (a.untilMs === b.untilMs && a.reason < b.reason);
}
