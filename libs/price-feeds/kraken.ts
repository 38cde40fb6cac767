import { z } from 'zod';
import type { FxSource } from './fx-source';

/** `c` is the last trade: its price and its volume. */
const answer = z.object({
  error: z.array(z.string()).max(0),
  result: z.record(z.string(), z.object({ c: z.tuple([z.string()]).rest(z.string()) })),
});
const MINUTE_MS = 60_000;
/** Kraken answers old pairs under names of their own, whatever they were asked by. */
const pairs: Readonly<Record<string, string>> = {
  AKTUSD: 'AKT',
  USDCUSD: 'USDC',
  EURUSD: 'EUR',
  ZEURZUSD: 'EUR',
};

/** Kraken's ticker (`GET /0/public/Ticker`, no key): the last trade in dollars. Errors come with status 200, in a list. */
export const kraken: FxSource = {
  name: 'kraken',
  baseUrl: 'https://api.kraken.com',
  path: '/0/public/Ticker?pair=AKTUSD,USDCUSD,EURUSD',
  accept: 'application/json',
  perSecond: 1,
  everyMs: 10 * MINUTE_MS,
  staleAfterMs: 60 * MINUTE_MS,
  ratesIn: (body) => {
    const { result } = answer.parse(JSON.parse(body));
    return Object.entries(result).flatMap(([pair, { c }]) => {
      const token = pairs[pair];
      return token === undefined ? [] : [{ token, usd: Number(c[0]) }];
    });
  },
};
