import assert from 'node:assert/strict';
import type { AttemptId } from '#libs/domain';
import type { Check } from '../check';
import { LEASES_ON_ONE_PAGE } from '../harness';
import type { ConformanceHarness } from '../harness';
import { acquireOne, cheapestOffer, emulatorOf, releaseUntilGone } from '../steps';

const group = 'listLeases';
const MORE_THAN_A_PAGE = LEASES_ON_ONE_PAGE + 2;

export const listLeasesChecks: readonly Check[] = [
  {
    group,
    name: 'names what we hold, until it is gone',
    needs: 'any',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      assert.ok((await keysListed(harness)).includes(request.leaseKey), 'the lease is not listed');
      await releaseUntilGone(harness, request.leaseKey);
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      assert.ok(!(await keysListed(harness)).includes(request.leaseKey), 'it is still listed');
    },
  },
  {
    group,
    name: 'is empty where nothing was asked for, and again when all is released',
    needs: 'emulator',
    run: async (harness) => {
      assert.deepEqual(await keysListed(harness), []);
      const held = [await acquireOne(harness), await acquireOne(harness)];
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      const ours = held.map(({ request }) => request.leaseKey).sort();
      assert.deepEqual(await keysListed(harness), ours);
      for (const leaseKey of ours) await releaseUntilGone(harness, leaseKey);
      assert.deepEqual(await keysListed(harness), []);
    },
  },
  {
    group,
    name: `names all of ${MORE_THAN_A_PAGE} leases, which is more than one page`,
    needs: 'emulator',
    run: async (harness) => {
      const offer = await cheapestOffer(harness);
      const keys: AttemptId[] = [];
      for (let i = 0; i < MORE_THAN_A_PAGE; i += 1) {
        keys.push((await acquireOne(harness, { offer })).request.leaseKey);
      }
      assert.deepEqual(await keysListed(harness), keys.sort());
    },
  },
  {
    group,
    name: 'says of each lease what observe says',
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      const [listed] = await harness.adapter.listLeases(harness.context());
      const { leaseKey, offer } = request;
      const ref = { leaseKey, externalId: listed?.externalId ?? null, region: offer.region };
      const observed = await harness.adapter.observe(ref, harness.context());
      assert.equal(listed?.state, observed.state);
      assert.equal(listed?.externalId, observed.externalId);
    },
  },
  {
    group,
    name: 'forgets a lease that was released while reads lagged, once the quiet time is over',
    needs: 'emulator',
    unless: ({ quietMs }) => (quietMs > 0 ? null : 'reads do not lag: quietMs is 0'),
    run: async (harness) => {
      const { quietMs } = harness.adapter.descriptor;
      const { request } = await acquireOne(harness);
      await harness.pass(quietMs + 1);
      emulatorOf(harness).setReadLag(quietMs);
      await releaseUntilGone(harness, request.leaseKey);
      await harness.pass(quietMs + 1);
      assert.deepEqual(await keysListed(harness), []);
    },
  },
];

/** The listed keys in order; a lease that is listed is never gone. */
async function keysListed({ adapter, context }: ConformanceHarness): Promise<readonly AttemptId[]> {
  const leases = await adapter.listLeases(context());
  assert.deepEqual(
    leases.filter(({ state }) => state === 'gone'),
    [],
  );
  return leases.map(({ leaseKey }) => leaseKey).sort();
}
