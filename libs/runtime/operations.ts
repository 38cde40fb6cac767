import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Metrics } from './metrics';
import type { Readiness } from './readiness';

interface Operations {
  readonly readiness: Readiness;
  readonly metrics: Metrics;
}

const OK = 200;
const UNAVAILABLE = 503;
const UNMATCHED = 'none';

/** What those who operate a process ask it: is it alive, is it ready, and its figures. Also counts its requests. */
export function addOperations(
  app: NestFastifyApplication,
  { readiness, metrics }: Operations,
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
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}
