import { randomUUID } from 'node:crypto';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RouteOptions } from 'fastify';
import { readDocument, type DocumentFormat } from '#libs/contracts';
import { Admission } from './auth';
import { rememberText } from './document-text';
import { Refusal } from './refusal';
import { ARTIFACT_LIMIT_BYTES, BODY_LIMIT_BYTES, LOG_CHUNK_LIMIT_BYTES } from './settings';

const MAX_URL_PARAMETER_CHARACTERS = 256;
/** A client that sends its request more slowly than this is let go; enough for an artifact over a thin line. */
const REQUEST_LIMIT_MS = 600_000;

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

/** Admission, body parsers and headers. Call once, after the application is created and before it listens. */
export async function prepareHttp(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRoute', (route: RouteOptions) => {
    route.bodyLimit = bodyLimitOf(route.url);
  });
  const admission = app.get(Admission);
  // With the rate limit, and before the body.
  server.addHook('preParsing', (request) => admission.admit(request));
  server.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  server.removeAllContentTypeParsers();
  parseDocuments(server, ['application/json'], 'json');
  parseDocuments(server, ['application/yaml', 'application/x-yaml', 'text/yaml'], 'yaml');
  // Read where it is known what the rows are about.
  server.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body.toString()),
  );
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
    if (read.ok) {
      rememberText(read.value, text);
      return done(null, read.value);
    }
    done(new Refusal('malformed-request', { problems: [...read.problems] }));
  });
}

/** Bytes of workloads have limits of their own. */
function bodyLimitOf(url: string): number {
  if (url.endsWith('/:attemptId/logs')) return LOG_CHUNK_LIMIT_BYTES;
  const isArtifact = url.endsWith('/:attemptId/checkpoint') || url.endsWith('/outputs/:index');
  return isArtifact ? ARTIFACT_LIMIT_BYTES : BODY_LIMIT_BYTES;
}
