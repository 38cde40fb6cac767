import assert from 'node:assert/strict';
import { microUsd } from '#libs/domain';
import type { ProviderErrorKind } from '#libs/domain';
import type { LeaseEndCause, LeaseRequest } from '../../adapter';
import type { Fault } from '../../emulator';
import { unlessRepeatsExactly } from '../check';
import type { Check } from '../check';
import type { ConformanceHarness } from '../harness';
import {
  acquireOne,
  booksOf,
  callUnanswered,
  cheapestOffer,
  emulatorOf,
  makeRequest,
  refusalOf,
  releaseUntilGone,
  startBoundMs,
  untilState,
} from '../steps';

const group = 'acquire';
const CONCURRENT_REPEATS = 5;

export const acquireChecks: readonly Check[] = [
  {
    group,
    name: 'answers as soon as the provider accepted',
    needs: 'any',
    run: async (harness) => {
      const { request, granted } = await acquireOne(harness);
      assert.equal(granted.leaseKey, request.leaseKey);
      assert.ok(['starting', 'active'].includes(granted.state), `state ${granted.state}`);
      assert.equal(granted.cause, null);
    },
  },
  {
    group,
    name: 'gives the same lease for the same key',
    needs: 'any',
    run: async (harness) => {
      const { request, granted } = await acquireOne(harness);
      await waitUntilRepeatable(harness);
      const again = await harness.adapter.acquire(request, harness.context());
      assert.equal(again.externalId, granted.externalId);
      assertOneLease(harness, request);
    },
  },
  {
    group,
    name: 'gives different leases for different keys',
    needs: 'emulator',
    run: async (harness) => {
      const first = await acquireOne(harness);
      const second = await acquireOne(harness);
      assert.notEqual(first.granted.externalId, second.granted.externalId);
      assertOneLease(harness, first.request);
      assertOneLease(harness, second.request);
    },
  },
  ...(['timeout', 'unavailable'] as const).map((as): Check => ({
    group,
    name: `finds the first lease again after a lost reply (${as})`,
    needs: 'emulator',
    run: (harness) => repeatAfterFault(harness, { verb: 'acquire', when: 'after', as }, 1),
  })),
  {
    group,
    name: 'creates nothing when the provider refused, and works when repeated',
    needs: 'emulator',
    run: (harness) =>
      repeatAfterFault(harness, { verb: 'acquire', when: 'before', as: 'unavailable' }, 0),
  },
  {
    group,
    name: `gives one lease to ${CONCURRENT_REPEATS} repeats at once`,
    needs: 'emulator',
    unless: unlessRepeatsExactly,
    run: repeatAtOnce,
  },
  {
    group,
    name: 'refuses a price above the limit as price-moved',
    needs: 'any',
    run: async (harness) => {
      const offer = await cheapestOffer(harness);
      const maxPricePerHour = microUsd(offer.pricePerHour - 1);
      const { request } = await makeRequest(harness, { offer, maxPricePerHour });
      const refusal = await refusalKind(harness, request);
      // In a market, a limit below every bid and no bid at all look the same.
      const accepted = ['price-moved', ...(offer.market === 'marketplace' ? ['no-capacity'] : [])];
      assert.ok(accepted.includes(refusal ?? 'none'), `refused as ${refusal}`);
      assertNothingRuns(harness, request);
    },
  },
  {
    group,
    name: 'refuses a sold-out offer as no-capacity',
    needs: 'emulator',
    run: async (harness) => {
      const { request, probe } = await makeRequest(harness);
      emulatorOf(harness).setSoldOut(true);
      assert.equal(await refusalKind(harness, request), 'no-capacity');
      assertNothingRuns(harness, request);
      assert.deepEqual(probe.marks(), [], 'the workload ran all the same');
    },
  },
];

async function repeatAfterFault(
  harness: ConformanceHarness,
  fault: Fault,
  leasesAfterFault: number,
): Promise<void> {
  const emulator = emulatorOf(harness);
  const { request } = await makeRequest(harness);
  emulator.inject(fault);
  const acquire = (signal: AbortSignal) =>
    harness.adapter.acquire(request, { signal, nowMs: harness.nowMs() });
  const isHeld = (): boolean => booksOf(emulator, request.leaseKey).length > 0;
  const error =
    fault.as === 'timeout'
      ? await callUnanswered(harness, acquire, isHeld)
      : await refusalOf(acquire(harness.context().signal));
  assert.equal(error.kind, 'unavailable');
  assert.equal(booksOf(emulator, request.leaseKey).length, leasesAfterFault);
  await waitUntilRepeatable(harness);
  const again = await harness.adapter.acquire(request, harness.context());
  assert.notEqual(again.state, 'gone');
  assertOneLease(harness, request);
}

async function repeatAtOnce(harness: ConformanceHarness): Promise<void> {
  const { request } = await makeRequest(harness);
  const calls = Array.from({ length: CONCURRENT_REPEATS }, () =>
    harness.adapter.acquire(request, harness.context()),
  );
  const replies = await Promise.allSettled(calls);
  const granted = replies.flatMap((reply) => (reply.status === 'fulfilled' ? [reply.value] : []));
  assert.ok(granted.length > 0, 'none of the repeats was granted');
  assert.equal(new Set(granted.map(({ externalId }) => externalId)).size, 1);
  for (const call of calls.filter((_, i) => replies[i]?.status === 'rejected')) {
    const { kind } = await refusalOf(call);
    assert.ok(kind === 'unavailable' || kind === 'rate-limited', `a repeat failed as ${kind}`);
  }
  assertOneLease(harness, request);
}

/**
 * The kind in which an acquire is refused. Where bids follow the order, the order may be accepted and come to nothing: then a read
 * must say so in time, and its cause stands for the kind.
 */
async function refusalKind(
  harness: ConformanceHarness,
  request: LeaseRequest,
): Promise<ProviderErrorKind | LeaseEndCause | null> {
  const { adapter } = harness;
  if (request.offer.market !== 'marketplace') {
    return (await refusalOf(adapter.acquire(request, harness.context()))).kind;
  }
  const refused = await kindOrNull(adapter.acquire(request, harness.context()));
  if (refused !== null) return refused;
  const states = ['active', 'ended', 'gone'] as const;
  await harness.pass(adapter.descriptor.quietMs + 1);
  const seen = await untilState(harness, request.leaseKey, states, startBoundMs(harness));
  assert.notEqual(seen.state, 'active', 'the order was served all the same');
  await releaseUntilGone(harness, request.leaseKey);
  return seen.cause;
}

async function kindOrNull(call: Promise<unknown>): Promise<ProviderErrorKind | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return (await refusalOf(Promise.reject(error))).kind;
  }
}

async function waitUntilRepeatable({ adapter, pass }: ConformanceHarness): Promise<void> {
  const { descriptor } = adapter;
  if (unlessRepeatsExactly(descriptor) !== null) await pass(descriptor.quietMs + 1);
}

function assertOneLease({ emulator }: ConformanceHarness, { leaseKey }: LeaseRequest): void {
  if (emulator === null) return;
  assert.equal(booksOf(emulator, leaseKey).length, 1, 'leases in the books under the key');
}

function assertNothingRuns({ emulator }: ConformanceHarness, { leaseKey }: LeaseRequest): void {
  if (emulator === null) return;
  assert.deepEqual(
    booksOf(emulator, leaseKey).filter(({ running }) => running),
    [],
  );
}
