import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as realWait } from 'node:timers/promises';
import { asAttemptId, usd, type Offer } from '#libs/domain';
import type { LeaseObservation, LeaseRef, LeaseRequest, ProviderAdapter } from '#libs/provider-kit';
import { ManualClock } from '#libs/testkit';
import { akash } from './index';
import {
  startAkashEmulator,
  type AkashEmulator,
  type AkashEmulatorSettings,
} from './testing/emulator';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const STAYS = 'while :; do sleep 0.2; done';

interface World {
  readonly adapter: ProviderAdapter;
  readonly emulator: AkashEmulator;
  readonly clock: ManualClock;
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

describe('an order on the market', () => {
  it('waits for bids to gather and goes to the cheapest audited provider that stands by its bid', async () => {
    const world = await start();
    const request = await requestFor(world);
    const placed = await acquire(world, request);
    expect(placed).toMatchObject({ state: 'starting', pricePerHour: null });
    expect(await observe(world, request)).toMatchObject({ state: 'starting', pricePerHour: null });
    world.clock.advance(40 * SECOND);
    const leased = await observe(world, request);
    expect(leased.externalId).toBe(placed.externalId);
    // The unaudited provider asks 70 % of the market and the fickle one 88 %; the next in that country asks 94 %.
    const share = (leased.pricePerHour ?? 0) / request.offer.pricePerHour;
    expect(share).toBeCloseTo(0.94, 2);
    const seen = await untilState(world, request, 'active');
    expect(seen).toMatchObject({ cause: null, pricePerHour: leased.pricePerHour });
  });

  it('that nobody takes ends as no-capacity, and its release gives the deposit back', async () => {
    const world = await start();
    const before = world.emulator.balanceUsd();
    world.emulator.withholdBids(true);
    const request = await requestFor(world);
    await acquire(world, request);
    world.clock.advance(89 * SECOND);
    expect(await observe(world, request)).toMatchObject({ state: 'starting' });
    world.clock.advance(1 * SECOND);
    expect(await observe(world, request)).toMatchObject({ state: 'ended', cause: 'no-capacity' });
    expect(world.emulator.balanceUsd()).toBeLessThan(before);
    expect(await release(world, request)).toMatchObject({ state: 'gone' });
    expect(world.emulator.balanceUsd()).toBe(before);
  });

  it('takes another bid when the best one is gone between look and lease', async () => {
    const world = await start();
    const request = await requestFor(world);
    await acquire(world, request);
    world.clock.advance(40 * SECOND);
    world.emulator.snatchBids(1);
    expect(await observe(world, request)).toMatchObject({ state: 'starting', pricePerHour: null });
    const leased = await observe(world, request);
    expect((leased.pricePerHour ?? 0) / request.offer.pricePerHour).toBeCloseTo(0.97, 2);
  });

  it('that could not be found again is not placed', async () => {
    const world = await start();
    const request = await requestFor(world);
    const leaseKey = asAttemptId('somebody_else');
    await expect(acquire(world, { ...request, leaseKey })).rejects.toMatchObject({
      kind: 'request-rejected',
    });
    expect(world.emulator.leases()).toEqual([]);
  });

  it('stays in the country that was asked for', async () => {
    const world = await start();
    const request = await requestFor(
      world,
      ({ country, gpu }) => country === 'DE' && gpu?.model === 'RTX4090',
    );
    await acquire(world, request);
    world.clock.advance(40 * SECOND);
    const leased = await observe(world, request);
    expect((leased.pricePerHour ?? 0) / request.offer.pricePerHour).toBeCloseTo(0.96, 2);
  });
});

describe('a manifest that is lost', () => {
  it('is sent again by the next observation', async () => {
    const world = await start();
    world.emulator.loseManifests(2);
    const request = await requestFor(world);
    await acquire(world, request);
    world.clock.advance(40 * SECOND);
    expect(await observe(world, request)).toMatchObject({ state: 'starting' });
    expect(world.emulator.leases()).toMatchObject([{ running: true }]);
    await untilState(world, request, 'active');
  });

  it('for good ends the lease as the failure of the provider, which must still be released', async () => {
    const world = await start();
    const before = world.emulator.balanceUsd();
    world.emulator.loseManifests(1_000);
    const request = await requestFor(world);
    await acquire(world, request);
    world.clock.advance(40 * SECOND);
    await observe(world, request);
    world.clock.advance(5 * MINUTE);
    expect(await observe(world, request)).toMatchObject({
      state: 'ended',
      cause: 'provider-failed',
    });
    expect(await world.adapter.listLeases(context(world))).toMatchObject([{ state: 'ended' }]);
    await release(world, request);
    const [book] = world.emulator.leases();
    expect(book?.chargedMicroUsd).toBeGreaterThan(0);
    expect(world.emulator.balanceUsd()).toBeCloseTo(before - (book?.chargedMicroUsd ?? 0) / 1e6, 6);
  });
});

describe('a lease', () => {
  it('is not taken for dead while its provider cannot be asked', async () => {
    const world = await start();
    const request = await running(world);
    world.emulator.hideStatus(true);
    expect(await observe(world, request)).toMatchObject({ state: 'starting', cause: null });
    world.clock.advance(5 * MINUTE);
    expect(await observe(world, request)).toMatchObject({ state: 'active', cause: null });
  });

  it('whose provider vanishes stays as it is until the chain learns of it, and then waits for its release', async () => {
    const world = await start();
    const request = await running(world);
    world.emulator.interrupt(request.leaseKey, 0);
    expect(['starting', 'active']).toContain((await observe(world, request)).state);
    world.clock.advance(60 * SECOND);
    const hinted = await observe(world, request);
    expect(hinted).toMatchObject({ state: 'ended', cause: 'interrupted' });
    await release(world, request, hinted.externalId);
    expect(await observe(world, request, hinted.externalId)).toMatchObject({
      state: 'gone',
      cause: 'interrupted',
    });
    expect(await observe(world, request)).toMatchObject({ state: 'gone', cause: null });
  });

  it('whose container never stays up is closed as unstable', async () => {
    const world = await start();
    const request = await requestFor(world, isSmall, 'exit 3');
    await acquire(world, request);
    const ended = await untilState(world, request, 'ended');
    expect(ended.cause).toBe('workload-ended');
    await release(world, request);
    expect(await world.adapter.listLeases(context(world))).toEqual([]);
  });

  it('is closed by the runtime limit when nobody comes back for it', async () => {
    const world = await start();
    const request = await running(world);
    world.clock.advance(61 * MINUTE);
    expect(world.emulator.leases()).toMatchObject([{ running: false }]);
    expect(await observe(world, request)).toMatchObject({ state: 'gone' });
  });

  it('that the account can no longer pay is closed for want of funds', async () => {
    const world = await start();
    world.emulator.setBalanceUsd(5);
    const isLarge = ({ instanceType }: Offer) => instanceType === 'cpu-16';
    const request = await requestFor(world, isLarge, STAYS, 10 * 60 * MINUTE);
    await acquire(world, request);
    const { externalId } = await untilState(world, request, 'active');
    world.clock.advance(3 * 60 * MINUTE);
    expect(await observe(world, request, externalId)).toMatchObject({
      state: 'gone',
      cause: 'funds-exhausted',
    });
    expect(world.emulator.leases()).toMatchObject([{ running: false }]);
  });
});

describe('an account', () => {
  it('without money is refused as funds-exhausted', async () => {
    const world = await start();
    const request = await requestFor(world);
    world.emulator.setBalanceUsd(0.1);
    await expect(acquire(world, request)).rejects.toMatchObject({
      kind: 'funds-exhausted',
      providerCode: 'insufficient_balance',
    });
  });

  it('that made two deployments of one key, by a repeat that came too early, loses both at release', async () => {
    const world = await start();
    const before = world.emulator.balanceUsd();
    const request = await requestFor(world);
    world.emulator.setReadLag(20 * SECOND);
    await acquire(world, request);
    await acquire(world, request);
    expect(world.emulator.leases()).toHaveLength(2);
    world.clock.advance(30 * SECOND);
    const [first] = world.emulator.leases();
    expect(await observe(world, request)).toMatchObject({ externalId: first?.externalId });
    world.emulator.setReadLag(0);
    await release(world, request);
    expect(await world.adapter.listLeases(context(world))).toEqual([]);
    expect(world.emulator.leases().filter(({ running }) => running)).toEqual([]);
    expect(world.emulator.balanceUsd()).toBeCloseTo(before, 1);
  });

  it('is told apart from the deployments of others in it', async () => {
    const world = await start();
    const request = await requestFor(world);
    const sdl = await sdlOf(world, request);
    await post(world, '/v1/deployments', { data: { sdl, name: 'somebody else' } });
    expect(await world.adapter.listLeases(context(world))).toEqual([]);
  });
});

describe('a server that keeps no deployment names', () => {
  const nameless = { generation: 'august' } as const;
  const unsupported = { kind: 'unsupported' };

  it('is offered nowhere, whether its account is empty or not', async () => {
    const world = await start(nameless);
    const offered = () => world.adapter.listOffers(context(world));
    await expect(offered()).rejects.toMatchObject(unsupported);
    await acquire(world, await requestFor(await start()));
    await expect(offered()).rejects.toMatchObject(unsupported);
  });

  it('takes no order where an earlier one of the same key could not be told', async () => {
    const world = await start(nameless);
    const request = await requestFor(await start());
    await acquire(world, request);
    await expect(acquire(world, request)).rejects.toMatchObject(unsupported);
    expect(world.emulator.leases()).toHaveLength(1);
  });

  it('shows an order by its number, as one that nobody took, until it is released', async () => {
    const world = await start(nameless);
    const request = await requestFor(await start());
    const { externalId } = await acquire(world, request);
    const other = { ...request, leaseKey: asAttemptId('att-0002') };
    await startedAnyway(world);
    expect(await observe(world, request, externalId)).toMatchObject({
      state: 'ended',
      cause: 'no-capacity',
      externalId,
    });
    expect(await release(world, request, externalId)).toMatchObject({ state: 'gone', externalId });
    expect(await observe(world, request, externalId)).toMatchObject({ state: 'gone' });
    expect(await release(world, other)).toMatchObject({ state: 'gone', cause: null });
  });

  it('passes over what has no name where it looks by key', async () => {
    const world = await start(nameless);
    const request = await requestFor(await start());
    await acquire(world, request);
    expect(await observe(world, request)).toMatchObject({ state: 'gone', externalId: null });
    expect(await release(world, request)).toMatchObject({ state: 'gone', cause: null });
    expect(await world.adapter.listLeases(context(world))).toEqual([]);
  });

  /** One more order without a name, which stands in the way of every look by key. */
  async function startedAnyway(world: World): Promise<void> {
    const modern = await start();
    const sdl = await sdlOf(modern, await requestFor(modern));
    const answer = await post(world, '/v1/deployments', { data: { sdl, deposit: 1 } });
    expect(answer.status).toBe(201);
  }
});

describe('reads', () => {
  it('are a little behind unless a test says otherwise, and the more lifelike the more so', async () => {
    const world = await start();
    const late = await startAt(1);
    const request = await requestFor(world);
    await acquire(late, request);
    expect(await late.adapter.listLeases(context(late))).toEqual([]);
    late.clock.advance(2 * SECOND);
    expect(await late.adapter.listLeases(context(late))).toHaveLength(1);
    const prompt = await startAt(0);
    await acquire(prompt, request);
    expect(await prompt.adapter.listLeases(context(prompt))).toHaveLength(1);
  });
});

/** A world whose reads are behind only where the test says so. */
async function start(settings: Partial<AkashEmulatorSettings> = {}): Promise<World> {
  const world = await startAt(1, settings);
  world.emulator.setReadLag(0);
  return world;
}

async function startAt(
  delayFactor: number,
  settings: Partial<AkashEmulatorSettings> = {},
): Promise<World> {
  const rootDir = await mkdtemp(join(tmpdir(), 'fairlead-akash-'));
  const clock = new ManualClock(1_700_000_000_000);
  const emulator = await startAkashEmulator({ rootDir, clock, delayFactor, seed: 7 }, settings);
  open.push(async () => {
    await emulator.close();
    await rm(rootDir, { recursive: true, force: true, maxRetries: 3 });
  });
  return { adapter: akash.adapterFrom(emulator.config), emulator, clock };
}

const isSmall = ({ gpu, country }: Offer): boolean => gpu === null && country === 'US';

async function requestFor(
  world: World,
  suits: (offer: Offer) => boolean = isSmall,
  script = STAYS,
  maxDurationMs = 60 * MINUTE,
): Promise<LeaseRequest> {
  const offers = await world.adapter.listOffers(context(world));
  const offer = offers.find((each) => each.available && suits(each));
  if (offer === undefined) throw new Error('the market has no such offer');
  return {
    leaseKey: asAttemptId('att-0001'),
    offer,
    workload: { image: 'example.org/app', script, env: { GREETING: 'hello' } },
    labels: { project: 'p', job: 'j' },
    limits: { maxDurationMs, maxPricePerHour: usd((offer.pricePerHour / 1e6) * 1.5) },
  };
}

/** A lease whose container runs. */
async function running(world: World): Promise<LeaseRequest> {
  const request = await requestFor(world);
  await acquire(world, request);
  await untilState(world, request, 'active');
  return request;
}

const context = ({ clock }: World) => ({
  signal: AbortSignal.timeout(20_000),
  nowMs: clock.nowMs(),
});

const refOf = ({ leaseKey, offer }: LeaseRequest, externalId: string | null): LeaseRef => ({
  leaseKey,
  externalId,
  region: offer.region,
});

const acquire = (world: World, request: LeaseRequest) =>
  world.adapter.acquire(request, context(world));

const observe = (world: World, request: LeaseRequest, externalId: string | null = null) =>
  world.adapter.observe(refOf(request, externalId), context(world));

const release = (world: World, request: LeaseRequest, externalId: string | null = null) =>
  world.adapter.release(refOf(request, externalId), context(world));

/** Looks every ten seconds of the market's time, with a breath of real time for processes. */
async function untilState(world: World, request: LeaseRequest, state: LeaseObservation['state']) {
  for (let looks = 0; looks < 200; looks += 1) {
    const seen = await observe(world, request);
    if (seen.state === state) return seen;
    world.clock.advance(10 * SECOND);
    await realWait(5);
  }
  throw new Error(`never ${state}`);
}

async function post(world: World, path: string, body: unknown): Promise<Response> {
  const { baseUrl, apiKey } = credentials(world);
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
  return fetch(`${baseUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

function credentials({ emulator }: World): { readonly baseUrl: string; readonly apiKey: string } {
  const { config } = emulator;
  if (typeof config !== 'object' || config === null)
    throw new Error('the emulator has no configuration');
  const { baseUrl, apiKey } = { baseUrl: '', apiKey: '', ...config };
  return { baseUrl, apiKey };
}

/** An order of ours as the Console keeps it. */
async function sdlOf(world: World, request: LeaseRequest): Promise<string> {
  const { externalId } = await acquire(world, request);
  const { baseUrl, apiKey } = credentials(world);
  const response = await fetch(`${baseUrl}/v1/deployments/${externalId}`, {
    headers: { 'x-api-key': apiKey },
  });
  const { data } = (await response.json()) as { data: { consoleSettings: { sdl: string } } };
  await release(world, request);
  return data.consoleSettings.sdl;
}
