import type { ProviderErrorKind } from '#libs/domain';

/** The only thing an adapter throws. `message` is safe to show: it holds no credential, token or workload text. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  /** The provider's own code, for people and for metrics; null when the call never got an answer. */
  readonly providerCode: string | null;
  /** How long the provider asked us to wait, or null. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: ProviderErrorKind,
    message: string,
    details: { providerCode?: string | null; retryAfterMs?: number | null; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ProviderError';
    this.kind = kind;
    this.providerCode = details.providerCode ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}
