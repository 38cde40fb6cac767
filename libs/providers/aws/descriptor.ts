import { asProviderId } from '#libs/domain';
import type { ProviderDescriptor } from '#libs/provider-kit';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** What the core needs to know of EC2; the reasons behind the figures are in README.md. */
export const descriptor: ProviderDescriptor = {
  id: asProviderId('aws'),
  displayName: 'AWS EC2',
  kind: 'hyperscaler',
  runs: 'vm',
  restartsWorkload: false,
  idempotency: 'client-token',
  quietMs: MINUTE_MS,
  callTimeoutMs: 15 * SECOND_MS,
  rateLimit: { perSecond: 10, burst: 20, concurrency: 10 },
  billing: { incrementMs: SECOND_MS, minimumMs: MINUTE_MS },
  settlementCurrency: 'USD',
  observeEveryMs: 15 * SECOND_MS,
  startLimitMs: 10 * MINUTE_MS,
  interruptionNoticeMs: 2 * MINUTE_MS,
  proves: ['hardware', 'region', 'certifications'],
  offers: { readLogs: true },
};
