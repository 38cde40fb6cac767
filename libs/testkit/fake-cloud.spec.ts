import { asAttemptId, microUsd } from '#libs/domain';
import type { Offer } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';
import type { Idempotency, LeaseRef, LeaseRequest } from '#libs/provider-kit';
import { FakeCloud } from './fake-cloud';
import { fakeDescriptor } from './fake-cloud-core';
import type { FakeCloudSettings } from './fake-cloud-core';
import { totalCharged } from './fake-lease';
import { fakeOffer } from './fake-offers';
import { ManualClock } from './manual-clock';
import { seededRng } from './rng';

const key = asAttemptId('att-1');
const ref: LeaseRef = { leaseKey: key, externalId: null, region: null };
const AN_HOUR_MS = 3_600_000;

/** 3.60 dollars an hour is 1,000 micro-dollars a second. */
const offer = fakeOffer({ instanceType: 'cpu-4', pricePerHour: microUsd(3_600_000) });

function setUp(settings: Partial<FakeCloudSettings> & { idempotency?: Idempotency } = {}) {
  const clock = new ManualClock();
  const descriptor = {
    ...fakeDescriptor,
    idempotency: settings.idempotency ?? fakeDescriptor.idempotency,
  };
  const cloud = new FakeCloud(clock, {
    descriptor,
    offers: [offer],
    startDelayMs: 10_000,
    ...settings,
  });
  const { core } = cloud;
  const acquire = (request: Partial<Pick<LeaseRequest, 'leaseKey' | 'limits'>> = {}) =>
    core.acquire({ ...makeRequest(offer), ...request }, clock.nowMs());
  const stateNow = () => core.observe(ref, clock.nowMs()).state;
  return { clock, cloud, core, acquire, stateNow };
}

function makeRequest(of: Offer): LeaseRequest {
  return {
    leaseKey: key,
    offer: of,
    workload: { image: 'none', script: 'true', env: {} },
    labels: {},
    limits: { maxDurationMs: AN_HOUR_MS, maxPricePerHour: of.pricePerHour },
  };
}

