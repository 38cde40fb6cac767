import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { asAttemptId } from '#libs/domain';
import { ManualClock } from '#libs/testkit';
import { startAkashEmulator, type AkashEmulator, type AkashEmulatorSettings } from './emulator';

const MINUTE = 60_000;

interface World {
  readonly emulator: AkashEmulator;
  readonly clock: ManualClock;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0)) await each();
});

describe('the door', () => {
  it('opens for the key in its own header alone', async () => {
    const { call, emulator } = await start();
    const { apiKey } = z.object({ apiKey: z.string() }).parse(emulator.config);
    const noKey = { 'x-api-key': '' };
    const bearer = { authorization: `Bearer ${apiKey}` };
    expect((await call('GET', '/v1/deployments', { headers: noKey })).status).toBe(401);
    expect(
      (await call('GET', '/v1/deployments', { headers: { ...noKey, ...bearer } })).status,
    ).not.toBe(200);
    expect((await call('GET', '/v1/deployments', { headers: bearer })).status).toBe(400);
    expect((await call('GET', '/v1/deployments')).status).toBe(200);
    expect((await call('GET', '/v1/providers', { headers: noKey })).status).toBe(200);
  });

  it('refuses another content type with nothing but an error text', async () => {
    const { call } = await start();
    const answer = await call('POST', '/v1/deployments', {
      body: {},
      headers: { 'content-type': 'text/plain' },
    });
    expect(answer).toEqual({ status: 400, body: { error: expect.any(String) } });
  });

  it('refuses unknown shapes in the full error form', async () => {
    const { call } = await start();
    const answer = await call('POST', '/v1/deployments', { body: { sdl: 'bare' } });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'validation_error', data: [{ path: ['data'] }] },
    });
  });

  it('answers catalogues bare and the rest in an envelope', async () => {
    const { call } = await start();
    expect(Array.isArray((await call('GET', '/v1/providers')).body)).toBe(true);
    expect((await call('GET', '/v1/gpu-prices')).body).toMatchObject({ models: expect.any(Array) });
    expect((await call('GET', '/v1/deployments')).body).toMatchObject({
      data: { deployments: [] },
    });
  });
});

describe('an order', () => {
  it('is answered 201 with a number in text, a manifest and a transaction', async () => {
    const { call, clock } = await start();
    const answer = await create(call);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      data: { dseq: String(clock.nowMs()), manifest: expect.any(String), signTx: { code: 0 } },
    });
  });

  it('repeated makes another one, with the same hash', async () => {
    const { call } = await start();
    const [first, second] = [dseqOf(await create(call)), dseqOf(await create(call))];
    expect(first).not.toBe(second);
    const hash = async (dseq: string) =>
      detailSchema.parse((await call('GET', `/v1/deployments/${dseq}`)).body);
    expect((await hash(first)).data.deployment.hash).toBe(
      (await hash(second)).data.deployment.hash,
    );
  });

  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ gpu: { units: 1 } }, 'GPUs without attributes'],
    [{ gpu: { units: 0, attributes: { vendor: { nvidia: null } } } }, 'attributes without GPUs'],
    [{ cpu: { units: 1_000 } }, 'more CPUs than a unit may have'],
  ])('for %j is refused: %s', async (change) => {
    const { call } = await start();
    expect(await create(call, { change })).toMatchObject({
      status: 400,
      body: { code: 'bad_request' },
    });
  });

  it('for nothing reachable is taken, and then refused by the provider while the lease is charged', async () => {
    const { call, clock, emulator } = await start();
    const dseq = dseqOf(await create(call, { global: false }));
    clock.advance(40_000);
    const [bid] = await openBids(call, dseq);
    const answer = await call('POST', '/v1/leases', { body: { leases: [keyOf(bid)] } });
    expect(answer).toMatchObject({ status: 502, body: { code: 'manifest_not_delivered' } });
    expect(emulator.leases()).toMatchObject([{ running: true }]);
    clock.advance(5 * MINUTE);
    expect((await call('GET', `/v1/deployments/${dseq}`)).body).toMatchObject({
      data: {
        deployment: { state: 'active' },
        leases: [{ state: 'closed', reason: 'lease_closed_reason_manifest_timeout' }],
        escrow_account: { state: { state: 'open' } },
      },
    });
  });

  it('that draws no lease is swept after ten minutes; one that had a lease never is', async () => {
    const { call, clock, emulator } = await start();
    const idle = dseqOf(await create(call));
    const led = dseqOf(await create(call));
    clock.advance(40_000);
    await call('POST', '/v1/leases', { body: { leases: [keyOf((await openBids(call, led))[0])] } });
    emulator.interrupt(ourKey, 0);
    clock.advance(20 * MINUTE);
    const states = async (dseq: string) =>
      detailSchema.parse((await call('GET', `/v1/deployments/${dseq}`)).body).data.deployment.state;
    expect(await states(idle)).toBe('closed');
    expect(await states(led)).toBe('active');
  });
});

