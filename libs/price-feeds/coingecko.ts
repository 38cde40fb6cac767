import { z } from 'zod';
import type { FxSource } from './fx-source';

const answer = z.record(z.string(), z.object({ usd: z.number().optional() }));
const MINUTE_MS = 60_000;
/** Its own names of coins. It knows no fiat currencies against the dollar. */
const coins: Readonly<Record<string, string>> = { 'akash-network': 'AKT', 'usd-coin': 'USDC' };

/** CoinGecko's simple price (`GET /api/v3/simple/price`, no key, a few calls a minute): an average over exchanges. */
export const coingecko: FxSource = {
  name: 'coingecko',
  baseUrl: 'https://api.coingecko.com',
  path: `/api/v3/simple/price?ids=${Object.keys(coins).join(',')}&vs_currencies=usd`,
  accept: 'application/json',
  perSecond: 0.1,
  everyMs: 15 * MINUTE_MS,
  staleAfterMs: 90 * MINUTE_MS,
  ratesIn: (body) =>
    Object.entries(answer.parse(JSON.parse(body))).flatMap(([coin, { usd }]) => {
      const token = coins[coin];
      return token === undefined || usd === undefined ? [] : [{ token, usd }];
    }),
};
