import {
  PROBLEM_MEDIA_TYPE,
  problemSchema,
  routes,
  type Method,
  type Problem,
} from '#libs/contracts';
import { Failure, failureOf } from './failure';
import type { Io } from './io';

/** How the router is reached. */
export interface Connection {
  readonly url: string;
  readonly key: string | null;
  readonly fetch: Io['fetch'];
  readonly sleep: Io['sleep'];
  readonly timeoutMs: number;
}

export interface Call {
  /** The operation, as the API's table of routes names it. */
  readonly operation: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A body that is sent as it is, in place of `body`. */
  readonly csv?: string;
  readonly signal?: AbortSignal;
  /** The answer is read for as long as it comes; only its beginning is awaited within the time limit. */
  readonly streamed?: boolean;
  /** How long the answer may take, where that is longer than for all others. */
  readonly timeoutMs?: number;
}

/** An answer may take this long. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** A request that may be repeated is sent this often before the router counts as unreachable. */
export const MAX_TRIES = 4;
const FIRST_RETRY_WAIT_MS = 200;
const MAX_REPORTED_CHARACTERS = 200;

/** Sends a request. Resolves with an answer that is a success; throws `Failure` otherwise. */
export async function send(connection: Connection, call: Call): Promise<Response> {
  const { method, path } = routeOf(call.operation);
  const address = addressOf(connection.url, path, call);
  const mayRepeat = method === 'get' || call.headers?.['idempotency-key'] !== undefined;
  const response = await tryUntil(connection, call.signal, mayRepeat ? MAX_TRIES : 1, () =>
    once(connection, method, address, call),
  );
  if (response.ok) return response;
  throw failureOf(await problemIn(response));
}

function routeOf(operation: string): { readonly method: Method; readonly path: string } {
  const route = routes.find(({ id }) => id === operation);
  if (route === undefined) throw new TypeError(`the API has no operation ${operation}`);
  return route;
}

function addressOf(url: string, template: string, { path = {}, query = {} }: Call): URL {
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name] ?? ''));
  const address = new URL(`${url.replace(/\/+$/, '')}${filled}`);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) address.searchParams.set(name, String(value));
  return address;
}

/** Repeats while the connection fails; what the router answered is never asked for again. */
async function tryUntil(
  { url, sleep }: Connection,
  signal: AbortSignal | undefined,
  maxTries: number,
  attempt: () => Promise<Response>,
): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (isAbort(error)) throw error;
      if (tries >= maxTries || isTimeout(error)) throw unreachable(url, error);
      await sleep(FIRST_RETRY_WAIT_MS * 2 ** (tries - 1), signal);
    }
  }
}

async function once(
  { fetch, key, timeoutMs: usualMs }: Connection,
  method: Method,
  address: URL,
  { headers = {}, body, csv, signal, streamed = false, timeoutMs = usualMs }: Call,
): Promise<Response> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new DOMException('', 'TimeoutError')), timeoutMs);
  const signals = [limit.signal, ...(signal === undefined ? [] : [signal])];
  try {
    const response = await fetch(address, {
      method: method.toUpperCase(),
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(csv === undefined ? {} : { 'content-type': 'text/csv' }),
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(csv === undefined ? {} : { body: csv }),
      redirect: 'error',
      signal: AbortSignal.any(signals),
    });
    return streamed && response.ok ? response : await whole(response);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer with its body read, so that the time limit covers all of it. */
async function whole(response: Response): Promise<Response> {
  const bytes = await response.arrayBuffer();
  const { status, headers } = response;
  return new Response(bytes.byteLength === 0 ? null : bytes, { status, headers });
}

async function problemIn(response: Response): Promise<Problem> {
  const text = await response.text();
  const parsed = problemSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const type = response.headers.get('content-type') ?? 'nothing';
  return {
    type: 'about:blank',
    title: `The answer is no answer of a router: status ${response.status}, ${type} instead of ${PROBLEM_MEDIA_TYPE}`,
    status: response.status,
    ...(text.trim() === '' ? {} : { detail: text.trim().slice(0, MAX_REPORTED_CHARACTERS) }),
  };
}

/** Null for text that is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The connection cannot be made or broke; why, as far as it is known. */
export function unreachable(url: string, error: unknown): Failure {
  const reason = isTimeout(error) ? 'no answer in time' : reasonOf(error);
  return new Failure(
    'unreachable',
    `cannot reach the router at ${url}: ${reason}`,
    { remedy: 'start it with `npm start`, or say where it is with --url or FAIRLEAD_URL' },
    { cause: error },
  );
}

/** fetch hides what the network said in the cause. */
function reasonOf(error: unknown): string {
  const cause = textIn(error, 'code') === null ? fieldOf(error, 'cause') : error;
  return (
    textIn(cause, 'message') ??
    textIn(cause, 'code') ??
    textIn(error, 'message') ??
    'the connection failed'
  );
}

function textIn(value: unknown, name: string): string | null {
  const text = fieldOf(value, name);
  return typeof text === 'string' && text !== '' ? text : null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const isTimeout = (error: unknown): boolean => fieldOf(error, 'name') === 'TimeoutError';
/** Whether we ended the request ourselves. */
export const isAbort = (error: unknown): boolean => fieldOf(error, 'name') === 'AbortError';