describe('bids', () => {
  it('arrive one by one, are withdrawn after five minutes, and never come from the unaudited', async () => {
    const { call, clock } = await start();
    const dseq = dseqOf(await create(call));
    expect(await openBids(call, dseq)).toEqual([]);
    clock.advance(31_000);
    const bids = await allBids(call, dseq);
    expect(new Set(bids.map(({ state }) => state))).toEqual(new Set(['open', 'closed']));
    expect(bids.every(({ id }) => !id.provider.includes('garage'))).toBe(true);
    expect(bids.every(({ price }) => /^\d+\.\d{18}$/.test(price.amount))).toBe(true);
    clock.advance(5 * MINUTE);
    expect(await openBids(call, dseq)).toEqual([]);
  });

  it('lose when another is taken, and the taken one cannot be changed for another', async () => {
    const { call, clock } = await start();
    const dseq = dseqOf(await create(call));
    clock.advance(31_000);
    const [one, other] = await openBids(call, dseq);
    await call('POST', '/v1/leases', { body: { leases: [keyOf(one)] } });
    const again = await call('POST', '/v1/leases', { body: { leases: [keyOf(other)] } });
    expect(again).toMatchObject({
      status: 200,
      body: { data: { leases: [{ id: { provider: one?.id.provider } }] } },
    });
    const states = (await allBids(call, dseq)).map(({ state }) => state);
    expect(states).toContain('lost');
    expect(states.filter((state) => state === 'active')).toHaveLength(1);
  });

  it('are not made above the ceiling', async () => {
    const { call, clock } = await start();
    const dseq = dseqOf(await create(call, { amount: 1 }));
    clock.advance(60_000);
    expect(await allBids(call, dseq)).toEqual([]);
  });
});

describe('the escrow', () => {
  it('is topped up to two days, is settled late, and is refunded on close', async () => {
    const { call, clock, emulator } = await start();
    const before = emulator.balanceUsd();
    const dseq = dseqOf(await create(call, { change: { cpu: { units: 8 } } }));
    clock.advance(31_000);
    await call('POST', '/v1/leases', {
      body: { leases: [keyOf((await openBids(call, dseq))[0])] },
    });
    expect(before - emulator.balanceUsd()).toBeGreaterThan(0.5);
    clock.advance(9 * MINUTE);
    expect(await transferred(call, dseq)).toBe(0);
    clock.advance(2 * MINUTE);
    expect(await transferred(call, dseq)).toBeGreaterThan(0);
    const [book] = emulator.leases();
    await call('DELETE', `/v1/deployments/${dseq}`);
    expect(emulator.balanceUsd()).toBeCloseTo(before - (book?.chargedMicroUsd ?? 0) / 1e6, 6);
    expect((await call('DELETE', `/v1/deployments/${dseq}`)).status).toBe(200);
    expect((await call('DELETE', '/v1/deployments/1')).status).toBe(404);
  });
});

