import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Bench } from './bench';
import type { Timing } from './measure';

/** Where requests go, and what each of them carries. */
export interface LoadTarget {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  /** One API key for each connection, as each would be a client of its own. */
  readonly keys: readonly string[];
}

export type LoadAnswer =
  { readonly ok: true; readonly timing: Timing } | { readonly ok: false; readonly problem: string };

export interface Load {
  /** Sends so many requests, one at a time over each connection, and waits for the answers. */
  send(count: number): Promise<Timing>;
}

/** Sends requests from a thread of its own, so that they take no time of the event loop that answers them. */
export function startLoad(target: LoadTarget, bench: Pick<Bench, 'atEnd'>): Load {
  const worker = new Worker(join(__dirname, 'http-load-worker.js'), { workerData: target });
  bench.atEnd(() => worker.terminate());
  return {
    send: async (count) => {
      const answered = once(worker, 'message');
      worker.postMessage(count);
      const [answer] = (await answered) as [LoadAnswer];
      if (answer.ok) return answer.timing;
      throw new Error(answer.problem);
    },
  };
}
