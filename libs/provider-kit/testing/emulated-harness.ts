import { randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as realWait } from 'node:timers/promises';
import { asAttemptId } from '#libs/domain';
import { ManualClock } from '#libs/testkit';
import type { ProviderAdapter } from '../adapter';
import type { AnyProviderPlugin } from '../plugin';
import type { ConformanceHarness, MakeHarness } from './harness';
import { makeProbe } from './probe-workload';
import { secretsIn } from './secrets';

export interface EmulatedHarnessOptions {
  /** Why this emulator runs no workloads; null, the default, says that it does. */
  readonly unseenWorkloads: string | null;
  /** Whether the emulator is an HTTP server in this process, whose requests can be counted. */
  readonly speaksHttp: boolean;
  /** How much real time an effect gets to reach us once the provider's time is up. */
  readonly patienceMs: number;
  /** Stands between the suite and the adapter; for proving that the suite notices what goes wrong there. */
  readonly wrap: (adapter: ProviderAdapter) => ProviderAdapter;
}

const DEFAULTS: EmulatedHarnessOptions = {
  unseenWorkloads: null,
  speaksHttp: true,
  patienceMs: 10_000,
  wrap: (adapter) => adapter,
};

/** Where the emulated clock starts: 2026-01-01T00:00:00Z, so that dates on the wire look like dates. */
const CLOCK_START_MS = Date.UTC(2026, 0, 1);
const SEED = 1;
/** Provider time passes in steps, with a breath of real time after each for processes and sockets. */
const STEPS = 25;
const BREATH_MS = 4;
/** Looks at effects that reach us in real time are this far apart. */
const PATIENCE_POLL_MS = 50;
const CALL_BOUND_MS = 30_000;

/** Harnesses over a plugin's emulator: a new emulator, on a clock that stands still unless a check moves it, for each check. */
export function emulatedHarness(
  plugin: AnyProviderPlugin,
  options: Partial<EmulatedHarnessOptions> = {},
): MakeHarness {
  const complete = { ...DEFAULTS, ...options };
  return Object.assign(() => startHarness(plugin, complete), {
    withoutEmulator: null,
    unseenWorkloads: complete.unseenWorkloads,
  });
}

async function startHarness(
  plugin: AnyProviderPlugin,
  options: EmulatedHarnessOptions,
): Promise<ConformanceHarness> {
  const root = await mkdtemp(join(tmpdir(), 'fairlead-conformance-'));
  const [rootDir, marksDir] = [join(root, 'emulator'), join(root, 'marks')];
  await Promise.all([mkdir(rootDir), mkdir(marksDir)]);
  const clock = new ManualClock(CLOCK_START_MS);
  const emulator = await plugin.startEmulator({ rootDir, clock, delayFactor: 1, seed: SEED });
  // Checks that are about late reads set a lag themselves; all others see at once what they have done.
  emulator.setReadLag(0);
  const counter = countRequests();
  return {
    adapter: options.wrap(plugin.adapterFrom(emulator.config)),
    emulator,
    secrets: secretsIn(emulator.config),
    requests: options.speaksHttp ? counter.count : null,
    nowMs: () => clock.nowMs(),
    context: () => ({ signal: AbortSignal.timeout(CALL_BOUND_MS), nowMs: clock.nowMs() }),
    newLeaseKey: () => asAttemptId(`att-${randomUUID()}`),
    workload: (kind) => makeProbe(kind, plugin.descriptor, marksDir),
    pass: (durationMs) => pass(clock, durationMs),
    settle: (probe, boundMs) => settle(clock, probe, boundMs, options.patienceMs),
    close: async () => {
      counter.stop();
      await emulator.close();
      await rm(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function pass(clock: ManualClock, durationMs: number): Promise<void> {
  for (let step = 1; step <= STEPS; step += 1) {
    clock.advance(share(durationMs, step) - share(durationMs, step - 1));
    await realWait(BREATH_MS);
  }
}

async function settle<T>(
  clock: ManualClock,
  probe: () => Promise<T | null>,
  boundMs: number,
  patienceMs: number,
): Promise<T | null> {
  for (let step = 1; step <= STEPS && boundMs > 0; step += 1) {
    const found = await probe();
    if (found !== null) return found;
    clock.advance(share(boundMs, step) - share(boundMs, step - 1));
    await realWait(BREATH_MS);
  }
  for (let poll = 0; poll * PATIENCE_POLL_MS < patienceMs; poll += 1) {
    const found = await probe();
    if (found !== null) return found;
    await realWait(PATIENCE_POLL_MS);
  }
  return null;
}

/** How much of a duration has passed after so many steps, in whole ms. */
function share(durationMs: number, steps: number): number {
  return Math.ceil((durationMs * steps) / STEPS);
}

/** Counts the requests that arrive at HTTP servers of this process. */
function countRequests(): { readonly count: () => number; readonly stop: () => void } {
  let requests = 0;
  const onRequest = (): void => {
    requests += 1;
  };
  diagnostics.subscribe('http.server.request.start', onRequest);
  return {
    count: () => requests,
    stop: () => {
      diagnostics.unsubscribe('http.server.request.start', onRequest);
    },
  };
}
