import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decide, ZERO_USD, type Decision, type Offer, type ProviderId } from '#libs/domain';
import { openProviders, type OpenProviders } from '#libs/platform';
import { rateSources } from '#libs/price-feeds';
import { plugins } from '#libs/providers';
import { aJob, ManualClock } from '#libs/testkit';
import { SilentDoorbell } from '../../libs/queue/testing/silent-doorbell';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { AgreeRates } from './agree-rates';
import { ReadFeed } from './read-feed';
import { RefreshOffers } from './refresh-offers';

/** Later than the dated lists hold. */
const START_MS = Date.UTC(2026, 10, 21);

let root: string;
let providers: OpenProviders;
const clock = new ManualClock(START_MS);
const stores = memoryStores(new MemoryTables());
const doorbell = new SilentDoorbell();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-feeds-'));
  const metrics = { observeCall: () => undefined };
  const settings = { env: {}, emulate: 'auto', emulatorDir: root, delayFactor: 0 } as const;
  providers = await openProviders(plugins, { ...settings, metrics, clock }, rateSources);
}, 30_000);
afterAll(async () => {
  await providers.close();
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
});

function read(id: string): Promise<void> {
  const feeds = new Map(providers.feeds.map((feed) => [feed.terms.id, feed]));
  const agree = new AgreeRates(stores, clock);
  return new ReadFeed(stores, feeds, agree, doorbell, clock).run(id);
}

async function refreshed(providerId: ProviderId): Promise<readonly Offer[]> {
  await new RefreshOffers(stores, providers.adapters, doorbell, clock).run(providerId);
  return (await stores.offers.book()).offers.filter((offer) => offer.providerId === providerId);
}

async function decided(offers: readonly Offer[]): Promise<Decision> {
  const { id, spec } = aJob({ id: 'job-1' });
  const job = { id, spec, deadlineAtMs: null, spent: ZERO_USD };
  const policy = { version: 'none@0', rules: [], preferences: {} };
  const feeds = await stores.feeds.freshness();
  const input = { policy, offers, health: {}, suspensions: [], nowMs: clock.nowMs(), feeds };
  return decide({ ...input, job });
}

it('brings prices that decisions may use where the dated list alone may only be shown', async () => {
  const feed = providers.feeds.find(({ terms }) => terms.kind === 'prices');
  if (feed === undefined) throw new Error('some provider has a price list');
  const firm = (offers: readonly Offer[]) => offers.filter(({ market }) => market === 'on-demand');
  const before = await decided(firm(await refreshed(feed.owner)));
  expect(before.ranked).toEqual([]);
  expect(before.rejected.length).toBeGreaterThan(0);
  for (const { reasons } of before.rejected)
    expect(reasons.map(({ code }) => code)).toContain('price-stale');

  await read(feed.terms.id);
  expect(doorbell.rung('refresh-offers')).toMatchObject([{ id: feed.owner }]);
  const offers = firm(await refreshed(feed.owner));
  expect(new Set(offers.map(({ source }) => source))).toEqual(new Set([feed.terms.id]));
  const after = await decided(offers);
  expect(after.ranked.length).toBeGreaterThan(0);
  expect(JSON.stringify(after.rejected)).not.toContain('price-stale');
});

it('makes one rate of what every source of this machine says', async () => {
  const sources = providers.feeds.filter(({ terms }) => terms.kind === 'fx');
  expect(sources.length).toBeGreaterThanOrEqual(5);
  for (const { terms } of sources) await read(terms.id);
  const states = await stores.feeds.list();
  expect(states.filter(({ error }) => error !== null)).toEqual([]);
  const rates = await stores.fxRates.snapshot();
  expect(Object.keys(rates).sort()).toEqual(['AKT', 'EUR', 'USDC']);
  expect(rates['AKT']?.sources.length).toBeGreaterThanOrEqual(4);
});
