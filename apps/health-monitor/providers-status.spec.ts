import {
  CIRCUIT_OPEN,
  asProviderId,
  knowledgeOf,
  noKnowledge,
  type HealthSnapshot,
  type Suspension,
} from '#libs/domain';
import { BUILT_AT_MS, fakeDescriptor, fakeOffer, fakeOffers, ManualClock } from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { ProvidersStatus } from './providers-status';

const HOUR_MS = 3_600_000;
const memory = fakeDescriptor;
/** Its name begins like the other's. */
const memory2 = { ...fakeDescriptor, id: asProviderId('memory2'), displayName: 'Another' };

const suspension = (wanted: Partial<Suspension>): Suspension => ({
  scope: 'provider',
  key: 'memory',
  jobId: null,
  fromMs: BUILT_AT_MS - 1,
  untilMs: BUILT_AT_MS + 1_000,
  reason: 'credentials-rejected',
  ...wanted,
});

const measured: HealthSnapshot = {
  'memory/marketplace': knowledgeOf(
    {
      leaseMs: 4 * HOUR_MS,
      interruptions: 2,
      starts: 2,
      startMsTotal: 3,
      startFailures: 4,
    },
    BUILT_AT_MS,
  ),
};

async function statusWith(suspensions: readonly Suspension[] = [], health = measured) {
  const tables = new MemoryTables();
  const stores = memoryStores(tables);
  const sold = fakeOffer({ instanceType: 'sold', available: false });
  await stores.offers.replace(memory.id, [...fakeOffers, sold], BUILT_AT_MS - 5_000);
  await stores.suspensions.add(suspensions);
  tables.health = health;
  const providers = [
    { descriptor: memory, mode: 'live' as const },
    { descriptor: memory2, mode: 'emulated' as const },
  ];
  return new ProvidersStatus(providers, stores, new ManualClock(BUILT_AT_MS)).run();
}

describe('how providers are doing', () => {
  it('is told for each that is configured, also for one that was never reached', async () => {
    expect(await statusWith()).toMatchObject([
      {
        id: 'memory',
        name: memory.displayName,
        kind: 'neocloud',
        mode: 'live',
        offers: fakeOffers.length + 1,
        availableOffers: fakeOffers.length,
        refreshedAt: new Date(BUILT_AT_MS - 5_000).toISOString(),
      },
      { id: 'memory2', mode: 'emulated', offers: 0, refreshedAt: null, health: [] },
    ]);
  });

  it('shows the markets that it sells in and those that were measured', async () => {
    const [first] = await statusWith();
    expect(first?.health.map(({ market }) => market)).toEqual(['on-demand', 'spot', 'marketplace']);
    expect(first?.health.at(-1)).toEqual({
      market: 'marketplace',
      leaseMs: 4 * HOUR_MS,
      interruptions: 2,
      starts: 2,
      startFailures: 4,
      interruptionsPerHour: 0.5,
      meanUpTimeMs: 2 * HOUR_MS,
      startupP50Ms: null,
      startupP99Ms: null,
      recoveryMs: null,
      refusedShare: 0,
      lieShare: null,
      noticeMs: null,
      availableMs: null,
      awayMs: null,
    });
  });

  it('keeps what was not measured apart from zero', async () => {
    const [first] = await statusWith();
    expect(first?.health[0]).toMatchObject({
      starts: 0,
      interruptionsPerHour: null,
      meanUpTimeMs: null,
      refusedShare: null,
    });
    expect(first?.calls).toBeNull();
    const called = { memory: { ...noKnowledge(BUILT_AT_MS), calls: 8, unanswered: 0 } };
    expect((await statusWith([], called))[0]?.calls).toEqual({ made: 8, unanswered: 0 });
  });

  it.each([
    { reason: 'nothing is on record', untilMs: null, circuit: 'closed' },
    { reason: 'its suspension lasts', untilMs: BUILT_AT_MS + 1, circuit: 'open' },
    {
      reason: 'it is over and nobody was answered since',
      untilMs: BUILT_AT_MS,
      circuit: 'half-open',
    },
    { reason: 'it is long over', untilMs: BUILT_AT_MS - 2 * HOUR_MS, circuit: 'closed' },
  ])('says that the circuit is $circuit when $reason', async ({ untilMs, circuit }) => {
    const fromMs = BUILT_AT_MS - 3 * HOUR_MS;
    const open = untilMs === null ? [] : [suspension({ reason: CIRCUIT_OPEN, fromMs, untilMs })];
    expect((await statusWith(open))[0]?.circuit).toBe(circuit);
  });

  it('shows what is suspended of it now, in whatever scope, and nothing of another', async () => {
    const suspensions = [
      suspension({}),
      suspension({ scope: 'provider-region', key: 'memory/north' }),
      suspension({ scope: 'offer', key: 'memory/north/cpu-4/spot' }),
      suspension({ key: 'memory2' }),
      suspension({ untilMs: BUILT_AT_MS, reason: 'over' }),
    ];
    const [first, second] = await statusWith(suspensions);
    expect(first?.suspensions.map(({ scope }) => scope)).toEqual([
      'offer',
      'provider-region',
      'provider',
    ]);
    expect(first?.suspensions[2]).toEqual({
      scope: 'provider',
      key: 'memory',
      reason: 'credentials-rejected',
      until: new Date(BUILT_AT_MS + 1_000).toISOString(),
    });
    expect(second?.suspensions.map(({ key }) => key)).toEqual(['memory2']);
  });
});
