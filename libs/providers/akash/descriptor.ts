import { asProviderId } from '#libs/domain';
import type { ProviderDescriptor } from '#libs/provider-kit';
import { BLOCK_MS } from './units';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const descriptor: ProviderDescriptor = {
  id: asProviderId('akash'),
  displayName: 'Akash Network',
  kind: 'decentralised',
  runs: 'container',
  restartsWorkload: true,
  // There is no idempotency key and a repeated create makes a second deployment; the name is what we look for first.
  idempotency: 'tag-lookup',
  quietMs: 30 * SECOND,
  // Accepting a bid delivers the manifest in up to three tries of 15 s; reading one deployment was measured at 10 s.
  callTimeoutMs: 90 * SECOND,
  // The real limits are unpublished.
  rateLimit: { perSecond: 4, burst: 8, concurrency: 4 },
  billing: { incrementMs: BLOCK_MS, minimumMs: 0 },
  settlementCurrency: 'ACT',
  observeEveryMs: 5 * SECOND,
  startLimitMs: 15 * MINUTE,
  interruptionNoticeMs: 0,
  // Location and hardware are declared by the provider; signatures and GeoIP make them likely, not proven.
  proves: [],
  offers: { readLogs: false },
};
