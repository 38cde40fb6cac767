import {
  TracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace';
import { asAttemptId } from '#libs/domain';
import { FakeCloud, fakeDescriptor, fakeOffers, ManualClock } from '#libs/testkit';
import { guardedCall } from './adapter';
import type { CallContext, LeaseRequest, ProviderAdapter } from './adapter';
import { CIRCUIT_DEFAULTS } from './circuit';
import type { ProviderDescriptor } from './descriptor';
import { ProviderError } from './errors';
import { guard } from './guard';
import type { CallReport } from './guard';
import { MAX_WAITING_CALLS } from './rate-limit';

const leaseKey = asAttemptId('att-guard');
const ref = { leaseKey, externalId: null, region: null };
const never = new Promise<never>(() => undefined);

interface Setup {
  readonly descriptor?: Partial<ProviderDescriptor>;
  readonly override?: Partial<ProviderAdapter>;
}

/** A fake cloud behind a guard, on a manual clock, with what the guard reports. */
function setUp({ descriptor = {}, override = {} }: Setup = {}) {
  const clock = new ManualClock(1_000_000);
  const cloud = new FakeCloud(clock, { descriptor: { ...fakeDescriptor, ...descriptor } });
  const inner: ProviderAdapter = {
    descriptor: cloud.descriptor,
    listOffers: (ctx) => cloud.listOffers(ctx),
    acquire: (request, ctx) => cloud.acquire(request, ctx),
    observe: (r, ctx) => cloud.observe(r, ctx),
    release: (r, ctx) => cloud.release(r, ctx),
    listLeases: (ctx) => cloud.listLeases(ctx),
    ...override,
  };
  const reports: CallReport[] = [];
  const exporter = new InMemorySpanExporter();
  const tracer = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  }).getTracer('test');
  const adapter = guard(inner, {
    timers: { nowMs: () => clock.nowMs(), setTimer: (ms, action) => clock.after(ms, action) },
    metrics: { observeCall: (report) => void reports.push(report) },
    tracer,
  });
  return { adapter, clock, cloud, reports, spans: () => exporter.getFinishedSpans() };
}

function context(signal: AbortSignal = new AbortController().signal): CallContext {
  return { signal, nowMs: 0 };
}

function makeRequest(): LeaseRequest {
  const [offer] = fakeOffers;
  if (offer === undefined) throw new Error('the fake cloud has offers');
  return {
    leaseKey,
    offer,
    workload: { image: 'none', script: 'true', env: {} },
    labels: {},
    limits: { maxDurationMs: 60_000, maxPricePerHour: offer.pricePerHour },
  };
}

