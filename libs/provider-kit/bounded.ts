import type { ProviderId } from '#libs/domain';
import { ProviderError } from './errors';
import type { Timers } from './timers';

/** How long a request may take, and a caller who may give it up before. */
export interface RequestBounds {
  readonly timeoutMs: number;
  readonly timers: Timers;
  readonly caller?: AbortSignal;
}

/** Ends with the request, at the time limit or when the caller gives up, whichever comes first, even if the request ignores its signal. */
export function timedOut<T>(
  request: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, timers, caller }: RequestBounds,
): Promise<T> {
  const controller = new AbortController();
  let release = (): void => undefined;
  const answer = new Promise<T>((resolve, reject) => {
    const giveUp = (why: string): void => {
      reject(new ProviderError('unavailable', why));
      controller.abort();
    };
    const onAbort = (): void => giveUp('the caller gave the call up');
    const cancelTimer = timers.setTimer(timeoutMs, () => giveUp(`no answer in ${timeoutMs} ms`));
    caller?.addEventListener('abort', onAbort, { once: true });
    release = () => {
      cancelTimer();
      caller?.removeEventListener('abort', onAbort);
    };
    request(controller.signal).then(resolve, reject);
  });
  return answer.finally(() => release());
}

/** Names under which the platform reports a call that ran out of time or was given up. */
const abortNames: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError']);

/** Whatever an adapter or feed let slip becomes `unmapped`. Its text may hold secrets, so only its class is named; `cause` has the rest. */
export function toProviderError(
  error: unknown,
  providerId: ProviderId,
  verb: string,
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
