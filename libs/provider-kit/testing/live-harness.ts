import { randomUUID } from 'node:crypto';
import { setTimeout as realWait } from 'node:timers/promises';
import { asAttemptId, costOf, sumUsd } from '#libs/domain';
import type { AttemptId, MicroUsd } from '#libs/domain';
import type { CallContext, LeaseRequest, ProviderAdapter } from '../adapter';
import { SkipCheck } from './check';
import type { CheckOutcome } from './conformance';
import type { ConformanceHarness, MakeHarness } from './harness';
import { makeProbe } from './probe-workload';
import { secretsIn } from './secrets';
import { LEASE_LIMIT_MS } from './steps';

/** How often the real provider is asked while waiting for something. */
const LIVE_POLL_MS = 5_000;
/** How long cleaning up may take; a lease that is not gone by then is named for a person to see to. */
const LIVE_CLEAN_UP_BOUND_MS = 15 * 60_000;

export interface LiveRun {
  readonly makeHarness: MakeHarness;
  /** Ends the run: nothing more is acquired. Releases whatever it created and says whether the provider lists nothing of it any more. */
  leaveNothing(): Promise<CheckOutcome>;
}

interface LiveOptions {
  readonly adapter: ProviderAdapter;
  /** Where the adapter's configuration came from; its credentials must show in no error. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What all leases of the run may cost together if each lasted as long as a check allows. */
  readonly maxSpend: MicroUsd;
  readonly pollMs?: number;
  readonly cleanUpBoundMs?: number;
}

/** What the steps of one run share. */
interface Run {
  readonly adapter: ProviderAdapter;
  /** Every key that this run made, whatever became of it. */
  readonly keys: Set<AttemptId>;
  readonly secrets: readonly string[];
  readonly pollMs: number;
  readonly cleanUpBoundMs: number;
}

/** A run of the suite against the real provider, which costs real money up to `maxSpend`. */
export function liveRun({ adapter, env, maxSpend, pollMs, cleanUpBoundMs }: LiveOptions): LiveRun {
  let isOver = false;
  const run: Run = {
    adapter: capSpending(adapter, maxSpend, () => isOver),
    keys: new Set(),
    secrets: secretsIn(env),
    pollMs: pollMs ?? LIVE_POLL_MS,
    cleanUpBoundMs: cleanUpBoundMs ?? LIVE_CLEAN_UP_BOUND_MS,
  };
  const makeHarness = Object.assign(() => Promise.resolve(harnessOf(run)), {
    withoutEmulator: 'live: needs faults, books or a hand on the clock',
    unseenWorkloads: 'live: the workload runs far away',
  });
  return {
    makeHarness,
    leaveNothing: () => {
      isOver = true;
      return leaveNothing(run);
    },
  };
}

/** Refuses an acquire that could take the run over `maxSpend`, reckoned as if every lease lasted until its limit, and any once the run is over. */
export function capSpending(
  adapter: ProviderAdapter,
  maxSpend: MicroUsd,
  isOver: () => boolean = () => false,
): ProviderAdapter {
  const worstCases = new Map<AttemptId, MicroUsd>();
  return {
    descriptor: adapter.descriptor,
    ...(adapter.readLogs === undefined ? {} : { readLogs: adapter.readLogs.bind(adapter) }),
    listOffers: (ctx) => adapter.listOffers(ctx),
    observe: (ref, ctx) => adapter.observe(ref, ctx),
    release: (ref, ctx) => adapter.release(ref, ctx),
    listLeases: (ctx) => adapter.listLeases(ctx),
    acquire: async (request, ctx) => {
      if (isOver()) throw new SkipCheck('live: the run is over');
      worstCases.set(request.leaseKey, worstCaseOf(request));
      if (sumUsd([...worstCases.values()]) > maxSpend) {
        worstCases.delete(request.leaseKey);
        throw new SkipCheck(`live: ${request.offer.id} could take the run over its spending cap`);
      }
      return adapter.acquire(request, ctx);
    },
  };
}

function worstCaseOf({ offer, limits }: LeaseRequest): MicroUsd {
  const chargedMs = Math.max(limits.maxDurationMs, LEASE_LIMIT_MS, offer.billing.minimumMs);
  const increments = Math.ceil(chargedMs / offer.billing.incrementMs);
  return costOf(limits.maxPricePerHour, increments * offer.billing.incrementMs);
}

function harnessOf(run: Run): ConformanceHarness {
  const { adapter } = run;
  const keys = new Set<AttemptId>();
  return {
    adapter,
    emulator: null,
    secrets: run.secrets,
    requests: null,
    nowMs: () => Date.now(),
    context: () => contextFor(adapter),
    newLeaseKey: () => {
      const key = asAttemptId(`att-${randomUUID()}`);
      keys.add(key);
      run.keys.add(key);
      return key;
    },
    workload: (kind) => makeProbe(kind, adapter.descriptor, null),
    pass: (durationMs) => realWait(durationMs),
    settle: (probe, boundMs) => pollUntil(probe, boundMs, run.pollMs),
    close: async () => {
      await releaseAll(run, keys);
    },
  };
}

function contextFor({ descriptor }: ProviderAdapter): CallContext {
  return { signal: AbortSignal.timeout(descriptor.callTimeoutMs), nowMs: Date.now() };
}

async function pollUntil<T>(
  probe: () => Promise<T | null>,
  boundMs: number,
  pollMs: number,
): Promise<T | null> {
  const polls = Math.ceil(boundMs / pollMs);
  for (let poll = 0; poll < polls; poll += 1) {
    const found = await probe();
    if (found !== null) return found;
    await realWait(pollMs);
  }
  return probe();
}

/** Releases each key until the provider says that it is gone; answers whether all are. */
async function releaseAll(run: Run, keys: Iterable<AttemptId>): Promise<boolean> {
  const left = new Set(keys);
  const done = await pollUntil(
    async () => {
      for (const leaseKey of left) if (await isReleased(run, leaseKey)) left.delete(leaseKey);
      return left.size === 0 ? true : null;
    },
    run.cleanUpBoundMs,
    run.pollMs,
  );
  return done === true;
}

/** A failed release is no reason to stop: the next round tries again. */
async function isReleased({ adapter }: Run, leaseKey: AttemptId): Promise<boolean> {
  try {
    const ref = { leaseKey, externalId: null, region: null };
    return (await adapter.release(ref, contextFor(adapter))).state === 'gone';
  } catch {
    return false;
  }
}

/** Believes the provider's list, read after its quiet time, rather than the replies to the releases. */
async function leaveNothing(run: Run): Promise<CheckOutcome> {
  const { adapter, keys } = run;
  await realWait(adapter.descriptor.quietMs);
  const isReleasedAll = await releaseAll(run, keys);
  const isListEmpty = await pollUntil(
    async () => ((await listsNoneOf(run)) ? true : null),
    run.cleanUpBoundMs,
    run.pollMs,
  );
  const isClean = isReleasedAll && isListEmpty === true;
  return {
    group: 'listLeases',
    name: 'nothing left running',
    status: isClean ? 'passed' : 'failed',
    reason: isClean ? null : `look at the provider's console for ${[...keys].join(', ')}`,
  };
}

async function listsNoneOf({ adapter, keys }: Run): Promise<boolean> {
  try {
    const listed = await adapter.listLeases(contextFor(adapter));
    return !listed.some(({ leaseKey }) => keys.has(leaseKey));
  } catch {
    return false;
  }
}
