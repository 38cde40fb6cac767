import assert from 'node:assert/strict';
import type { Fault } from '../../emulator';
import type { Check } from '../check';
import type { ConformanceHarness } from '../harness';
import {
  acquireOne,
  callsOf,
  callUnanswered,
  emulatorOf,
  makeRequest,
  refusalOf,
  verbs,
} from '../steps';

const group = 'manners';
const CALLS_THAT_MIGHT_LEAK = 8;

export const mannersChecks: readonly Check[] = [
  {
    group,
    name: 'makes no request once the signal is aborted',
    needs: 'any',
    run: async (harness) => {
      const { request } = await makeRequest(harness);
      const calls = callsOf(harness, request);
      const requestsBefore = harness.requests?.() ?? 0;
      for (const verb of verbs) {
        const error = await refusalOf(calls[verb](AbortSignal.abort()));
        assert.equal(error.kind, 'unavailable', `${verb} on an aborted signal`);
      }
      assert.equal(harness.requests?.() ?? 0, requestsBefore, 'requests after the abort');
      assert.deepEqual(harness.emulator?.leases() ?? [], []);
    },
  },
  ...verbs.map((verb): Check => ({
    group,
    name: `gives up a call without an answer when the signal aborts (${verb})`,
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      emulatorOf(harness).inject({ verb, when: 'before', as: 'timeout' });
      const error = await callUnanswered(harness, callsOf(harness, request)[verb]);
      assert.equal(error.kind, 'unavailable');
    },
  })),
  ...(['unavailable', 'rate-limited'] as const).map((as): Check => ({
    group,
    name: `leaves retrying to the caller (${as})`,
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      for (const verb of verbs) await failTwiceThenWork(harness, { verb, when: 'before', as });
      async function failTwiceThenWork(of: ConformanceHarness, fault: Fault): Promise<void> {
        const call = callsOf(of, request)[fault.verb];
        emulatorOf(of).inject({ ...fault, times: 2 });
        await refusalOf(call());
        await refusalOf(call());
        await call();
      }
    },
  })),
  {
    group,
    name: 'leaves no timer behind',
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      const { observe, listOffers } = callsOf(harness, request);
      const { signal } = new AbortController();
      await listOffers(signal);
      await observe(signal);
      const before = timers();
      for (let i = 0; i < CALLS_THAT_MIGHT_LEAK; i += 1) {
        await listOffers(signal);
        await observe(signal);
      }
      const leaked = timers() - before;
      assert.ok(leaked < CALLS_THAT_MIGHT_LEAK, `${leaked} timers are left after as many calls`);
    },
  },
];

/** Timers that keep this program running. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}
