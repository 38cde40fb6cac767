import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import type { AttemptId, ProviderErrorKind, ProviderId } from '#libs/domain';
import type { CallContext, ProviderAdapter } from './adapter';
import { timedOut, toProviderError } from './bounded';
import { Circuit } from './circuit';
import type { CircuitNews, CircuitRecord, CircuitSettings } from './circuit';
import { ProviderError } from './errors';
import { RateLimit } from './rate-limit';
import type { Timers } from './timers';

export type ProviderVerb =
  'listOffers' | 'acquire' | 'observe' | 'release' | 'listLeases' | 'readLogs' | 'readFeed';

export interface CallReport {
  readonly providerId: ProviderId;
  readonly verb: ProviderVerb;
  /** Null when the call succeeded. */
  readonly errorKind: ProviderErrorKind | null;
  /** The wait for a turn included. */
  readonly durationMs: number;
}

/** Where the figures of each call go. */
export interface CallMetrics {
  observeCall(report: CallReport): void;
}

export interface GuardDependencies {
  readonly timers: Timers;
  readonly metrics: CallMetrics;
  /** The global one unless said. */
  readonly tracer?: Tracer;
  readonly circuit?: CircuitSettings;
  /** Where the circuit is kept; nowhere unless said. */
  readonly circuitRecord?: CircuitRecord;
}

interface Call<T> {
  readonly verb: ProviderVerb;
  readonly leaseKey: AttemptId | null;
  readonly ctx: CallContext;
  readonly make: (ctx: CallContext) => Promise<T>;
}

/**
 * Adds to an adapter once what none may have itself: a time limit, a rate limit, a circuit breaker, a trace span and figures for each
 * call; and sees to it that only `ProviderError` leaves. `release` goes first in the line and passes an open circuit, since money
 * depends on it.
 */
export function guard(adapter: ProviderAdapter, deps: GuardDependencies): ProviderAdapter {
  const { readLogs } = adapter;
  const run = guardedRunner(adapter, deps);
  const guarded: ProviderAdapter = {
    descriptor: adapter.descriptor,
    listOffers: (ctx) =>
      run({ verb: 'listOffers', leaseKey: null, ctx, make: (c) => adapter.listOffers(c) }),
    acquire: (request, ctx) =>
      run({
        verb: 'acquire',
        leaseKey: request.leaseKey,
        ctx,
        make: (c) => adapter.acquire(request, c),
      }),
    observe: (ref, ctx) =>
      run({ verb: 'observe', leaseKey: ref.leaseKey, ctx, make: (c) => adapter.observe(ref, c) }),
    release: (ref, ctx) =>
      run({ verb: 'release', leaseKey: ref.leaseKey, ctx, make: (c) => adapter.release(ref, c) }),
    listLeases: (ctx) =>
      run({ verb: 'listLeases', leaseKey: null, ctx, make: (c) => adapter.listLeases(c) }),
  };
  if (readLogs === undefined) return guarded;
  return {
    ...guarded,
    readLogs: (ref, ctx) =>
      run({
        verb: 'readLogs',
        leaseKey: ref.leaseKey,
        ctx,
        make: (c) => readLogs.call(adapter, ref, c),
      }),
  };
}

function guardedRunner(
  { descriptor }: ProviderAdapter,
  deps: GuardDependencies,
): <T>(call: Call<T>) => Promise<T> {
  const { timers } = deps;
  const tracer = deps.tracer ?? trace.getTracer('fairlead.provider-kit');
  const record = deps.circuitRecord;
  const circuit = new Circuit(deps.circuit, record?.openUntilMs() ?? null);
  const rateLimit = new RateLimit(descriptor.rateLimit, timers);

  return (call) =>
    tracer.startActiveSpan(
      `provider ${call.verb}`,
      { kind: SpanKind.CLIENT, attributes: attributesOf(descriptor.id, call) },
      async (span) => {
        const startedAtMs = timers.nowMs();
        const report = (errorKind: ProviderErrorKind | null): void => {
          endSpan(span, errorKind);
          const durationMs = timers.nowMs() - startedAtMs;
          deps.metrics.observeCall({
            providerId: descriptor.id,
            verb: call.verb,
            errorKind,
            durationMs,
          });
        };
        try {
          const answer = await inTurn(call);
          report(null);
          return answer;
        } catch (error) {
          const failure = toProviderError(error, descriptor.id, call.verb);
          report(failure.kind);
          throw failure;
        }
      },
    );

  /** Waits for its turn, and asks the circuit both before (to fail at once) and after (it may have opened meanwhile). */
  async function inTurn<T>(call: Call<T>): Promise<T> {
    const isUrgent = call.verb === 'release';
    if (!isUrgent) assertClosed(circuit, timers.nowMs());
    const exit = await rateLimit.enter(call.ctx.signal, isUrgent);
    try {
      if (!isUrgent) assertClosed(circuit, timers.nowMs());
      return await heardByCircuit(call);
    } finally {
      exit();
    }
  }

  function tell(news: CircuitNews, isProbe: boolean): void {
    const change = circuit.hear(news, isProbe, timers.nowMs());
    if (change !== null) record?.changed(change);
  }

  async function heardByCircuit<T>(call: Call<T>): Promise<T> {
    const limitMs = timeLeftMs(call.ctx, descriptor.callTimeoutMs, timers.nowMs());
    const isProbe = circuit.setOut(timers.nowMs());
    try {
      const answer = await withinTime(call, limitMs, timers);
      tell('answered', isProbe);
      return answer;
    } catch (error) {
      const failure = toProviderError(error, descriptor.id, call.verb);
      tell(newsOf(failure, call.ctx.signal), isProbe);
      throw failure;
    }
  }
}

/** How long a call may take whose turn has come: its own time-out, or what the wait in line left of the caller's time if that is less. */
function timeLeftMs({ notAfterMs }: CallContext, callTimeoutMs: number, nowMs: number): number {
  const leftMs = Math.min(callTimeoutMs, (notAfterMs ?? Infinity) - nowMs);
  if (leftMs > 0) return leftMs;
  throw new ProviderError('unavailable', 'the turn of the call came too late, nothing was sent');
}

function withinTime<T>({ ctx, make }: Call<T>, timeoutMs: number, timers: Timers): Promise<T> {
  const request = (signal: AbortSignal): Promise<T> => make({ ...ctx, signal });
  return timedOut(request, { timeoutMs, timers, caller: ctx.signal });
}

function assertClosed(circuit: Circuit, nowMs: number): void {
  const retryAfterMs = circuit.refusalMs(nowMs);
  if (retryAfterMs === null) return;
  throw new ProviderError('unavailable', 'the provider does not answer and is left alone for now', {
    retryAfterMs,
  });
}

/** A call that its own caller gave up says nothing about the provider. */
function newsOf({ kind }: ProviderError, callerSignal: AbortSignal): CircuitNews {
  if (callerSignal.aborted) return 'nothing';
  return kind === 'unavailable' ? 'no-answer' : 'answered';
}

function attributesOf(providerId: ProviderId, { verb, leaseKey }: Call<unknown>) {
  return {
    'fairlead.provider.id': providerId,
    'fairlead.verb': verb,
    ...(leaseKey === null ? {} : { 'fairlead.lease.key': leaseKey }),
  };
}

function endSpan(span: Span, errorKind: ProviderErrorKind | null): void {
  if (errorKind !== null) {
    span.setAttribute('error.type', errorKind);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
