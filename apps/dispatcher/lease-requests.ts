import type { Attempt } from '#libs/domain';
import type { LeaseRequest } from '#libs/provider-kit';

/** Builds what a provider is asked for. The same attempt always yields the same bytes, so that a repeat is a repeat. */
export abstract class LeaseRequests {
  abstract for(attempt: Attempt): Promise<LeaseRequest>;
}
