import {
  feedListSchema,
  offerPageSchema,
  priceHistorySchema,
  sheetListSchema,
  sheetViewSchema,
} from '#libs/contracts';
import { microUsd, pageRead, readFailed, usd, type PricePoint } from '#libs/domain';
import { anOffer, BUILT_AT_MS } from '#libs/testkit';
import { startGateway, type Gateway } from './testing/gateway-harness';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const offer = anOffer({ source: 'acme/prices' });
const pricesUrl = `/v1/offers/${encodeURIComponent(offer.id)}/prices`;
const terms = {
  id: 'acme/prices',
  kind: 'prices',
  everyMs: HOUR_MS,
  staleAfterMs: HOUR_MS,
} as const;

let gateway: Gateway;
let admin: string;
beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
});
afterAll(() => gateway.close());

interface Body {
  readonly type: string;
  readonly text: string;
}

function call(method: 'GET' | 'PUT' | 'DELETE', url: string, body?: Body) {
  return gateway.app.inject({
    method,
    url,
    headers: {
      authorization: admin,
      ...(body === undefined ? {} : { 'content-type': body.type }),
    },
    ...(body === undefined ? {} : { payload: body.text }),
  });
}

const iso = (atMs: number): string => new Date(atMs).toISOString();

describe('feeds', () => {
  it('say how fresh they are and what failed, and offers say what they rest on', async () => {
    const { feeds, offers, fxRates } = gateway.storage;
    await offers.replace(offer.providerId, [offer], BUILT_AT_MS);
    const nowMs = gateway.clock.nowMs();
    const state = await feeds.claim(terms, nowMs, nowMs);
    if (state === null) throw new Error('the feed is due');
    const read = pageRead(state, { cursor: null, done: true, items: 7 }, nowMs - 2 * HOUR_MS);
    await feeds.save(
      readFailed(read, { kind: 'rate-limited', text: 'slow', retryAfterMs: null }, nowMs),
    );
    await fxRates.quote([{ source: 'fx/a', token: 'AKT', usd: 1.1, readAtMs: nowMs }]);
    const rate = { usdMicro: microUsd(1_100_000), sigmaDaily: 0.05, sources: ['fx/a', 'fx/b'] };
    await fxRates.record({ token: 'AKT', atMs: nowMs, ...rate });

    const list = feedListSchema.parse((await call('GET', '/v1/feeds')).json());
    expect(list.feeds).toMatchObject([
      {
        id: 'acme/prices',
        readAt: iso(nowMs - 2 * HOUR_MS),
        stale: true,
        items: 7,
        failures: 1,
        error: { kind: 'rate-limited', text: 'slow' },
      },
    ]);
    expect(list.rates).toMatchObject([{ token: 'AKT', microUsd: 1_100_000, haircutBps: 857 }]);
    const page = offerPageSchema.parse((await call('GET', '/v1/offers')).json());
    expect(page.items).toMatchObject([
      { id: offer.id, source: 'acme/prices', readAt: iso(nowMs - 2 * HOUR_MS), stale: true },
    ]);
  });
});

