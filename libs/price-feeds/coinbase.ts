import { z } from 'zod';
import type { FxSource } from './fx-source';

const answer = z.object({
  data: z.object({ currency: z.literal('USD'), rates: z.record(z.string(), z.string()) }),
});
const MINUTE_MS = 60_000;
const tokens = ['AKT', 'USDC', 'EUR'];

/**
 * Coinbase's exchange rates (`GET /v2/exchange-rates?currency=USD`, no key): how much of each currency a dollar buys, as text,
 * so a rate is its inverse.
 */
export const coinbase: FxSource = {
  name: 'coinbase',
  baseUrl: 'https://api.coinbase.com',
  path: '/v2/exchange-rates?currency=USD',
  accept: 'application/json',
  perSecond: 1,
  everyMs: 10 * MINUTE_MS,
  staleAfterMs: 60 * MINUTE_MS,
  ratesIn: (body) => {
    const { rates } = answer.parse(JSON.parse(body)).data;
    return tokens.map((token) => ({ token, usd: 1 / Number(rates[token]) }));
  },
};
