import { randomUUID } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest, RouteOptions } from 'fastify';
import { readDocument, type DocumentFormat } from '#libs/contracts';
import { readApiKey } from './api-key';
import { Admission } from './auth';
import { Refusal } from './refusal';
import { ARTIFACT_LIMIT_BYTES, BODY_LIMIT_BYTES, LOG_CHUNK_LIMIT_BYTES } from './settings';

const MAX_URL_PARAMETER_CHARACTERS = 256;
const SIXTY_SECONDS_MS = 60_000;
/** A client that sends its request more slowly than this is let go; enough for an artifact over a thin line. */
const REQUEST_LIMIT_MS = 600_000;
/** How many callers are counted at once; beyond it the least recent is forgotten. */
const COUNTED_CALLERS = 50_000;

/** Answers are data, never pages of this origin; the one page there is has no outside parts and no scripts. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/** The server that the gateway runs on; create the application with it and `bodyParser: false`. */
export function gatewayAdapter(): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    requestTimeout: REQUEST_LIMIT_MS,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: MAX_URL_PARAMETER_CHARACTERS },
    forceCloseConnections: true,
  });
}

/** Admission, body parsers, limits and headers. Call once, after the application is created and before it listens. */
export async function prepareHttp(
  app: NestFastifyApplication,
  limits: { readonly requestsPerMinute: number },
): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRoute', (route: RouteOptions) => {
    route.bodyLimit = bodyLimitOf(route.url);
  });
  const admission = app.get(Admission);
  // After the rate limit, before the body.
  server.addHook('preParsing', (request) => admission.admit(request));
  server.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  await app.register(
    rateLimit as never,
    {
      max: limits.requestsPerMinute,
      timeWindow: SIXTY_SECONDS_MS,
      cache: COUNTED_CALLERS,
      keyGenerator: callerOf,
      errorResponseBuilder: (_request: FastifyRequest, { ttl }: { readonly ttl: number }) =>
        new Refusal('rate-limited', { retryAfterMs: ttl }),
    } as never,
  );
  server.removeAllContentTypeParsers();
  parseDocuments(server, ['application/json'], 'json');
  parseDocuments(server, ['application/yaml', 'application/x-yaml', 'text/yaml'], 'yaml');
  server.addContentTypeParser(
    ['application/octet-stream', 'application/x-tar'],
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  );
}

type Server = ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>;

function parseDocuments(server: Server, types: readonly string[], format: DocumentFormat): void {
  server.addContentTypeParser([...types], { parseAs: 'string' }, (_request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') return done(null, undefined);
    const read = readDocument(text, format);
    if (read.ok) return done(null, read.value);
    done(new Refusal('malformed-request', { problems: [...read.problems] }));
  });
}

/** Bytes of workloads have limits of their own. */
function bodyLimitOf(url: string): number {
  if (url.endsWith('/:attemptId/logs')) return LOG_CHUNK_LIMIT_BYTES;
  const isArtifact = url.endsWith('/:attemptId/checkpoint') || url.endsWith('/outputs/:index');
  return isArtifact ? ARTIFACT_LIMIT_BYTES : BODY_LIMIT_BYTES;
}

/** Whom a request is counted for. A key is not checked yet: a wrong one only spends the share of whoever made it up. */
function callerOf(request: FastifyRequest): string {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /i, '');
  const key = readApiKey(token);
  if (key !== null) return `key ${key.id} ${request.ip}`;
  const { attemptId } = (request.params ?? {}) as { readonly attemptId?: string };
  return attemptId === undefined ? `address ${request.ip}` : `attempt ${attemptId} ${request.ip}`;
}
