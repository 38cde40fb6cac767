import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import type { AttemptId, ProviderErrorKind, ProviderId } from '#libs/domain';
import type { CallContext, ProviderAdapter } from './adapter';
import { Circuit } from './circuit';
import type { CircuitNews, CircuitSettings } from './circuit';
import { ProviderError } from './errors';
import { RateLimit } from './rate-limit';
import type { Timers } from './timers';

export type ProviderVerb =
  'listOffers' | 'acquire' | 'observe' | 'release' | 'listLeases' | 'readLogs';

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
  const circuit = new Circuit(deps.circuit);
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

  async function heardByCircuit<T>(call: Call<T>): Promise<T> {
    const limitMs = timeLeftMs(call.ctx, descriptor.callTimeoutMs, timers.nowMs());
    const isProbe = circuit.setOut(timers.nowMs());
    try {
      const answer = await withinTime(call, limitMs, timers);
      circuit.hear('answered', isProbe, timers.nowMs());
      return answer;
    } catch (error) {
      const failure = toProviderError(error, descriptor.id, call.verb);
      circuit.hear(newsOf(failure, call.ctx.signal), isProbe, timers.nowMs());
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

/** Ends with the call, at the time limit or when the caller gives up, whichever comes first, even if the adapter ignores its signal. */
function withinTime<T>({ ctx, make }: Call<T>, timeoutMs: number, timers: Timers): Promise<T> {
  const controller = new AbortController();
  let release = (): void => undefined;
  const answer = new Promise<T>((resolve, reject) => {
    const giveUp = (why: string): void => {
      reject(new ProviderError('unavailable', why));
      controller.abort();
    };
    const onAbort = (): void => giveUp('the caller gave the call up');
    const cancelTimer = timers.setTimer(timeoutMs, () => giveUp(`no answer in ${timeoutMs} ms`));
    ctx.signal.addEventListener('abort', onAbort, { once: true });
    release = () => {
      cancelTimer();
      ctx.signal.removeEventListener('abort', onAbort);
    };
    make({ ...ctx, signal: controller.signal }).then(resolve, reject);
  });
  return answer.finally(() => release());
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

/** Names under which the platform reports a call that ran out of time or was given up. */
const abortNames: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError']);

/** Whatever an adapter let slip becomes `unmapped`. Its text may hold secrets, so only its class is named; `cause` has the rest. */
function toProviderError(
  error: unknown,
  providerId: ProviderId,
  verb: ProviderVerb,
): ProviderError {
  if (error instanceof ProviderError) return error;
  if (abortNames.has(nameOf(error))) {
    return new ProviderError('unavailable', `${verb} was given up`, { cause: error });
  }
  return new ProviderError('unmapped', `${classOf(error)} from ${providerId} in ${verb}`, {
    cause: error,
  });
}

/** By shape, since errors of the platform need not come from this realm. */
function nameOf(error: unknown): string {
  const isNamed = typeof error === 'object' && error !== null && 'name' in error;
  return isNamed && typeof error.name === 'string' ? error.name : '';
}

function classOf(error: unknown): string {
  return typeof error === 'object' && error !== null ? error.constructor.name : typeof error;
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