describe('lists', () => {
  it('say that there is more only when both ends of the page were asked for', async () => {
    const { call } = await start();
    for (let count = 0; count < 12; count += 1) await create(call);
    const more = async (query: string) =>
      pageSchema.parse((await call('GET', `/v1/deployments${query}`)).body).data;
    expect((await more('?limit=5')).pagination.hasMore).toBe(false);
    expect((await more('?skip=0&limit=5')).pagination.hasMore).toBe(true);
    expect((await more('?skip=10&limit=100')).deployments).toHaveLength(2);
    expect((await more('?state=closed&skip=0&limit=10')).deployments).toHaveLength(0);
  });
});

describe('generations', () => {
  it('of August want a deposit and a manifest, keep no names, and count in millionths', async () => {
    const { call, clock, emulator } = await start({ generation: 'august' });
    expect(await create(call, { deposit: null })).toMatchObject({
      status: 400,
      body: { message: 'deposit is required' },
    });
    emulator.setBalanceUsd(1);
    expect(await create(call)).toMatchObject({ status: 402, body: { code: 'unknown_error' } });
    emulator.setBalanceUsd(100);
    const dseq = dseqOf(await create(call));
    expect((await call('GET', '/v1/balances')).body).toMatchObject({
      data: { balance: 98_000_000, deployments: 2_000_000 },
    });
    expect((await call('GET', `/v1/deployments/${dseq}`)).body).not.toHaveProperty('data.name');
    clock.advance(31_000);
    const [bid] = await openBids(call, dseq);
    expect((await call('POST', '/v1/leases', { body: { leases: [keyOf(bid)] } })).status).toBe(400);
    expect(
      (await call('POST', '/v1/leases', { body: { manifest: '[]', leases: [keyOf(bid)] } })).status,
    ).toBe(200);
    expect((await call('GET', '/v1/deployment-funding-config')).status).toBe(404);
  });

  it('since then keep names and records, count in dollars and close in the background when asked', async () => {
    const { call } = await start();
    const dseq = dseqOf(await create(call));
    expect((await call('GET', '/v1/balances')).body).toMatchObject({ data: { deployments: 0.5 } });
    expect((await call('GET', `/v1/deployments/${dseq}`)).body).toMatchObject({
      data: { name: 'ours', consoleSettings: { sdl: expect.any(String) } },
    });
    expect((await call('DELETE', `/v1/deployments/${dseq}?async=true`)).status).toBe(202);
    expect((await call('GET', `/v1/activities/${dseq}`)).body).toMatchObject({
      data: { status: 'succeeded' },
    });
  });

  it('close idle orders of a trial account at every new one', async () => {
    const { call } = await start({ trial: true });
    const first = dseqOf(await create(call));
    await create(call);
    expect((await call('GET', `/v1/deployments/${first}`)).body).toMatchObject({
      data: { deployment: { state: 'closed' } },
    });
  });
});

describe('faults', () => {
  it('that Akash has no words for cannot be arranged', async () => {
    const { emulator } = await start();
    expect(() => emulator.inject({ verb: 'acquire', when: 'before', as: 'price-moved' })).toThrow(
      RangeError,
    );
    expect(() => emulator.inject({ verb: 'observe', when: 'before', as: 'no-capacity' })).toThrow(
      RangeError,
    );
  });

  it('say when to come back', async () => {
    const { emulator } = await start();
    emulator.inject({ verb: 'listLeases', when: 'before', as: 'rate-limited' });
    const { baseUrl, apiKey } = z
      .object({ baseUrl: z.string(), apiKey: z.string() })
      .parse(emulator.config);
    const response = await fetch(`${baseUrl}/v1/deployments`, { headers: { 'x-api-key': apiKey } });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2']);
  });
});

