import { PassThrough } from 'node:stream';
import type { Io } from '../io';
import { run } from '../run';

export const NOW = '2026-11-21T10:00:00.000Z';

export interface Wish {
  readonly url?: string;
  readonly env?: Io['env'];
  readonly cwd?: string;
  /** What is typed; only where there is a terminal. */
  readonly typed?: string;
  /** What comes from a pipe. */
  readonly piped?: string;
  /** Called with what would be Ctrl-C, once the command listens for it. */
  readonly onListening?: (interrupt: () => void) => void;
}

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How long it would have waited, in all. */
  readonly waitsMs: readonly number[];
}

const LONG_WAIT_MS = 10_000;
let randomTexts = 0;

/** Runs a command line without a process of its own; waits pass at once. */
export async function fairlead(argv: readonly string[], wish: Wish = {}): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const waitsMs: number[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: wish.typed !== undefined });
  stdin.end(wish.typed ?? wish.piped ?? '');
  const io: Io = {
    env: { ...(wish.url === undefined ? {} : { FAIRLEAD_URL: wish.url }), ...wish.env },
    cwd: wish.cwd ?? __dirname,
    stdin,
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    fetch: globalThis.fetch,
    nowMs: () => Date.parse(NOW),
    randomText: () => `random-${(randomTexts += 1)}`,
    sleep: (durationMs, signal) => {
      waitsMs.push(durationMs);
      // The long waits between looks at the cost last until they are ended.
      if (durationMs < LONG_WAIT_MS || signal === undefined)
        return new Promise((resolve) => setImmediate(resolve));
      return new Promise((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    },
    onInterrupt: (listener) => {
      wish.onListening?.(listener);
      return () => undefined;
    },
  };
  const exitCode = await run(argv, io);
  return { exitCode, ...said, waitsMs };
}
