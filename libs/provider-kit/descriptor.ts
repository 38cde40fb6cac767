import type { ProviderId, ProviderKind } from '#libs/domain';

/** How a repeated `acquire` finds the first one. The last two need a quiet read before they may ask again. */
export type Idempotency = 'client-token' | 'deterministic-name' | 'tag-lookup' | 'none';

/** Everything the core would otherwise write as `if (provider === ...)`. */
export interface ProviderDescriptor {
  readonly id: ProviderId;
  readonly displayName: string;
  readonly kind: ProviderKind;
  /** Whether a lease is a machine that boots user data, or a container with a command. */
  readonly runs: 'vm' | 'container';
  /** A finished container is started again by the platform, so the supervisor must idle instead of exiting. */
  readonly restartsWorkload: boolean;
  readonly idempotency: Idempotency;
  /** Read-after-write lag: an accepted lease may be missing from reads for this long. */
  readonly quietMs: number;
  /** Bound of one call, all of its requests included. */
  readonly callTimeoutMs: number;
  readonly rateLimit: {
    readonly perSecond: number;
    readonly burst: number;
    readonly concurrency: number;
  };
  readonly billing: { readonly incrementMs: number; readonly minimumMs: number };
  readonly settlementCurrency: string;
  /** How often a live lease is looked at. */
  readonly observeEveryMs: number;
  /** Give up on a start after this long. */
  readonly startLimitMs: number;
  readonly interruptionNoticeMs: number;
  /** What the provider can prove about where and on what the workload runs. */
  readonly proves: readonly ('hardware' | 'region' | 'confidential-computing' | 'certifications')[];
  readonly offers: { readonly readLogs: boolean };
}
