/** What a provider's refusal means, whatever its wire form. Adapters map their errors to these and to nothing else. */
export const providerErrorKinds = [
  'no-capacity',
  'price-moved',
  'quota-exceeded',
  'rate-limited',
  'unavailable',
  'credentials-rejected',
  'funds-exhausted',
  'request-rejected',
  'unsupported',
  'unmapped',
] as const;
export type ProviderErrorKind = (typeof providerErrorKinds)[number];

/** How much is kept out of placement: one offer, one offer for one job, one machine, a provider's region, or all of it. */
export const suspensionScopes = [
  'offer',
  'offer-for-job',
  'host',
  'provider-region',
  'provider',
] as const;
export type SuspensionScope = (typeof suspensionScopes)[number];

export interface Reaction {
  /** `same-call` is bounded by SAME_CALL_LIMIT and then becomes `next-offer`. */
  readonly next: 'same-call' | 'next-offer' | 'new-decision' | 'stop';
  readonly suspend: { readonly scope: SuspensionScope; readonly forMs: number } | null;
  /** Whether a person should look at it. */
  readonly page: boolean;
}

const MINUTE = 60_000;

/** How often one attempt repeats a call that failed in a way that may pass. */
export const SAME_CALL_LIMIT = 4;

/** The whole failover policy. A new error kind does not compile until it has a row here. */
export const reactions: { readonly [K in ProviderErrorKind]: Reaction } = {
  'no-capacity': {
    next: 'next-offer',
    suspend: { scope: 'offer', forMs: 3 * MINUTE },
    page: false,
  },
  'price-moved': {
    next: 'new-decision',
    suspend: { scope: 'offer', forMs: 1 * MINUTE },
    page: false,
  },
  'quota-exceeded': {
    next: 'next-offer',
    suspend: { scope: 'provider-region', forMs: 30 * MINUTE },
    page: true,
  },
  'rate-limited': { next: 'same-call', suspend: null, page: false },
  unavailable: { next: 'same-call', suspend: null, page: false },
  'credentials-rejected': {
    next: 'next-offer',
    suspend: { scope: 'provider', forMs: 30 * MINUTE },
    page: true,
  },
  'funds-exhausted': {
    next: 'next-offer',
    suspend: { scope: 'provider', forMs: 30 * MINUTE },
    page: true,
  },
  'request-rejected': {
    next: 'next-offer',
    suspend: { scope: 'offer-for-job', forMs: 24 * 60 * MINUTE },
    page: true,
  },
  unsupported: { next: 'stop', suspend: null, page: true },
  unmapped: { next: 'same-call', suspend: null, page: true },
};

/** How long an offer rests when the same call kept failing: the provider is backed off, never the job. */
export const EXHAUSTED_CALL_SUSPENSION = { scope: 'offer', forMs: 2 * MINUTE } as const;

/** The reason of the suspension that an open circuit is. */
export const CIRCUIT_OPEN = 'circuit-open';
