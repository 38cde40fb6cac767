import { isIP } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Metrics } from './metrics';
import type { Readiness } from './readiness';

interface Operations {
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  /** Whether other machines may read the figures. */
  readonly metricsOpen: boolean;
}

/** As much of a request as tells where it comes from. */
interface Origin {
  readonly ip: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

const OK = 200;
const FORBIDDEN = 403;
const UNAVAILABLE = 503;
const UNMATCHED = 'none';
/** A request with one of these was passed on by a proxy, whose address says nothing of who asks. */
const PASSED_ON = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

/** Figures tell what is going on here; the answer says how to let others read them. */
const closed = {
  type: '/problems/forbidden',
  title: 'The figures are for this machine only',
  status: FORBIDDEN,
  detail: 'set FAIRLEAD_METRICS_OPEN=yes where only the inner network reaches this process',
} as const;

/**
 * What those who operate a process ask it: is it alive, is it ready, and its figures. None of it needs a key; the figures are
 * for this machine unless they were opened. Also counts the requests of the process.
 */
export function addOperations(
  app: NestFastifyApplication,
  { readiness, metrics, metricsOpen }: Operations,
): void {
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onResponse', async (request, reply) => {
    metrics.observeRequest({
      method: request.method,
      route: request.routeOptions.url ?? UNMATCHED,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    });
  });
  server.get('/livez', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const { ready, checks } = await readiness.report();
    return reply
      .code(ready ? OK : UNAVAILABLE)
      .send({ status: ready ? 'ok' : 'not ready', checks });
  });
  server.get('/metrics', async (request, reply) => {
    if (metricsOpen || isFromThisMachine(request))
      return reply.type(metrics.contentType).send(await metrics.text());
    return reply.code(FORBIDDEN).type('application/problem+json').send(closed);
  });
}

/** Whether a request was made on this machine, and not by a proxy for somebody else. */
export function isFromThisMachine({ ip, headers }: Origin): boolean {
  const address = ip.replace(/^::ffff:/i, '');
  const isLoopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return isLoopback && PASSED_ON.every((name) => headers[name] === undefined);
}
