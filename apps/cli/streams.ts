import { isAbort, unreachable } from './transport';

/** A stream that says nothing for this long is taken for dead; the router sends a sign of life more often. */
export const STREAM_IDLE_MS = 60_000;

/** The bytes of a body as they come. Throws `Failure` when the connection breaks or falls silent. */
export async function* chunksOf(
  url: string,
  body: ReadableStream<Uint8Array> | null,
  idleMs: number = STREAM_IDLE_MS,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinMs(idleMs, reader.read());
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw isAbort(error) ? error : unreachable(url, error);
  } finally {
    // A broken stream cannot be cancelled any more; there is nothing left to close then.
    await reader.cancel().catch(() => undefined);
  }
}

async function withinMs<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DOMException('', 'TimeoutError')), limitMs);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
