import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error';

/** No body may be larger. */
export const BODY_LIMIT = 512 * 1024;

/** The body of a refusal that comes before any handler has only `error`. */
class BareRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size <= BODY_LIMIT) chunks.push(bytes);
  }
  if (size > BODY_LIMIT) throw new BareRefusal(413, 'Payload too large');
  return Buffer.concat(chunks);
}

export function parseBody(
  { method, headers }: IncomingMessage,
  bytes: Buffer,
  limit: number,
): unknown {
  if (method === 'GET' || (method === 'DELETE' && bytes.length === 0)) return null;
  if (bytes.length > limit) throw new BareRefusal(413, 'Payload too large');
  if (!(headers['content-type'] ?? '').startsWith('application/json'))
    throw new BareRefusal(400, 'Unsupported content type');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new BareRefusal(400, 'Malformed JSON');
  }
}

export function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof BareRefusal) return send(response, error.status, { error: error.message });
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, 'internal_server_error', 'Internal Server Error');
  const { retryAfterSeconds } = known.extra;
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  send(response, known.status, known.body());
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
