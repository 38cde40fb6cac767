import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Metrics } from './metrics';
import { addOperations, isFromThisMachine } from './operations';
import { Readiness } from './readiness';

@Module({})
class EmptyModule {}

const apps: NestFastifyApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function serve(metricsOpen: boolean): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(EmptyModule, new FastifyAdapter(), {
    logger: false,
  });
  apps.push(app);
  const readiness = new Readiness();
  readiness.isUp();
  addOperations(app, { readiness, metrics: new Metrics('test'), metricsOpen });
  await app.init();
  return app;
}

const rows = [
  ['this machine', '127.0.0.1', {}, [200, 200]],
  ['this machine, over IPv6', '::1', {}, [200, 200]],
  ['this machine, as IPv6 writes IPv4', '::ffff:127.0.0.1', {}, [200, 200]],
  ['another machine', '203.0.113.7', {}, [403, 200]],
  ['another machine with any key', '203.0.113.7', { authorization: 'Bearer x' }, [403, 200]],
  ['a proxy on this machine', '127.0.0.1', { 'x-forwarded-for': '203.0.113.7' }, [403, 200]],
] as const;

it.each(rows)('answers %s with figures when it may', async (_who, remoteAddress, headers, want) => {
  const answers = [];
  for (const app of [await serve(false), await serve(true)]) {
    const ask = (url: string) => app.inject({ url, remoteAddress, headers });
    answers.push((await ask('/metrics')).statusCode);
    expect((await ask('/livez')).statusCode).toBe(200);
    expect((await ask('/readyz')).statusCode).toBe(200);
  }
  expect(answers).toEqual(want);
});

it('says in the refusal how figures are opened, and none of them', async () => {
  const app = await serve(false);
  const answer = await app.inject({ url: '/metrics', remoteAddress: '203.0.113.7' });
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json()).toMatchObject({ type: '/problems/forbidden', status: 403 });
  expect(answer.body).toContain('FAIRLEAD_METRICS_OPEN=yes');
  expect(answer.body).not.toContain('# TYPE');
});

it('takes no name that only looks like loopback', () => {
  for (const ip of ['127.0.0.1.example', '::127.0.0.1', '', '128.0.0.1'])
    expect(isFromThisMachine({ ip, headers: {} })).toBe(false);
});
