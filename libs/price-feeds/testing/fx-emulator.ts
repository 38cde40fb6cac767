import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

const LOOPBACK = '127.0.0.1';

/** What the emulated world takes a unit to be worth, in dollars; about what AKT and the euro were worth in 2026. */
const WORTH: Readonly<Record<string, number>> = { AKT: 1.1, USDC: 1, EUR: 1.16 };

/** How a source can fail: refused, broken, cut off, or gone wrong by a factor. */
export type FxFault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'silent' };

/** Public sources of rates on loopback, each in its own words. */
export interface FxEmulator {
  readonly baseUrl: string;
  /** Sets what a unit is worth from now on, to all sources or to one. */
  setRate(token: string, usd: number, source?: string): void;
  /** Makes the next requests to a source fail, one each. */
  failNext(source: string, ...faults: readonly FxFault[]): void;
  close(): Promise<void>;
}

type Rates = (token: string) => number;

interface Site {
  readonly source: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: (rates: Rates, query: URLSearchParams) => string;
}

const sites: readonly Site[] = [
  {
    source: 'coinbase',
    path: '/v2/exchange-rates',
    contentType: 'application/json',
    body: (rates) => {
      const inverse = Object.keys(WORTH).map((token) => [token, String(1 / rates(token))]);
      return JSON.stringify({
        data: {
          currency: 'USD',
          rates: { USD: '1.0', GBP: '0.75', ...Object.fromEntries(inverse) },
        },
      });
    },
  },
  {
    source: 'kraken',
    path: '/0/public/Ticker',
    contentType: 'application/json',
    body: (rates, query) => {
      const pairs = (query.get('pair') ?? '').split(',');
      const unknown = pairs.filter((pair) => !(pair.slice(0, -'USD'.length) in WORTH));
      if (unknown.length > 0) return JSON.stringify({ error: ['EQuery:Unknown asset pair'] });
      const ticker = pairs.map((pair) => {
        const price = rates(pair.slice(0, -'USD'.length)).toFixed(5);
        const name = pair === 'EURUSD' ? 'ZEURZUSD' : pair;
        return [
          name,
          { a: [price, '1', '1.000'], b: [price, '1', '1.000'], c: [price, '12.5'], o: price },
        ];
      });
      return JSON.stringify({ error: [], result: Object.fromEntries(ticker) });
    },
  },
  {
    source: 'coingecko',
    path: '/api/v3/simple/price',
    contentType: 'application/json',
    body: (rates, query) => {
      const coins: Readonly<Record<string, string>> = {
        'akash-network': 'AKT',
        'usd-coin': 'USDC',
      };
      const asked = (query.get('ids') ?? '').split(',').filter((coin) => coin in coins);
      return JSON.stringify(
        Object.fromEntries(asked.map((coin) => [coin, { usd: rates(coins[coin] ?? '') }])),
      );
    },
  },
  {
    source: 'ecb',
    path: '/stats/eurofxref/eurofxref-daily.xml',
    contentType: 'text/xml',
    body: (rates) =>
      `<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <Cube><Cube time='2026-11-20'>
    <Cube currency='USD' rate='${rates('EUR').toFixed(4)}'/>
    <Cube currency='JPY' rate='171.13'/>
  </Cube></Cube>
</gesmes:Envelope>`,
  },
];

/** Starts them all at one address on a free port. */
export async function startFxEmulator(): Promise<FxEmulator> {
  const worth = new Map<string, number>(Object.entries(WORTH));
  const faults = new Map<string, readonly FxFault[]>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', `http://${LOOPBACK}`);
    const site = sites.find(({ path }) => path === pathname);
    if (site === undefined) return respond(response, 404, 'text/plain', 'no such page');
    const [fault, ...rest] = faults.get(site.source) ?? [];
    faults.set(site.source, rest);
    const rates = (token: string): number =>
      worth.get(`${site.source} ${token}`) ?? worth.get(token) ?? Number.NaN;
    const body = site.body(rates, searchParams);
    if (fault === undefined) return respond(response, 200, site.contentType, body);
    fail(response, fault, body);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the emulator has no port');
  return {
    baseUrl: `http://${LOOPBACK}:${address.port}`,
    setRate: (token, usd, source) =>
      void worth.set(source === undefined ? token : `${source} ${token}`, usd),
    failNext: (source, ...wanted) =>
      void faults.set(source, [...(faults.get(source) ?? []), ...wanted]),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function respond(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}

function fail(response: ServerResponse, fault: FxFault, body: string): void {
  if (fault.kind === 'silent') return;
  if (fault.kind === 'truncated')
    return respond(response, 200, 'application/json', body.slice(0, body.length / 3));
  const { status, retryAfterSeconds } = fault;
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  respond(response, status, 'text/plain', 'refused');
}
