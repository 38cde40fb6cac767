import type { LoopTerms } from '#libs/domain';
import type { ProviderDescriptor } from '#libs/provider-kit';

/** A running workload that has not been heard for this long is given up; the supervisor gives up on us later than that. */
export const SILENCE_LIMIT_MS = 120_000;

/** However quick a provider's starts are, one is not given up before this. */
export const SHORTEST_START_LIMIT_MS = 60_000;
/** Nor is one waited for longer than this many times the limit of a provider that was not measured. */
export const LONGEST_START_LIMIT = 3;

/**
 * The provider's manners as the loop needs them. A start is given up when all but one in a hundred there have come up, as far as
 * that is measured (`startP99Ms`), between a minute and three times the provider's own limit; while it is not, at that limit.
 */
export function loopTerms(
  descriptor: ProviderDescriptor,
  startP99Ms: number | null = null,
): LoopTerms {
  return {
    repeatable:
      descriptor.idempotency === 'client-token' || descriptor.idempotency === 'deterministic-name',
    quietMs: descriptor.quietMs + descriptor.callTimeoutMs,
    observeEveryMs: descriptor.observeEveryMs,
    startLimitMs: startLimitMs(descriptor, startP99Ms),
    silenceLimitMs: SILENCE_LIMIT_MS,
  };
}

function startLimitMs({ startLimitMs: usualMs }: ProviderDescriptor, p99Ms: number | null): number {
  // Infinity: more than one in a hundred were given up. Whether those would have come nobody knows, so the usual limit holds.
  if (p99Ms === null || p99Ms === Infinity) return usualMs;
  const shortestMs = Math.min(SHORTEST_START_LIMIT_MS, usualMs);
  return Math.min(LONGEST_START_LIMIT * usualMs, Math.max(shortestMs, Math.ceil(p99Ms)));
}
