import type { PriceFeed } from '#libs/provider-kit';
import { createConsoleClient } from './client';
import type { AkashConfig } from './config';
import { descriptor } from './descriptor';

const MINUTE_MS = 60_000;
const REQUEST_TIMEOUT_MS = 15_000;

/**
 * What AKT is worth by the Console API (`GET /v1/market-data`, public), one source of several. Leases are paid in ACT, which is
 * pegged to the dollar, so no price rests on it; self-custody gas and stakes are counted in AKT. The market itself, its GPU
 * prices and who offers what, is the provider's listing.
 */
export function aktRateFeed({ baseUrl, apiKey }: AkashConfig): PriceFeed {
  const client = createConsoleClient(baseUrl, apiKey);
  return {
    id: `${descriptor.id}/market-data`,
    kind: 'fx',
    owner: descriptor.id,
    everyMs: 15 * MINUTE_MS,
    staleAfterMs: 90 * MINUTE_MS,
    rateLimit: { perSecond: 1, burst: 1, concurrency: 1 },
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    read: async (_cursor, call) => {
      const usd = await call.ask((signal) => client.readAktPrice(signal));
      return { items: [{ token: 'AKT', usd }], cursor: null, done: true };
    },
  };
}