/** The kind of the refusal that `call` ends in. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ProviderError) return error.kind;
    throw error;
  }
  return 'none';
}

describe('FakeCloud', () => {
  describe('time', () => {
    it('starts, runs, and takes itself down at the limit', () => {
      const { clock, core, acquire, stateNow } = setUp({ lingerMs: 1_000 });
      acquire();
      expect(stateNow()).toBe('starting');
      clock.advance(10_000);
      expect(stateNow()).toBe('active');
      clock.advance(AN_HOUR_MS - 1);
      expect(stateNow()).toBe('active');
      clock.advance(1);
      expect(core.observe(ref, clock.nowMs())).toMatchObject({
        state: 'ended',
        cause: 'workload-ended',
      });
      clock.advance(1_000);
      expect(stateNow()).toBe('gone');
    });

    it('gives notice of an interruption and then takes the lease', () => {
      const { clock, cloud, core, acquire, stateNow } = setUp();
      acquire();
      clock.advance(20_000);
      cloud.interrupt(key, 5_000);
      expect(stateNow()).toBe('interrupting');
      clock.advance(5_000);
      expect(core.observe(ref, clock.nowMs())).toMatchObject({
        state: 'ended',
        cause: 'interrupted',
      });
    });

    it('ends a lease for the cause that it is told', () => {
      const { clock, core, acquire } = setUp();
      acquire();
      clock.advance(20_000);
      core.end(key, 'provider-failed', clock.nowMs());
      expect(core.observe(ref, clock.nowMs())).toMatchObject({
        state: 'ended',
        cause: 'provider-failed',
      });
    });
  });

  describe('books', () => {
    it('charges from active to the end, by increment, and no longer', () => {
      const { clock, cloud, core, acquire } = setUp();
      acquire();
      clock.advance(10_000);
      clock.advance(90_500);
      core.release(ref, clock.nowMs());
      clock.advance(AN_HOUR_MS);
      expect(cloud.charges()).toEqual([
        {
          leaseKey: key,
          externalId: 'memory-1',
          billedFromMs: 10_000,
          billedToMs: 100_500,
          chargedMicroUsd: 91_000,
        },
      ]);
    });

    it('charges the minimum for less', () => {
      const { clock, cloud, core, acquire } = setUp();
      acquire();
      clock.advance(11_000);
      core.release(ref, clock.nowMs());
      expect(totalCharged(cloud.charges())).toBe(60_000);
    });

    it('charges nothing for what never became active', () => {
      const { clock, cloud, core, acquire } = setUp();
      acquire();
      clock.advance(9_999);
      core.release(ref, clock.nowMs());
      clock.advance(AN_HOUR_MS);
      expect(cloud.charges()).toEqual([]);
    });

    it('keeps the price of a lease when the price of its offer moves', () => {
      const { clock, core, acquire } = setUp();
      acquire();
      core.setPrice(offer.id, microUsd(9_000_000));
      clock.advance(10_000 + 100_000);
      expect(totalCharged(core.charges(clock.nowMs()))).toBe(100_000);
      expect(core.listOffers(clock.nowMs())[0]?.pricePerHour).toBe(9_000_000);
    });
  });

  describe('refusals', () => {
    it('refuses a price above the limit', () => {
      const { core, acquire } = setUp();
      core.setPrice(offer.id, microUsd(3_600_001));
      expect(refusal(acquire)).toBe('price-moved');
    });

    it('refuses what is full until a lease ends', () => {
      const { clock, core, acquire } = setUp({ capacity: 1 });
      acquire();
      expect(core.listOffers(0)[0]?.available).toBe(false);
      const second = { leaseKey: asAttemptId('att-2') };
      expect(refusal(() => acquire(second))).toBe('no-capacity');
      core.release(ref, clock.nowMs());
      expect(acquire(second).state).toBe('starting');
    });

    it('refuses offers that it does not have, and a key that was used for another', () => {
      const other = fakeOffer({ instanceType: 'cpu-8' });
      const { core, acquire } = setUp({ offers: [offer, other] });
      const unknown = fakeOffer({ instanceType: 'unknown' });
      expect(refusal(() => core.acquire(makeRequest(unknown), 0))).toBe('request-rejected');
      acquire();
      expect(refusal(() => core.acquire(makeRequest(other), 0))).toBe('request-rejected');
    });

    it('answers nothing while down, and bills on', () => {
      const { clock, cloud, core, acquire, stateNow } = setUp();
      acquire();
      clock.advance(10_000);
      core.setDown(true);
      expect(refusal(stateNow)).toBe('unavailable');
      clock.advance(70_000);
      expect(totalCharged(cloud.charges())).toBe(70_000);
      core.setDown(false);
      expect(stateNow()).toBe('active');
    });
  });

  describe('faults', () => {
    it('before: does nothing', () => {
      const { cloud, acquire } = setUp();
      cloud.inject({ verb: 'acquire', when: 'before', as: 'unavailable' });
      expect(refusal(acquire)).toBe('unavailable');
      expect(cloud.leases()).toEqual([]);
    });

    it('after: does the work and loses the reply, as often as it is told', () => {
      const { cloud, acquire } = setUp();
      cloud.inject({ verb: 'acquire', when: 'after', as: 'timeout', times: 2 });
      expect([refusal(acquire), refusal(acquire), refusal(acquire)]).toEqual([
        'unavailable',
        'unavailable',
        'none',
      ]);
      expect(cloud.leases()).toHaveLength(1);
    });

    it('leaves a call without an answer open until its signal aborts', async () => {
      const { cloud } = setUp();
      cloud.inject({ verb: 'listLeases', when: 'before', as: 'timeout' });
      const controller = new AbortController();
      let isOpen = true;
      const call = cloud
        .listLeases({ signal: controller.signal, nowMs: 0 })
        .finally(() => (isOpen = false));
      await new Promise((resolve) => setImmediate(resolve));
      expect(isOpen).toBe(true);
      controller.abort();
      await expect(call).rejects.toMatchObject({ kind: 'unavailable' });
    });
  });

  describe('lagging reads', () => {
    it('hide a new lease and the end of an old one, but not from the reply', () => {
      const { clock, core, acquire, stateNow } = setUp({ readLagMs: 5_000 });
      clock.advance(100_000);
      expect(acquire().state).toBe('starting');
      expect(stateNow()).toBe('gone');
      expect(core.listLeases(clock.nowMs())).toEqual([]);
      clock.advance(5_000);
      expect(stateNow()).toBe('starting');
      clock.advance(20_000);
      expect(core.release(ref, clock.nowMs()).state).toBe('gone');
      expect(stateNow()).toBe('active');
      clock.advance(5_000);
      expect(stateNow()).toBe('gone');
    });

    it.each([
      { idempotency: 'client-token', leases: 1, reason: 'the token is looked at without lag' },
      { idempotency: 'deterministic-name', leases: 1, reason: 'the name is taken at once' },
      { idempotency: 'tag-lookup', leases: 2, reason: 'the tag is not visible yet' },
      { idempotency: 'none', leases: 2, reason: 'nothing ties the two together' },
    ] as const)(
      'with $idempotency a hasty repeat leads to $leases: $reason',
      ({ idempotency, leases }) => {
        const { clock, cloud, acquire } = setUp({ idempotency, readLagMs: 5_000 });
        clock.advance(100_000);
        acquire();
        acquire();
        expect(cloud.leases()).toHaveLength(leases);
      },
    );

    it('let a patient repeat find the first lease by its tag', () => {
      const { clock, cloud, acquire } = setUp({ idempotency: 'tag-lookup', readLagMs: 5_000 });
      clock.advance(100_000);
      acquire();
      clock.advance(5_000);
      acquire();
      expect(cloud.leases()).toHaveLength(1);
    });

    it('make a hasty release by key miss the lease, though one by its id finds it', () => {
      const { clock, cloud, core, acquire } = setUp({ readLagMs: 5_000 });
      clock.advance(100_000);
      const { externalId } = acquire();
      expect(core.release(ref, clock.nowMs()).state).toBe('gone');
      expect(cloud.leases()[0]?.running).toBe(true);
      core.release({ ...ref, externalId }, clock.nowMs());
      expect(cloud.leases()[0]?.running).toBe(false);
    });

    it('a release takes every lease of the key that can be seen', () => {
      const { clock, cloud, core, acquire } = setUp({ idempotency: 'none' });
      acquire();
      acquire();
      core.release(ref, clock.nowMs());
      expect(cloud.leases().map(({ running }) => running)).toEqual([false, false]);
    });
  });

  describe('lies', () => {
    it('ghost: calls a dead lease active', () => {
      const { clock, core, acquire, stateNow } = setUp();
      acquire();
      core.end(key, 'provider-failed', clock.nowMs());
      core.setLies({ ghost: 1 });
      expect(stateNow()).toBe('active');
    });

    it('vanished: calls a living lease gone', () => {
      const { clock, core, acquire, stateNow } = setUp();
      acquire();
      clock.advance(20_000);
      core.setLies({ vanished: 1 });
      expect(stateNow()).toBe('gone');
    });

    it('phantom: lists a lease that nobody asked for', () => {
      const { core } = setUp();
      core.setLies({ phantom: 1 });
      expect(core.listLeases(0).map(({ state }) => state)).toEqual(['active']);
    });

    it('comes as often as it was told, and the same for the same seed', () => {
      const statesWith = (seed: number): readonly string[] => {
        const { core, acquire, stateNow } = setUp({ rng: seededRng(seed) });
        acquire();
        core.setLies({ vanished: 0.3 });
        return Array.from({ length: 1_000 }, stateNow);
      };
      const states = statesWith(5);
      const lies = states.filter((state) => state === 'gone').length;
      expect(lies).toBeGreaterThan(250);
      expect(lies).toBeLessThan(350);
      expect(statesWith(5)).toEqual(states);
    });
  });
});
