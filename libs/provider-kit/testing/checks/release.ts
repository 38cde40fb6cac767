import assert from 'node:assert/strict';
import type { Check } from '../check';
import type { ConformanceHarness, ProbeWorkload } from '../harness';
import {
  acquireActive,
  acquireOne,
  booksOf,
  byKey,
  callUnanswered,
  cheapestOffer,
  emulatorOf,
  END_BOUND_MS,
  releaseUntilGone,
  untilState,
  untilTrue,
} from '../steps';

const group = 'release';
const AN_HOUR_MS = 3_600_000;
/** A workload counts as stopped when it has been silent for this many looks (it would speak several times between them). */
const SILENT_LOOKS = 15;

export const releaseChecks: readonly Check[] = [
  {
    group,
    name: 'answers gone for a key that was never used, every time',
    needs: 'any',
    run: async (harness) => {
      const leaseKey = harness.newLeaseKey();
      for (const ref of [byKey(leaseKey), byKey(leaseKey)]) {
        const reply = await harness.adapter.release(ref, harness.context());
        assert.equal(reply.state, 'gone');
        assert.equal(reply.leaseKey, leaseKey);
      }
    },
  },
  {
    group,
    name: 'takes a running lease to gone by its key alone, and may be repeated',
    needs: 'any',
    run: async (harness) => {
      const { request } = await acquireActive(harness);
      await releaseUntilGone(harness, request.leaseKey);
      assertNothingRuns(harness);
      const again = await harness.adapter.release(byKey(request.leaseKey), harness.context());
      assert.equal(again.state, 'gone');
    },
  },
  {
    group,
    name: 'takes a lease that is still starting to gone',
    needs: 'any',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      await releaseUntilGone(harness, request.leaseKey);
      assertNothingRuns(harness);
    },
  },
  {
    group,
    name: 'accepts the hints of an earlier observation',
    needs: 'any',
    run: async (harness) => {
      const { request, granted } = await acquireOne(harness);
      const { leaseKey, offer } = request;
      const ref = { leaseKey, externalId: granted.externalId, region: offer.region };
      await harness.adapter.release(ref, harness.context());
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      await releaseUntilGone(harness, leaseKey);
      assertNothingRuns(harness);
    },
  },
  {
    group,
    name: 'ends the charges',
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireActive(harness);
      await harness.pass(60_000);
      await releaseUntilGone(harness, request.leaseKey);
      const charged = chargedFor(harness);
      assert.ok(charged > 0, 'a minute of a running lease costs something');
      await harness.pass(AN_HOUR_MS);
      assert.equal(chargedFor(harness), charged, 'it was charged on after its release');
    },
  },
  {
    group,
    name: 'leaves nothing after the provider ended the lease',
    needs: 'emulator',
    run: async (harness) => {
      const offer = await cheapestOffer(harness, ({ interruptible }) => interruptible);
      const { request } = await acquireActive(harness, { offer });
      emulatorOf(harness).interrupt(request.leaseKey, 0);
      await untilState(harness, request.leaseKey, ['ended', 'gone'], END_BOUND_MS);
      await releaseUntilGone(harness, request.leaseKey);
      assertNothingRuns(harness);
      assert.deepEqual(await harness.adapter.listLeases(harness.context()), []);
    },
  },
  {
    group,
    name: 'works when repeated after a lost reply',
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireActive(harness);
      const { leaseKey } = request;
      emulatorOf(harness).inject({ verb: 'release', when: 'after', as: 'timeout' });
      const error = await callUnanswered(harness, (signal) =>
        harness.adapter.release(byKey(leaseKey), { signal, nowMs: harness.nowMs() }),
      );
      assert.equal(error.kind, 'unavailable');
      await releaseUntilGone(harness, leaseKey);
      assertNothingRuns(harness);
      assert.equal(booksOf(emulatorOf(harness), leaseKey).length, 1);
    },
  },
  {
    group,
    name: 'stops the workload',
    needs: 'workload',
    run: async (harness) => {
      const { request, probe } = await acquireActive(harness);
      await untilTrue(harness, () => probe.marks().includes('beat'), 'the workload never ran');
      await releaseUntilGone(harness, request.leaseKey);
      await untilTrue(harness, silence(probe), 'the workload still runs after the release');
    },
  },
];

/** A condition that holds once the workload has been silent for a while. */
function silence(probe: ProbeWorkload): () => boolean {
  let heard = -1;
  let silentLooks = 0;
  return () => {
    const count = probe.marks().length;
    silentLooks = count === heard ? silentLooks + 1 : 0;
    heard = count;
    return silentLooks >= SILENT_LOOKS;
  };
}

function assertNothingRuns({ emulator }: ConformanceHarness): void {
  if (emulator === null) return;
  assert.deepEqual(
    emulator.leases().filter(({ running }) => running),
    [],
  );
}

function chargedFor(harness: ConformanceHarness): number {
  return emulatorOf(harness)
    .leases()
    .reduce((total, { chargedMicroUsd }) => total + chargedMicroUsd, 0);
}
