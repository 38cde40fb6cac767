import assert from 'node:assert/strict';
import type { Check } from '../check';
import type { ConformanceHarness } from '../harness';
import {
  acquireActive,
  acquireOne,
  byKey,
  END_BOUND_MS,
  startBoundMs,
  untilState,
  untilTrue,
} from '../steps';

const group = 'declarations';
const MAX_LOG_BYTES = 64 * 1024;

export const declarationChecks: readonly Check[] = [
  {
    group,
    name: 'describe a provider that can be worked with',
    needs: 'any',
    run: async ({ adapter }) => {
      const { descriptor: d } = adapter;
      assert.match(d.id, /^[a-z][a-z0-9-]*$/);
      assert.ok(d.displayName !== '' && d.settlementCurrency !== '');
      const positive = {
        callTimeoutMs: d.callTimeoutMs,
        perSecond: d.rateLimit.perSecond,
        burst: d.rateLimit.burst,
        concurrency: d.rateLimit.concurrency,
        incrementMs: d.billing.incrementMs,
        observeEveryMs: d.observeEveryMs,
        startLimitMs: d.startLimitMs,
      };
      for (const [name, value] of Object.entries(positive)) {
        assert.ok(Number.isFinite(value) && value > 0, `${name} is ${value}`);
      }
      assert.ok(d.quietMs >= 0 && d.billing.minimumMs >= 0 && d.interruptionNoticeMs >= 0);
      assert.ok(d.rateLimit.burst >= 1 && d.rateLimit.concurrency >= 1);
      assert.ok(d.startLimitMs > d.quietMs, 'a start takes longer than the reads lag');
    },
  },
  {
    group,
    name: 'offer logs exactly when they can be read',
    needs: 'any',
    run: async ({ adapter }) => {
      assert.equal(adapter.readLogs !== undefined, adapter.descriptor.offers.readLogs);
    },
  },
  {
    group,
    name: 'give the logs of a workload, within the limit',
    needs: 'any',
    unless: ({ offers }) => (offers.readLogs ? null : 'logs are not offered'),
    run: readLogs,
  },
  {
    group,
    name: 'run the workload, with its environment',
    needs: 'workload',
    run: async (harness) => {
      const { probe } = await acquireActiveOrEnded(harness);
      await untilTrue(harness, () => probe.marks().includes('finished'), 'it never finished');
      const { runs } = harness.adapter.descriptor;
      if (runs === 'container') assert.ok(probe.marks().includes('word=fairlead'), 'lost its env');
    },
  },
  {
    group,
    name: 'run the workload of a machine exactly once',
    needs: 'workload',
    unless: ({ runs }) => (runs === 'vm' ? null : 'it runs containers'),
    run: async (harness) => {
      const { request, probe } = await acquireActiveOrEnded(harness);
      await harness.adapter.acquire(request, harness.context());
      await harness.pass(END_BOUND_MS);
      assert.deepEqual(
        probe.marks().filter((mark) => mark === 'started'),
        ['started'],
      );
    },
  },
];

async function acquireActiveOrEnded(harness: ConformanceHarness) {
  const held = await acquireOne(harness, { kind: 'ends' });
  const states = ['active', 'ended', 'gone'] as const;
  await harness.pass(harness.adapter.descriptor.quietMs + 1);
  await untilState(harness, held.request.leaseKey, states, startBoundMs(harness));
  return held;
}

async function readLogs(harness: ConformanceHarness): Promise<void> {
  const { adapter } = harness;
  const read = adapter.readLogs?.bind(adapter);
  assert.ok(read !== undefined);
  const { request } = await acquireActive(harness);
  const boundMs = startBoundMs(harness);
  const logs = await harness.settle(async () => {
    const text = await read(byKey(request.leaseKey), harness.context());
    assert.ok(Buffer.byteLength(text) <= MAX_LOG_BYTES, 'more than 64 KiB of logs');
    return text.includes('hello from the workload') ? text : null;
  }, boundMs);
  if (harness.emulator !== null) assert.ok(logs !== null, 'its words are not in the logs');
}