/** Lets every promise that can go on do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function errorOf(call: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ProviderError) return error;
  throw new Error(`expected a ProviderError, got ${String(error)}`);
}

async function failCalls(adapter: ProviderAdapter, cloud: FakeCloud, times: number): Promise<void> {
  cloud.inject({ verb: 'observe', when: 'before', as: 'unavailable', times });
  for (let i = 0; i < times; i += 1) await errorOf(adapter.observe(ref, context()));
}

describe('guard', () => {
  it('passes calls and replies through untouched', async () => {
    const { adapter, cloud } = setUp();
    const granted = await adapter.acquire(makeRequest(), context());
    expect(granted.state).toBe('starting');
    expect(await adapter.observe(ref, context())).toEqual(await cloud.observe(ref, context()));
    expect(await adapter.listLeases(context())).toHaveLength(1);
    expect(await adapter.listOffers(context())).toHaveLength(fakeOffers.length);
    expect((await adapter.release(ref, context())).state).toBe('gone');
  });

  it('offers logs only where the adapter does', async () => {
    expect('readLogs' in setUp().adapter).toBe(false);
    const { adapter } = setUp({ override: { readLogs: () => Promise.resolve('text') } });
    expect(await adapter.readLogs?.(ref, context())).toBe('text');
  });

  describe('time limit', () => {
    it('ends a call that the adapter never ends, and tells the adapter', async () => {
      let aborted = false;
      const { adapter, clock } = setUp({
        override: {
          observe: (_, { signal }) => {
            signal.addEventListener('abort', () => (aborted = true));
            return never;
          },
        },
      });
      const error = errorOf(adapter.observe(ref, context()));
      await settled();
      clock.advance(fakeDescriptor.callTimeoutMs - 1);
      expect(aborted).toBe(false);
      clock.advance(1);
      expect((await error).kind).toBe('unavailable');
      expect(aborted).toBe(true);
    });

    it('ends a call that its caller gives up', async () => {
      const { adapter } = setUp({ override: { observe: () => never } });
      const controller = new AbortController();
      const error = errorOf(adapter.observe(ref, context(controller.signal)));
      await settled();
      controller.abort();
      expect((await error).kind).toBe('unavailable');
    });

    it('refuses a call whose turn comes too late, and sends nothing', async () => {
      const { adapter, clock, cloud } = setUp({
        descriptor: { rateLimit: { perSecond: 1, burst: 1, concurrency: 10 } },
      });
      await adapter.listOffers(context());
      const error = errorOf(
        adapter.acquire(makeRequest(), guardedCall(clock.nowMs(), clock.nowMs() + 1_000)),
      );
      await settled();
      clock.advance(1_000);
      expect(await error).toMatchObject({ kind: 'unavailable', providerCode: null });
      expect(cloud.leases()).toEqual([]);
    });

    it('gives a call that waited for its turn only what is left of its time', async () => {
      let aborted = false;
      const { adapter, clock } = setUp({
        descriptor: { rateLimit: { perSecond: 1, burst: 1, concurrency: 10 } },
        override: {
          acquire: (_, { signal }) => {
            signal.addEventListener('abort', () => (aborted = true));
            return never;
          },
        },
      });
      await adapter.listOffers(context());
      const notAfterMs = clock.nowMs() + fakeDescriptor.callTimeoutMs;
      const error = errorOf(adapter.acquire(makeRequest(), guardedCall(clock.nowMs(), notAfterMs)));
      await settled();
      clock.advance(1_000);
      await settled();
      clock.advance(fakeDescriptor.callTimeoutMs - 1_001);
      expect(aborted).toBe(false);
      clock.advance(1);
      expect((await error).kind).toBe('unavailable');
      expect(clock.nowMs()).toBe(notAfterMs);
      expect(aborted).toBe(true);
    });

    it('never gives a call more than its own time-out', async () => {
      const { adapter, clock } = setUp({ override: { acquire: () => never } });
      const late = guardedCall(clock.nowMs(), clock.nowMs() + 10 * fakeDescriptor.callTimeoutMs);
      const error = errorOf(adapter.acquire(makeRequest(), late));
      await settled();
      clock.advance(fakeDescriptor.callTimeoutMs);
      expect((await error).kind).toBe('unavailable');
    });

    it('leaves no timer after a call', async () => {
      const { adapter, clock } = setUp();
      await adapter.listOffers(context());
      expect(clock.pendingTimers()).toBe(0);
    });
  });

  describe('errors', () => {
    it('lets a ProviderError through as it is', async () => {
      const { adapter, cloud } = setUp();
      cloud.inject({ verb: 'acquire', when: 'before', as: 'quota-exceeded' });
      expect((await errorOf(adapter.acquire(makeRequest(), context()))).kind).toBe(
        'quota-exceeded',
      );
    });

    it.each([
      { thrown: new TypeError('token s3cr3t'), named: 'TypeError', reason: 'an error' },
      { thrown: 's3cr3t', named: 'string', reason: 'not even an error' },
    ])('turns $reason into unmapped and repeats nothing of its text', async ({ thrown, named }) => {
      const { adapter } = setUp({ override: { observe: () => Promise.reject(thrown) } });
      const error = await errorOf(adapter.observe(ref, context()));
      expect(error).toMatchObject({ kind: 'unmapped', cause: thrown });
      expect(error.message).toContain(named);
      expect(error.message).not.toContain('s3cr3t');
    });

    it('turns what is thrown before a promise exists into unmapped', async () => {
      const { adapter } = setUp({
        override: {
          observe: () => {
            throw new RangeError('at once');
          },
        },
      });
      expect((await errorOf(adapter.observe(ref, context()))).kind).toBe('unmapped');
    });

    it("turns the platform's own abort into unavailable", async () => {
      const abort = new DOMException('gone', 'AbortError');
      const { adapter } = setUp({ override: { observe: () => Promise.reject(abort) } });
      expect((await errorOf(adapter.observe(ref, context()))).kind).toBe('unavailable');
    });
  });

  describe('rate limit', () => {
    const oneEachSecond = { rateLimit: { perSecond: 1, burst: 2, concurrency: 10 } };

    it('lets a burst pass and the rest at the declared rate', async () => {
      const { adapter, clock, reports } = setUp({ descriptor: oneEachSecond });
      const calls = [1, 2, 3, 4].map(() => adapter.listOffers(context()));
      await settled();
      expect(reports).toHaveLength(2);
      clock.advance(1_000);
      await settled();
      expect(reports).toHaveLength(3);
      clock.advance(1_000);
      await Promise.all(calls);
      expect(reports).toHaveLength(4);
    });

    it('keeps the declared number of calls under way at once', async () => {
      const open: (() => void)[] = [];
      const { adapter } = setUp({
        descriptor: { rateLimit: { perSecond: 1_000, burst: 1_000, concurrency: 2 } },
        override: {
          listOffers: () => new Promise((resolve) => open.push(() => resolve([]))),
        },
      });
      const calls = [1, 2, 3].map(() => adapter.listOffers(context()));
      await settled();
      expect(open).toHaveLength(2);
      open[0]?.();
      await settled();
      expect(open).toHaveLength(3);
      for (const finish of open) finish();
      await Promise.all(calls);
    });

    it('lets a release pass those that wait', async () => {
      const { adapter, clock, reports } = setUp({ descriptor: oneEachSecond });
      const calls: Promise<unknown>[] = [1, 2, 3, 4].map(() => adapter.listOffers(context()));
      calls.push(adapter.release(ref, context()));
      await settled();
      clock.advance(1_000);
      await settled();
      expect(reports.at(-1)?.verb).toBe('release');
      clock.advance(5_000);
      await Promise.all(calls);
    });

    it('refuses as rate-limited when too many wait, and says when to come back', async () => {
      const { adapter, clock } = setUp({ descriptor: oneEachSecond });
      const calls = Array.from({ length: 2 + MAX_WAITING_CALLS }, () =>
        adapter.listOffers(context()),
      );
      await settled();
      const error = await errorOf(adapter.listOffers(context()));
      expect(error.kind).toBe('rate-limited');
      expect(error.retryAfterMs).toBe(MAX_WAITING_CALLS * 1_000);
      for (let i = 0; i < MAX_WAITING_CALLS; i += 1) {
        clock.advance(1_000);
        await settled();
      }
      await Promise.all(calls);
    });

    it('forgets a waiting call whose caller gives up', async () => {
      const { adapter, clock, reports } = setUp({ descriptor: oneEachSecond });
      await Promise.all([adapter.listOffers(context()), adapter.listOffers(context())]);
      const controller = new AbortController();
      const error = errorOf(adapter.listOffers(context(controller.signal)));
      await settled();
      controller.abort();
      expect((await error).kind).toBe('unavailable');
      clock.advance(10_000);
      await settled();
      expect(reports.filter(({ errorKind }) => errorKind === null)).toHaveLength(2);
    });
  });

  describe('circuit', () => {
    const { failuresToOpen, openForMs } = CIRCUIT_DEFAULTS;

    it('opens after consecutive failures, and then fails without asking the provider', async () => {
      const { adapter, cloud } = setUp();
      await failCalls(adapter, cloud, failuresToOpen);
      for (const call of [
        adapter.observe(ref, context()),
        adapter.listOffers(context()),
        adapter.acquire(makeRequest(), context()),
      ]) {
        expect(await errorOf(call)).toMatchObject({ kind: 'unavailable', retryAfterMs: openForMs });
      }
      expect(cloud.leases()).toEqual([]);
    });

    it('counts calls that ran out of time', async () => {
      const { adapter, clock } = setUp({ override: { observe: () => never } });
      for (let i = 0; i < failuresToOpen; i += 1) {
        const error = errorOf(adapter.observe(ref, context()));
        await settled();
        clock.advance(fakeDescriptor.callTimeoutMs);
        await error;
      }
      expect((await errorOf(adapter.listOffers(context()))).retryAfterMs).toBe(openForMs);
    });

    it.each([
      { as: 'no-capacity' as const, reason: 'a refusal is an answer' },
      { as: 'rate-limited' as const, reason: 'being slowed down is an answer' },
    ])('stays closed: $reason', async ({ as }) => {
      const { adapter, cloud } = setUp();
      await failCalls(adapter, cloud, failuresToOpen - 1);
      cloud.inject({ verb: 'observe', when: 'before', as });
      await errorOf(adapter.observe(ref, context()));
      await failCalls(adapter, cloud, failuresToOpen - 1);
      await expect(adapter.observe(ref, context())).resolves.toMatchObject({ state: 'gone' });
    });

    it('does not hold calls that their callers gave up against the provider', async () => {
      const { adapter } = setUp({ override: { observe: () => never } });
      for (let i = 0; i < failuresToOpen; i += 1) {
        const controller = new AbortController();
        const error = errorOf(adapter.observe(ref, context(controller.signal)));
        await settled();
        controller.abort();
        await error;
      }
      await expect(adapter.listOffers(context())).resolves.toHaveLength(fakeOffers.length);
    });

    it('always lets a release through, and closes when it succeeds', async () => {
      const { adapter, cloud } = setUp();
      await adapter.acquire(makeRequest(), context());
      await failCalls(adapter, cloud, failuresToOpen);
      expect((await adapter.release(ref, context())).state).toBe('gone');
      expect(cloud.leases().filter(({ running }) => running)).toEqual([]);
      await expect(adapter.listOffers(context())).resolves.toHaveLength(fakeOffers.length);
    });

    it('lets one call try when its time is over, and closes when that one succeeds', async () => {
      let answer: (() => void) | undefined;
      const { adapter, clock, cloud } = setUp({
        override: {
          listOffers: () => new Promise((resolve) => (answer = () => resolve([]))),
        },
      });
      await failCalls(adapter, cloud, failuresToOpen);
      clock.advance(openForMs);
      const probe = adapter.listOffers(context());
      await settled();
      expect((await errorOf(adapter.observe(ref, context()))).kind).toBe('unavailable');
      answer?.();
      await probe;
      await expect(adapter.observe(ref, context())).resolves.toMatchObject({ state: 'gone' });
    });

    it('opens again when the try fails', async () => {
      const { adapter, clock, cloud } = setUp();
      await failCalls(adapter, cloud, failuresToOpen);
      clock.advance(openForMs);
      await failCalls(adapter, cloud, 1);
      expect((await errorOf(adapter.observe(ref, context()))).retryAfterMs).toBe(openForMs);
    });
  });

  describe('what it reports', () => {
    it('counts each call with its kind of error and its duration', async () => {
      const { adapter, clock, cloud, reports } = setUp({
        override: { release: () => never },
      });
      cloud.inject({ verb: 'acquire', when: 'before', as: 'no-capacity' });
      await errorOf(adapter.acquire(makeRequest(), context()));
      await adapter.listOffers(context());
      const slow = errorOf(adapter.release(ref, context()));
      await settled();
      clock.advance(fakeDescriptor.callTimeoutMs);
      await slow;
      const providerId = fakeDescriptor.id;
      const durationMs = fakeDescriptor.callTimeoutMs;
      expect(reports).toEqual([
        { providerId, verb: 'acquire', errorKind: 'no-capacity', durationMs: 0 },
        { providerId, verb: 'listOffers', errorKind: null, durationMs: 0 },
        { providerId, verb: 'release', errorKind: 'unavailable', durationMs },
      ]);
    });

    it('traces each call with its verb, its lease and its kind of error', async () => {
      const { adapter, cloud, spans } = setUp();
      cloud.inject({ verb: 'observe', when: 'before', as: 'unmapped' });
      await errorOf(adapter.observe(ref, context()));
      await adapter.listOffers(context());
      expect(spans().map(({ name, attributes }) => ({ name, attributes }))).toEqual([
        {
          name: 'provider observe',
          attributes: {
            'fairlead.provider.id': fakeDescriptor.id,
            'fairlead.verb': 'observe',
            'fairlead.lease.key': leaseKey,
            'error.type': 'unmapped',
          },
        },
        {
          name: 'provider listOffers',
          attributes: {
            'fairlead.provider.id': fakeDescriptor.id,
            'fairlead.verb': 'listOffers',
          },
        },
      ]);
    });
  });
});
