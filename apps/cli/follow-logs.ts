import type { ApiClient, AttemptList } from './api-client';
import { Failure } from './failure';
import { beforeReconnect } from './follow-job';
import type { Io } from './io';

type Attempt = AttemptList['items'][number];

interface Wish {
  readonly api: ApiClient;
  readonly sleep: Io['sleep'];
  readonly jobId: string;
  /** One attempt only; the latest and those that come after it by default. */
  readonly attempt: number | null;
  readonly signal: AbortSignal;
  /** Told before the output of each attempt. */
  readonly onAttempt: (attempt: Attempt) => void;
}

/** How often it is looked whether there is another attempt. */
const NEXT_ATTEMPT_EVERY_MS = 1_000;

/** What a job prints until it ends, through broken connections and from attempt to attempt. */
export async function* followLogs(wish: Wish): AsyncGenerator<Uint8Array> {
  let current = await nextAttempt(wish, null);
  while (current !== null) {
    wish.onAttempt(current);
    yield* outputOf(wish, current.number);
    current = wish.attempt === null ? await nextAttempt(wish, current) : null;
  }
}

/** The one to read now, as soon as there is one; null when the job ended without. */
async function nextAttempt(wish: Wish, last: Attempt | null): Promise<Attempt | null> {
  const { api, sleep, jobId, attempt, signal } = wish;
  for (;;) {
    const { endedAt } = await api.job(jobId, signal);
    const { items } = await api.attempts(jobId, signal);
    const next =
      last === null
        ? items.findLast(({ number }) => attempt === null || number === attempt)
        : items.find(({ number }) => number > last.number);
    if (next !== undefined) return next;
    if (endedAt !== null) return null;
    await sleep(NEXT_ATTEMPT_EVERY_MS, signal);
    signal.throwIfAborted();
  }
}

/** Each byte of an attempt's output once. It is complete when the attempt was over before the last reading began. */
async function* outputOf(wish: Wish, attempt: number): AsyncGenerator<Uint8Array> {
  const { api, jobId, signal } = wish;
  let offset = 0;
  let failures = 0;
  let wasOver = false;
  for (;;) {
    let failure = new Failure('unreachable', 'the router keeps ending the stream of output');
    try {
      for await (const bytes of api.logs(jobId, { attempt, offset, follow: true }, signal)) {
        offset += bytes.byteLength;
        failures = 0;
        yield bytes;
      }
      if (wasOver) return;
      wasOver = await isOver(wish, attempt);
      if (wasOver) continue;
    } catch (error) {
      if (!(error instanceof Failure) || error.exit !== 'unreachable') throw error;
      failure = error;
    }
    failures += 1;
    await beforeReconnect(wish, failures, failure);
  }
}

async function isOver({ api, jobId, signal }: Wish, attempt: number): Promise<boolean> {
  const { items } = await api.attempts(jobId, signal);
  return items.find(({ number }) => number === attempt)?.phase === 'released';
}
