import type { Readable } from 'node:stream';

/** Where text goes. */
export interface Output {
  readonly isTTY?: boolean;
  write(chunk: string): unknown;
}

/** Everything that the command knows of the outside, so that it can be run anywhere. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative file names are relative to. */
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
  /** Text that nobody else will get. */
  readonly randomText: () => string;
  /** Resolves after that time or as soon as the signal aborts, whichever comes first. */
  readonly sleep: (durationMs: number, signal?: AbortSignal) => Promise<void>;
  /** Calls the listener on Ctrl-C instead of ending, until the returned function is called. */
  readonly onInterrupt: (listener: () => void) => () => void;
}
