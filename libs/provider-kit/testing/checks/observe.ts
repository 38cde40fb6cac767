import assert from 'node:assert/strict';
import type { LeaseObservation, LeaseState } from '../../adapter';
import type { ProviderDescriptor } from '../../descriptor';
import type { Check } from '../check';
import type { ConformanceHarness } from '../harness';
import {
  acquireActive,
  acquireOne,
  byKey,
  cheapestOffer,
  emulatorOf,
  END_BOUND_MS,
  releaseUntilGone,
  startBoundMs,
  untilState,
  untilTrue,
} from '../steps';

const group = 'observe';

/** The only order in which a lease may be seen. */
const orderOfStates: readonly LeaseState[] = [
  'starting',
  'active',
  'interrupting',
  'ended',
  'gone',
];

export const observeChecks: readonly Check[] = [
  {
    group,
    name: 'answers gone for a key that was never used, hints or not',
    needs: 'any',
    run: async (harness) => {
      const leaseKey = harness.newLeaseKey();
      const { region } = await cheapestOffer(harness);
      for (const ref of [byKey(leaseKey), { leaseKey, externalId: null, region }]) {
        const seen = await harness.adapter.observe(ref, harness.context());
        assert.equal(seen.state, 'gone');
        assert.equal(seen.leaseKey, leaseKey);
      }
    },
  },
  {
    group,
    name: 'finds a lease by its key alone, and by its hints',
    needs: 'any',
    run: async (harness) => {
      const { request, granted } = await acquireOne(harness);
      const { leaseKey, offer } = request;
      await harness.pass(harness.adapter.descriptor.quietMs + 1);
      const found = await harness.adapter.observe(byKey(leaseKey), harness.context());
      assert.notEqual(found.state, 'gone');
      assert.equal(found.leaseKey, leaseKey);
      assert.ok(found.externalId !== null, 'a lease that exists has an id');
      if (granted.externalId !== null) assert.equal(found.externalId, granted.externalId);
      const hinted = { leaseKey, externalId: found.externalId, region: offer.region };
      const again = await harness.adapter.observe(hinted, harness.context());
      assert.equal(again.externalId, found.externalId);
      assert.notEqual(again.state, 'gone');
    },
  },
  {
    group,
    name: 'shows a life from starting through active to gone, never backwards',
    needs: 'any',
    run: showLife,
  },
  {
    group,
    name: 'shows a new lease once the quiet time is over, and never throws before',
    needs: 'emulator',
    unless: ({ quietMs }) => (quietMs > 0 ? null : 'reads do not lag: quietMs is 0'),
    run: async (harness) => {
      const { quietMs } = harness.adapter.descriptor;
      emulatorOf(harness).setReadLag(quietMs);
      const { request } = await acquireOne(harness);
      await harness.adapter.observe(byKey(request.leaseKey), harness.context());
      await harness.pass(quietMs + 1);
      const seen = await harness.adapter.observe(byKey(request.leaseKey), harness.context());
      assert.notEqual(seen.state, 'gone', `still unseen ${quietMs} ms after the acquire`);
    },
  },
  {
    group,
    name: 'gives notice of an interruption, then names it as the cause of the end',
    needs: 'emulator',
    unless: ({ interruptionNoticeMs }) =>
      interruptionNoticeMs > 0 ? null : 'the provider gives no notice: interruptionNoticeMs is 0',
    run: async (harness) => {
      const { interruptionNoticeMs } = harness.adapter.descriptor;
      const { request } = await acquireInterruptible(harness);
      emulatorOf(harness).interrupt(request.leaseKey, interruptionNoticeMs);
      await untilState(harness, request.leaseKey, ['interrupting'], interruptionNoticeMs);
      await untilInterrupted(harness, request.leaseKey, interruptionNoticeMs);
    },
  },
  {
    group,
    name: 'shows an interruption without notice as the cause of the end',
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireInterruptible(harness);
      emulatorOf(harness).interrupt(request.leaseKey, 0);
      await untilInterrupted(harness, request.leaseKey, 0);
    },
  },
  {
    group,
    name: 'shows that a workload ended by itself',
    needs: 'workload',
    unless: unlessEndIsSeen,
    run: async (harness) => {
      const { request } = await acquireOne(harness, { kind: 'ends' });
      const boundMs = startBoundMs(harness) + END_BOUND_MS;
      const ended = await untilState(harness, request.leaseKey, ['ended', 'gone'], boundMs);
      assert.equal(ended.cause, 'workload-ended');
    },
  },
  {
    group,
    name: 'keeps showing a lease whose workload the platform starts again',
    needs: 'workload',
    unless: (descriptor) =>
      descriptor.restartsWorkload ? null : 'the platform does not restart workloads',
    run: async (harness) => {
      const { request, probe } = await acquireActive(harness, { kind: 'ends' });
      await untilTrue(harness, () => probe.marks().includes('finished'), 'it never finished');
      const seen = await harness.adapter.observe(byKey(request.leaseKey), harness.context());
      assert.equal(seen.state, 'active');
    },
  },
];

async function showLife(harness: ConformanceHarness): Promise<void> {
  const startedAtMs = harness.nowMs();
  const { request } = await acquireOne(harness);
  await harness.pass(harness.adapter.descriptor.quietMs + 1);
  const seen: LeaseObservation[] = [];
  await harness.settle(async () => {
    const now = await harness.adapter.observe(byKey(request.leaseKey), harness.context());
    seen.push(now);
    return now.state === 'active' ? now : null;
  }, startBoundMs(harness));
  const active = seen.at(-1);
  assert.equal(active?.state, 'active', `never active within ${startBoundMs(harness)} ms`);
  assertCharging(active, startedAtMs, harness.nowMs());
  await releaseUntilGone(harness, request.leaseKey);
  seen.push(await harness.adapter.observe(byKey(request.leaseKey), harness.context()));
  const ranks = seen.map(({ state }) => orderOfStates.indexOf(state));
  assert.deepEqual(
    ranks,
    [...ranks].sort((a, b) => a - b),
    'a state came back',
  );
}

function assertCharging(lease: LeaseObservation, fromMs: number, toMs: number): void {
  const { billedFromMs, billedToMs, pricePerHour } = lease;
  assert.equal(billedToMs, null, 'a lease that is up is still being charged');
  if (billedFromMs !== null) {
    // Providers name whole seconds, so the start may seem to lie up to one before the request.
    assert.ok(
      billedFromMs > fromMs - 1_000 && billedFromMs <= toMs,
      `billedFromMs ${billedFromMs}`,
    );
  }
  if (pricePerHour !== null) {
    assert.ok(Number.isSafeInteger(pricePerHour) && pricePerHour > 0, `price ${pricePerHour}`);
  }
}

async function acquireInterruptible(harness: ConformanceHarness) {
  const offer = await cheapestOffer(harness, ({ interruptible }) => interruptible);
  return acquireActive(harness, { offer });
}

async function untilInterrupted(
  harness: ConformanceHarness,
  leaseKey: LeaseObservation['leaseKey'],
  noticeMs: number,
): Promise<void> {
  const boundMs = noticeMs + END_BOUND_MS;
  const ended = await untilState(harness, leaseKey, ['ended', 'gone'], boundMs);
  assert.equal(ended.cause, 'interrupted');
}

function unlessEndIsSeen({ restartsWorkload }: ProviderDescriptor): string | null {
  return restartsWorkload ? 'the platform starts a finished workload again' : null;
}
