import { createHash } from 'node:crypto';
import { ApiClient } from './api-client';
import { Failure } from './failure';
import type { Io } from './io';
import { createPaint, type Paint } from './render/paint';
import { REQUEST_TIMEOUT_MS } from './transport';

/** Where a router that was started with nothing configured listens. */
export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly key?: string;
  readonly json?: true;
  /** False after --no-color. */
  readonly color: boolean;
}

/** What a command works with. */
export interface Session {
  readonly api: ApiClient;
  readonly io: Io;
  readonly json: boolean;
  readonly paint: Paint;
  /** The one answer of the command: the document with --json, and what `text` makes of it otherwise. */
  show(document: unknown, text: () => string): void;
  /** Something on the way to the answer, for people: nothing of it is on stdout with --json. */
  tell(text: string): void;
}

export function openSession(io: Io, options: GlobalOptions): Session {
  const url = readUrl(options.url ?? given(io.env['FAIRLEAD_URL']) ?? DEFAULT_URL);
  const key = readKey(options.key ?? given(io.env['FAIRLEAD_API_KEY']) ?? null);
  const { fetch, sleep } = io;
  const json = options.json ?? false;
  const out = json ? io.stderr : io.stdout;
  return {
    api: new ApiClient({ url, key, fetch, sleep, timeoutMs: REQUEST_TIMEOUT_MS }),
    io,
    json,
    paint: createPaint(isColoured(io, options)),
    show: (document, text) => {
      io.stdout.write(`${json ? JSON.stringify(document, null, 2) : text()}\n`);
    },
    tell: (text) => {
      out.write(`${text}\n`);
    },
  };
}

/** Colour is for terminals of people who want it, see https://no-color.org. */
export function isColoured({ env, stdout }: Io, { color }: Pick<GlobalOptions, 'color'>): boolean {
  return color && stdout.isTTY === true && given(env['NO_COLOR']) === undefined;
}

/** A request that changes something carries this key, so that sending it again after a lost answer changes nothing more. */
export function idempotencyKey({ nowMs, randomText }: Io, content: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
  return `cli-${digest}-${nowMs().toString(36)}-${randomText()}`;
}

/** An empty variable counts as none. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function readUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new Failure('usage', `${JSON.stringify(text)} is not the address of a router`, {
    remedy: `write it like ${DEFAULT_URL}`,
  });
}

function readKey(text: string | null): string | null {
  if (text === null || /^[\x21-\x7e]+$/.test(text)) return text;
  throw new Failure('usage', 'the API key has characters that no key has', {
    remedy: 'set FAIRLEAD_API_KEY to what `fairlead keys create` printed',
  });
}
