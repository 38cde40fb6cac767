import type { ProviderErrorKind } from '#libs/domain';
import type { Fault } from '#libs/provider-kit';
import { ApiError } from './api-error';

type Verb = Fault['verb'];

/** What the Console says where it means each kind; a kind without a row cannot be said. */
const wireForms: { readonly [K in ProviderErrorKind]?: () => ApiError } = {
  'rate-limited': () =>
    new ApiError(429, 'rate_limited', 'Too many requests', { retryAfterSeconds: 2 }),
  unavailable: () => new ApiError(502, 'database_timeout', 'Database connection timed out'),
  'credentials-rejected': () => new ApiError(401, 'unauthorized', 'Invalid API key'),
  // Not the Console's but its edge's.
  unmapped: () => new ApiError(520, 'edge', 'Web server is returning an unknown error'),
  'quota-exceeded': () => new ApiError(403, 'forbidden', 'Fair-use limit reached'),
  'funds-exhausted': () => new ApiError(402, 'insufficient_balance', 'Insufficient balance'),
  'request-rejected': () => new ApiError(400, 'bad_request', 'Invalid SDL: refused'),
};

/** Kinds that only an order is answered with. */
const ONLY_FOR_ACQUIRE: ReadonlySet<Fault['as']> = new Set<Fault['as']>([
  'no-capacity',
  'quota-exceeded',
  'funds-exhausted',
  'request-rejected',
]);

/** The reply is never sent. */
export class Unanswered extends Error {}

/** Faults in the order of asking; each is used up by the first request that belongs to its verb. */
export class FaultQueue {
  private readonly waiting: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    const known = fault.as === 'timeout' || fault.as === 'no-capacity' || fault.as in wireForms;
    const misplaced = ONLY_FOR_ACQUIRE.has(fault.as) && fault.verb !== 'acquire';
    if (!known || misplaced || (fault.as === 'no-capacity' && fault.when === 'after'))
      throw new RangeError(`Akash has no words for ${fault.as} ${fault.when} ${fault.verb}`);
    this.waiting.push({ fault, left: fault.times ?? 1 });
  }

  /** Throws the fault that is due for a request of one of these verbs, if any is. */
  strike(when: Fault['when'], verbs: readonly Verb[]): void {
    const next = this.next((fault) => fault.when === when && verbs.includes(fault.verb));
    if (next === undefined || next.fault.as === 'no-capacity') return;
    const { as } = this.use(next);
    if (as === 'timeout') throw new Unanswered();
    if (as !== 'no-capacity') throw wireForms[as]?.();
  }

  /** Whether this order is to meet a market without bidders. */
  emptiesMarket(): boolean {
    const next = this.next((fault) => fault.as === 'no-capacity');
    if (next !== undefined) this.use(next);
    return next !== undefined;
  }

  private next(matches: (fault: Fault) => boolean) {
    return this.waiting.find(({ fault }) => matches(fault));
  }

  private use(entry: { readonly fault: Fault; left: number }): Fault {
    entry.left -= 1;
    if (entry.left <= 0) this.waiting.splice(this.waiting.indexOf(entry), 1);
    return entry.fault;
  }
}
