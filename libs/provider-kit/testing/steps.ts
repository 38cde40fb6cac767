import assert from 'node:assert/strict';
import { microUsd } from '#libs/domain';
import type { AttemptId, MicroUsd, Offer } from '#libs/domain';
import type { LeaseObservation, LeaseRef, LeaseRequest, LeaseState } from '../adapter';
import type { EmulatedLease, Fault, RunningEmulator } from '../emulator';
import { ProviderError } from '../errors';
import { SkipCheck } from './check';
import type { ConformanceHarness, ProbeKind, ProbeWorkload } from './harness';

/** How long a check's lease may run at most; what a live run may cost follows from it. */
export const LEASE_LIMIT_MS = 15 * 60_000;
/** Providers may take this long to take a lease down. */
export const RELEASE_BOUND_MS = 10 * 60_000;
/** Providers may take this long, beyond the notice, to show an interruption or the end of a workload. */
export const END_BOUND_MS = 10 * 60_000;

export interface HeldLease {
  readonly request: LeaseRequest;
  readonly granted: LeaseObservation;
  readonly probe: ProbeWorkload;
}

interface Wanted {
  readonly leaseKey?: AttemptId;
  readonly kind?: ProbeKind;
  readonly offer?: Offer;
  readonly maxPricePerHour?: MicroUsd;
}

/** A reference that holds the key and no hints. */
export function byKey(leaseKey: AttemptId): LeaseRef {
  return { leaseKey, externalId: null, region: null };
}

/** The emulator, for checks that declare that they need one. */
export function emulatorOf({ emulator }: ConformanceHarness): RunningEmulator {
  if (emulator === null) throw new SkipCheck('needs the emulator');
  return emulator;
}

/** The cheapest available offer, of those that `suits` accepts; ties go by id. */
export async function cheapestOffer(
  harness: ConformanceHarness,
  suits: (offer: Offer) => boolean = () => true,
): Promise<Offer> {
  const offers = await harness.adapter.listOffers(harness.context());
  const available = offers.filter(({ available }) => available);
  assert.ok(available.length > 0, 'no offer is available');
  const [cheapest] = available.filter(suits).sort(byPriceThenId);
  if (cheapest === undefined) throw new SkipCheck('no available offer is of the wanted sort');
  return cheapest;
}

/** A request with a fresh key and a workload that stays, on the cheapest offer, unless said otherwise. */
export async function makeRequest(
  harness: ConformanceHarness,
  wanted: Wanted = {},
): Promise<{ readonly request: LeaseRequest; readonly probe: ProbeWorkload }> {
  const probe = harness.workload(wanted.kind ?? 'stays');
  const offer = wanted.offer ?? (await cheapestOffer(harness));
  const request: LeaseRequest = {
    leaseKey: wanted.leaseKey ?? harness.newLeaseKey(),
    offer,
    workload: probe.workload,
    labels: { project: 'conformance', job: 'conformance' },
    limits: {
      maxDurationMs: LEASE_LIMIT_MS,
      maxPricePerHour: wanted.maxPricePerHour ?? microUsd(offer.pricePerHour * 2),
    },
  };
  return { request, probe };
}

export async function acquireOne(
  harness: ConformanceHarness,
  wanted: Wanted = {},
): Promise<HeldLease> {
  const { request, probe } = await makeRequest(harness, wanted);
  const granted = await harness.adapter.acquire(request, harness.context());
  return { request, granted, probe };
}

/** Acquires and waits until the lease is up. */
export async function acquireActive(
  harness: ConformanceHarness,
  wanted: Wanted = {},
): Promise<HeldLease> {
  const held = await acquireOne(harness, wanted);
  await untilState(harness, held.request.leaseKey, ['active'], startBoundMs(harness));
  return held;
}

export function startBoundMs({ adapter }: ConformanceHarness): number {
  return adapter.descriptor.startLimitMs + adapter.descriptor.quietMs;
}