describe('the prices of an offer', () => {
  const at = (daysAgo: number, hour: number): number =>
    BUILT_AT_MS - (BUILT_AT_MS % DAY_MS) - daysAgo * DAY_MS + hour * HOUR_MS;
  const past = anOffer({ instanceType: 'past' });
  const url = `/v1/offers/${encodeURIComponent(past.id)}/prices`;
  const point = (atMs: number, price: number): PricePoint => ({
    offerId: past.id,
    atMs,
    pricePerHour: usd(price),
  });
  const history = async (query = '') => {
    const answer = await call('GET', `${url}${query}`);
    expect(answer.statusCode).toBe(200);
    return priceHistorySchema.parse(answer.json());
  };

  beforeAll(async () => {
    const { prices } = gateway.storage;
    await prices.addPoints([point(at(5, 0), 1), point(at(3, 12), 2), point(at(2, 6), 4)]);
    const old = { min: usd(7), median: usd(8), max: usd(9), close: usd(7), changes: 5 };
    await prices.compact(past.id, [{ offerId: past.id, dayMs: at(10, 0), ...old }], 0);
  });

  it('are its changes, beginning with the price at the start', async () => {
    const { changes, statistics } = await history(`?from=${iso(at(4, 0))}&to=${iso(at(1, 0))}`);
    expect(changes).toEqual([
      { at: iso(at(4, 0)), pricePerHourMicroUsd: usd(1) },
      { at: iso(at(3, 12)), pricePerHourMicroUsd: usd(2) },
      { at: iso(at(2, 6)), pricePerHourMicroUsd: usd(4) },
    ]);
    expect(statistics).toMatchObject({ minMicroUsd: usd(1), maxMicroUsd: usd(4) });
  });

  it('are days, those that were put together long ago and those of the changes', async () => {
    const { days, changes } = await history(`?from=${iso(at(12, 0))}&resolution=day`);
    expect(changes).toEqual([]);
    expect(
      days.map(({ day, minMicroUsd, maxMicroUsd }) => [day, minMicroUsd, maxMicroUsd]),
    ).toEqual([
      [iso(at(10, 0)), usd(7), usd(9)],
      [iso(at(5, 0)), usd(1), usd(1)],
      [iso(at(3, 0)), usd(1), usd(2)],
      [iso(at(2, 0)), usd(2), usd(4)],
    ]);
  });

  it.each([
    [
      'an offer that nobody has heard of',
      `/v1/offers/${encodeURIComponent('a/b/c/spot')}/prices`,
      404,
    ],
    ['an end before the start', `${pricesUrl}?from=2026-02-01&to=2026-01-01`, 400],
    ['a strange day', `${pricesUrl}?from=yesterday`, 422],
  ])('are refused for %s', async (_reason, address, status) => {
    expect((await call('GET', address)).statusCode).toBe(status);
  });
});

describe('price sheets', () => {
  const csv = (text: string): Body => ({ type: 'text/csv', text });
  const good = 'provider,region,instance_type,price_per_hour,currency\nacme,north,cpu-4,0.5,EUR\n';

  it('are stored as CSV or as a document, listed, shown and removed', async () => {
    const put = await call('PUT', '/v1/price-sheets/q4?validUntil=2100-01-01', csv(good));
    expect(put.statusCode).toBe(200);
    const stored = sheetViewSchema.parse(put.json());
    expect(stored).toMatchObject({
      name: 'q4',
      inForce: true,
      validUntil: '2100-01-01T00:00:00.000Z',
      rows: [{ instanceType: 'cpu-4', pricePerHour: 0.5, currency: 'EUR' }],
    });
    expect((await call('GET', '/v1/price-sheets/q4')).json()).toEqual(put.json());
    const yaml = 'rows: [{provider: acme, region: north, instanceType: cpu-4, pricePerHour: 0.4}]';
    const document = await call('PUT', '/v1/price-sheets/q5', {
      type: 'application/yaml',
      text: yaml,
    });
    expect(document.statusCode).toBe(200);
    const list = sheetListSchema.parse((await call('GET', '/v1/price-sheets')).json());
    expect(list.items.map(({ name }) => name)).toEqual(['q4', 'q5']);
    expect((await call('DELETE', '/v1/price-sheets/q5')).statusCode).toBe(204);
    expect((await call('DELETE', '/v1/price-sheets/q5')).statusCode).toBe(404);
    expect((await call('GET', '/v1/price-sheets/q5')).statusCode).toBe(404);
  });

  it('are refused with every mistake at once', async () => {
    const bad = 'provider,region,instance_type,price_per_hour\nacme,north,a,free\n,north,b,-1\n';
    const answer = await call('PUT', '/v1/price-sheets/q6', csv(bad));
    expect(answer.statusCode).toBe(422);
    const { problems } = answer.json<{ problems: readonly { message: string }[] }>();
    expect(problems.map(({ message }) => message.slice(0, 'line 2, column'.length))).toEqual([
      'line 2, column',
      'line 3, column',
      'line 3, column',
    ]);
    expect((await call('GET', '/v1/price-sheets/q6')).statusCode).toBe(404);
  });

  it('are for those who handle money: others neither read nor change them', async () => {
    const submitter = await gateway.keyFor(['submitter']);
    const ops = await gateway.keyFor(['ops']);
    const as = (authorization: string, method: 'GET' | 'PUT') =>
      gateway.app.inject({
        method,
        url: '/v1/price-sheets/q4',
        headers: { authorization, 'content-type': 'text/csv' },
        ...(method === 'PUT' ? { payload: good } : {}),
      });
    expect((await as(submitter, 'GET')).statusCode).toBe(403);
    expect((await as(ops, 'GET')).statusCode).toBe(200);
    expect((await as(ops, 'PUT')).statusCode).toBe(403);
  });
});
