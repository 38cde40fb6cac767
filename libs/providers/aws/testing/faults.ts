import type { Fault } from '#libs/provider-kit';
import type { Query } from './wire';
import { WireError } from './wire';

type Verb = Fault['verb'];

interface Wording {
  readonly code: string;
  readonly status: number;
  /** Null: every verb can end so. */
  readonly only: Verb | null;
}

/** How EC2 says each kind; it has no words for an account without funds. */
const wordings: { readonly [K in Exclude<Fault['as'], 'timeout'>]: Wording | null } = {
  'no-capacity': { code: 'InsufficientInstanceCapacity', status: 500, only: 'acquire' },
  'price-moved': { code: 'SpotMaxPriceTooLow', status: 400, only: 'acquire' },
  'quota-exceeded': { code: 'VcpuLimitExceeded', status: 400, only: 'acquire' },
  'rate-limited': { code: 'RequestLimitExceeded', status: 503, only: null },
  unavailable: { code: 'Unavailable', status: 503, only: null },
  'credentials-rejected': { code: 'AuthFailure', status: 401, only: null },
  'funds-exhausted': null,
  'request-rejected': { code: 'InvalidParameterValue', status: 400, only: null },
  unsupported: { code: 'InvalidAction', status: 400, only: null },
  unmapped: { code: 'NotInAnyDocument', status: 400, only: null },
};

interface Pending {
  readonly fault: Fault;
  left: number;
  /** A verb may ask all regions at once; only one of them fails, so that a fault counts calls and not requests. */
  region: string | null;
}

/** What is to happen to a request: null `error` leaves it unanswered. */
export interface Blow {
  readonly when: Fault['when'];
  readonly error: WireError | null;
}

/** Faults waiting for their calls. */
export class Faults {
  private pending: readonly Pending[] = [];

  add(fault: Fault): void {
    if (fault.as !== 'timeout') wordingOf(fault.as, fault.verb);
    this.pending = [...this.pending, { fault, left: fault.times ?? 1, region: null }];
  }

  take(verb: Verb | null, region: string): Blow | null {
    const hit = this.pending.find(
      (each) => each.fault.verb === verb && (each.region ?? region) === region,
    );
    if (hit === undefined) return null;
    hit.left -= 1;
    hit.region = region;
    this.pending = this.pending.filter(({ left }) => left > 0);
    return { when: hit.fault.when, error: errorOf(hit.fault) };
  }
}

/** The verb that a request belongs to, or null when it is only a later part of one. */
export function verbOf(action: string, query: Query): Verb | null {
  if (query.get('NextToken') !== null) return null;
  if (action === 'DescribeInstances') return verbOfSearch(query);
  return verbsOfActions[action] ?? null;
}

const verbsOfActions: Readonly<Record<string, Verb>> = {
  RunInstances: 'acquire',
  TerminateInstances: 'release',
  DescribeInstanceTypeOfferings: 'listOffers',
};

/** A release by key alone first looks for what can still be terminated. */
function verbOfSearch(query: Query): Verb {
  if (query.filter('tag-key') !== null) return 'listLeases';
  return query.filter('instance-state-name') === null ? 'observe' : 'release';
}

function errorOf({ as, verb }: Fault): WireError | null {
  if (as === 'timeout') return null;
  const { code, status } = wordingOf(as, verb);
  return new WireError(code, 'This answer was asked for in advance', status);
}

function wordingOf(as: Exclude<Fault['as'], 'timeout'>, verb: Verb): Wording {
  const wording = wordings[as];
  if (wording === null || (wording.only !== null && wording.only !== verb)) {
    throw new Error(`EC2 has no words for ${as} in ${verb}`);
  }
  return wording;
}