/** Observes by key alone until the lease is in one of `states`. */
export async function untilState(
  harness: ConformanceHarness,
  leaseKey: AttemptId,
  states: readonly LeaseState[],
  boundMs: number,
): Promise<LeaseObservation> {
  let last: LeaseState | 'not yet seen' = 'not yet seen';
  const reached = await harness.settle(async () => {
    const seen = await harness.adapter.observe(byKey(leaseKey), harness.context());
    last = seen.state;
    return states.includes(seen.state) ? seen : null;
  }, boundMs);
  assert.ok(
    reached !== null,
    `expected ${states.join(' or ')} within ${boundMs} ms, still ${last}`,
  );
  return reached;
}

/** Releases again and again, as callers do, until a release and a read both say `gone`. */
export async function releaseUntilGone(
  harness: ConformanceHarness,
  leaseKey: AttemptId,
): Promise<void> {
  const gone = await harness.settle(async () => {
    const reply = await harness.adapter.release(byKey(leaseKey), harness.context());
    if (reply.state !== 'gone') return null;
    const seen = await harness.adapter.observe(byKey(leaseKey), harness.context());
    return seen.state === 'gone' ? seen : null;
  }, RELEASE_BOUND_MS);
  assert.ok(gone !== null, `the lease is not gone ${RELEASE_BOUND_MS} ms after its release`);
}

/** What the provider's books hold under a key. */
export function booksOf(emulator: RunningEmulator, leaseKey: AttemptId): readonly EmulatedLease[] {
  return emulator.leases().filter((lease) => lease.leaseKey === leaseKey);
}

/** Waits in real time until `condition` holds; for effects that reach us without the provider's clock. */
export async function untilTrue(
  harness: ConformanceHarness,
  condition: () => boolean,
  expectation: string,
): Promise<void> {
  const held = await harness.settle(() => Promise.resolve(condition() ? true : null), 0);
  assert.ok(held === true, expectation);
}

/** The error that `call` ends in, which must be a `ProviderError`. */
export async function refusalOf(call: Promise<unknown>): Promise<ProviderError> {
  const ended = await call.then(
    (value: unknown) => ({ value }),
    (error: unknown) => ({ error }),
  );
  assert.ok('error' in ended, 'the call was expected to fail and did not');
  const { error } = ended;
  if (error instanceof SkipCheck) throw error;
  assert.ok(
    error instanceof ProviderError,
    `something other than ProviderError left: ${String(error)}`,
  );
  return error;
}

/** Makes a call that the provider never answers, and aborts it once the provider has it (or can be assumed to). */
export async function callUnanswered(
  harness: ConformanceHarness,
  call: (signal: AbortSignal) => Promise<unknown>,
  hasArrived: () => boolean = requestArrival(harness),
): Promise<ProviderError> {
  const controller = new AbortController();
  const refusal = refusalOf(call(controller.signal));
  await harness.settle(() => Promise.resolve(hasArrived() ? true : null), 0);
  controller.abort();
  return refusal;
}

/** Every verb as a call that can be made at any time: about the lease of `request`, but `acquire` asks for a new one each time. */
export function callsOf(
  harness: ConformanceHarness,
  request: LeaseRequest,
): { readonly [V in Fault['verb']]: (signal?: AbortSignal) => Promise<unknown> } {
  const { adapter } = harness;
  const contextWith = (signal?: AbortSignal) =>
    signal === undefined ? harness.context() : { signal, nowMs: harness.nowMs() };
  return {
    listOffers: (signal) => adapter.listOffers(contextWith(signal)),
    acquire: (signal) =>
      adapter.acquire({ ...request, leaseKey: harness.newLeaseKey() }, contextWith(signal)),
    observe: (signal) => adapter.observe(byKey(request.leaseKey), contextWith(signal)),
    release: (signal) => adapter.release(byKey(request.leaseKey), contextWith(signal)),
    listLeases: (signal) => adapter.listLeases(contextWith(signal)),
  };
}

export const verbs: readonly Fault['verb'][] = [
  'listOffers',
  'acquire',
  'observe',
  'release',
  'listLeases',
];

function requestArrival({ requests }: ConformanceHarness): () => boolean {
  if (requests === null) return () => true;
  const before = requests();
  return () => requests() > before;
}

function byPriceThenId(a: Offer, b: Offer): number {
  return a.pricePerHour - b.pricePerHour || (a.id < b.id ? -1 : 1);
}
