import { LAST_JOB_EVENT, type EventView } from '#libs/contracts';
import type { ApiClient, Job } from './api-client';
import { Failure } from './failure';
import type { Io } from './io';

/** A stream is opened again this often in a row without any news before the router counts as unreachable. */
export const MAX_RECONNECTS = 8;
const FIRST_RECONNECT_WAIT_MS = 250;
const MAX_RECONNECT_WAIT_MS = 5_000;
/** How often the cost so far is asked for. */
const STATUS_EVERY_MS = 15_000;

interface Following {
  readonly api: ApiClient;
  readonly sleep: Io['sleep'];
  readonly jobId: string;
  /** Ends the following, never the job. */
  readonly signal: AbortSignal;
}

/** Waits before a stream is opened again, longer each time, and gives up after a bounded number in a row. */
export async function beforeReconnect(
  { sleep, signal }: Pick<Following, 'sleep' | 'signal'>,
  failuresInARow: number,
  failure: Failure,
): Promise<void> {
  if (failuresInARow > MAX_RECONNECTS) throw failure;
  const waitMs = FIRST_RECONNECT_WAIT_MS * 2 ** (failuresInARow - 1);
  await sleep(Math.min(waitMs, MAX_RECONNECT_WAIT_MS), signal);
}

/** Every event of a job from its first to its last, each once, however often the connection breaks. */
export async function* eventsOf(following: Following): AsyncGenerator<EventView> {
  const { api, jobId, signal } = following;
  let after = 0;
  let failures = 0;
  for (;;) {
    let failure = new Failure('unreachable', 'the router keeps ending the stream of events');
    try {
      for await (const event of api.events(jobId, after, signal)) {
        if (event.sequence <= after) continue;
        after = event.sequence;
        failures = 0;
        yield event;
        if (event.type === LAST_JOB_EVENT) return;
      }
      if ((await api.job(jobId, signal)).endedAt !== null) return;
    } catch (error) {
      if (!(error instanceof Failure) || error.exit !== 'unreachable') throw error;
      failure = error;
    }
    failures += 1;
    await beforeReconnect(following, failures, failure);
  }
}

/** Tells the job's state and cost now and then, until the signal aborts or the router cannot be asked. */
export async function watchStatus(
  { api, sleep, jobId, signal }: Following,
  tell: (job: Job) => void,
): Promise<void> {
  await sleep(STATUS_EVERY_MS, signal);
  while (!signal.aborted) {
    const job = await api.job(jobId, signal).catch(() => null);
    if (job === null) return;
    tell(job);
    await sleep(STATUS_EVERY_MS, signal);
  }
}

/** What the job's own end means as an exit code: 0, the code of the workload, or 1 when it has none. */
export async function workloadExitCode(api: ApiClient, job: Job): Promise<number> {
  if (job.state === 'succeeded') return 0;
  const { items } = await api.attempts(job.id);
  return items.at(-1)?.exit?.code || 1;
}
