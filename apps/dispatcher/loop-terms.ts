import type { LoopTerms } from '#libs/domain';
import type { ProviderDescriptor } from '#libs/provider-kit';

/** A running workload that has not been heard for this long is given up; the supervisor gives up on us later than that. */
export const SILENCE_LIMIT_MS = 120_000;

/** The provider's manners as the loop needs them. */
export function loopTerms(descriptor: ProviderDescriptor): LoopTerms {
  return {
    repeatable:
      descriptor.idempotency === 'client-token' || descriptor.idempotency === 'deterministic-name',
    quietMs: descriptor.quietMs + descriptor.callTimeoutMs,
    observeEveryMs: descriptor.observeEveryMs,
    startLimitMs: descriptor.startLimitMs,
    silenceLimitMs: SILENCE_LIMIT_MS,
  };
}