const ourKey = asAttemptId('att-0001');

const bidSchema = z.object({
  id: z.object({ dseq: z.string(), gseq: z.number(), oseq: z.number(), provider: z.string() }),
  state: z.string(),
  price: z.object({ denom: z.literal('uact'), amount: z.string() }),
});
type WireBid = z.infer<typeof bidSchema>;
const detailSchema = z.object({
  data: z.object({
    deployment: z.object({ hash: z.string(), state: z.string() }),
    escrow_account: z.object({
      state: z.object({ transferred: z.array(z.object({ amount: z.string() })) }),
    }),
  }),
});
const pageSchema = z.object({
  data: z.object({
    deployments: z.array(z.unknown()),
    pagination: z.object({ hasMore: z.boolean() }),
  }),
});

async function start(settings: Partial<AkashEmulatorSettings> = {}): Promise<World> {
  const rootDir = await mkdtemp(join(tmpdir(), 'fairlead-akash-'));
  const clock = new ManualClock(1_700_000_000_000);
  const emulator = await startAkashEmulator({ rootDir, clock, delayFactor: 1, seed: 3 }, settings);
  emulator.setReadLag(0);
  close.push(async () => {
    await emulator.close();
    await rm(rootDir, { recursive: true, force: true, maxRetries: 3 });
  });
  const { baseUrl, apiKey } = z
    .object({ baseUrl: z.string(), apiKey: z.string() })
    .parse(emulator.config);
  return {
    emulator,
    clock,
    call: async (method, path, { body, headers = {} } = {}) => {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { 'x-api-key': apiKey, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
  };
}

interface OrderOptions {
  readonly change?: Readonly<Record<string, unknown>>;
  readonly global?: boolean;
  readonly amount?: number;
  readonly deposit?: number | null;
}

function create(call: World['call'], options: OrderOptions = {}): Promise<Answer> {
  const { change = {}, global = true, amount = 1_000, deposit = 2 } = options;
  const resources = {
    cpu: { units: 1 },
    memory: { size: '512Mi' },
    storage: { size: '1Gi' },
    ...change,
  };
  const sdl = stringify({
    version: '2.0',
    services: {
      web: {
        image: 'example.org/web',
        command: ['sh', '-c'],
        args: ['while :; do sleep 0.2; done'],
        env: [`FAIRLEAD_LEASE=${ourKey}`],
        expose: [{ port: 8080, as: 8080, to: [{ global }] }],
      },
    },
    profiles: {
      compute: { web: { resources } },
      placement: { any: { pricing: { web: { denom: 'uakt', amount } } } },
    },
    deployment: { web: { any: { profile: 'web', count: 1 } } },
  });
  return call('POST', '/v1/deployments', {
    body: { data: { sdl, name: 'ours', ...(deposit === null ? {} : { deposit }) } },
  });
}

const dseqOf = ({ body }: Answer): string =>
  z.object({ data: z.object({ dseq: z.string() }) }).parse(body).data.dseq;

async function allBids(call: World['call'], dseq: string): Promise<readonly WireBid[]> {
  const { body } = await call('GET', `/v1/bids?dseq=${dseq}`);
  return z
    .object({ data: z.array(z.object({ bid: bidSchema })) })
    .parse(body)
    .data.map(({ bid }) => bid);
}

async function openBids(call: World['call'], dseq: string): Promise<readonly WireBid[]> {
  return (await allBids(call, dseq)).filter(({ state }) => state === 'open');
}

function keyOf(bid: WireBid | undefined): WireBid['id'] {
  if (bid === undefined) throw new Error('there is no such bid');
  return bid.id;
}

async function transferred(call: World['call'], dseq: string): Promise<number> {
  const { data } = detailSchema.parse((await call('GET', `/v1/deployments/${dseq}`)).body);
  return Number(data.escrow_account.state.transferred[0]?.amount);
}
