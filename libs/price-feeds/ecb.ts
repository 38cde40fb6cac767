import type { FxSource } from './fx-source';

const HOUR_MS = 3_600_000;
/** `<Cube currency='USD' rate='1.0832'/>`: how much of the currency a euro buys. */
const DOLLAR = /<Cube\s+currency=['"]USD['"]\s+rate=['"](\d+(?:\.\d+)?)['"]/;

/**
 * The European Central Bank's reference rates (`eurofxref-daily.xml`, no key): once a working day at about 16:00 CET, so that over
 * a weekend with holidays the last one is up to five days old.
 */
export const ecb: FxSource = {
  name: 'ecb',
  baseUrl: 'https://www.ecb.europa.eu',
  path: '/stats/eurofxref/eurofxref-daily.xml',
  accept: 'application/xml',
  perSecond: 1,
  everyMs: 6 * HOUR_MS,
  staleAfterMs: 24 * HOUR_MS,
  ratesIn: (body) => [{ token: 'EUR', usd: Number(DOLLAR.exec(body)?.[1]) }],
};
