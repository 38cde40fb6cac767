import { Controller, Get, Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { z } from 'zod';
import { ConfigError } from './config';
import { start, type Assembly, type Running, type Runtime, type StartOptions } from './start';
import { InProcessBus, InProcessClient, InProcessServer } from './transport';

@Controller()
class ThingsController {
  @Get('/things/:id')
  thing(): { readonly ok: boolean } {
    return { ok: true };
  }

  @MessagePattern('thing')
  answer(@Payload() id: string): string {
    return `thing ${id}`;
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

const env = { PORT: '0', LOG_LEVEL: 'silent', FAIRLEAD_CLOSE_LIMIT_SECONDS: '1' };
const open: Running[] = [];

afterEach(async () => {
  for (const running of open.splice(0)) await running.close();
});

async function startThings(
  assemble: (runtime: Runtime) => Assembly | Promise<Assembly> = () => ({ module: ThingsModule }),
  options: Partial<StartOptions<z.ZodObject<{}>>> = {},
): Promise<Running> {
  const running = await start(assemble, { name: 'things', env, ...options });
  open.push(running);
  return running;
}

it('serves the module, and health and figures beside it', async () => {
  const { url } = await startThings();
  expect(await (await fetch(`${url}/things/7`)).json()).toEqual({ ok: true });
  expect(await (await fetch(`${url}/livez`)).json()).toEqual({ status: 'ok' });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.headers.get('content-type')).toContain('text/plain');
  expect(await metrics.text()).toContain('http_route="/things/:id"');
});

it('is not ready while a part does not work, but alive', async () => {
  let works = false;
  const { url } = await startThings(({ readiness }) => {
    readiness.add('database', async () => {
      if (!works) throw new Error('away');
    });
    return { module: ThingsModule };
  });
  const answer = await fetch(`${url}/readyz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({ status: 'not ready', checks: { database: 'failed' } });
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  works = true;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

it('answers messages as well where a transport is given', async () => {
  const bus = new InProcessBus();
  await startThings(() => ({
    module: ThingsModule,
    transport: { strategy: new InProcessServer(bus) },
  }));
  expect(await firstValueFrom(new InProcessClient(bus).send<string>('thing', '7'))).toBe('thing 7');
});

it('hands over settings, and prepares the server before it listens', async () => {
  let region = '';
  const running = await start(
    ({ config }) => {
      region = config.region;
      return {
        module: ThingsModule,
        http: {
          prepare: async (app) => {
            app
              .getHttpAdapter()
              .getInstance()
              .addHook('onSend', async (_request, reply) => {
                reply.header('x-region', region);
              });
          },
        },
      };
    },
    {
      name: 'things',
      schema: z.object({ region: z.string() }),
      env: { ...env, FAIRLEAD_REGION: 'eu' },
    },
  );
  open.push(running);
  expect((await fetch(`${running.url}/things/1`)).headers.get('x-region')).toBe('eu');
});

it('closes everything once, in reverse order, and no longer listens', async () => {
  const closed: string[] = [];
  const { url, close } = await startThings(({ atEnd }) => {
    atEnd('database', async () => closed.push('database'));
    atEnd('queues', async () => {
      closed.push('queues');
      throw new Error('already gone');
    });
    return { module: ThingsModule };
  });
  await Promise.all([close(), close()]);
  expect(closed).toEqual(['queues', 'database']);
  await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed');
});

it('leaves a part that does not close, and closes the rest', async () => {
  let closed = false;
  const { close } = await startThings(({ atEnd }) => {
    atEnd('database', async () => {
      closed = true;
    });
    atEnd('stuck', () => new Promise(() => undefined));
    return { module: ThingsModule };
  });
  await close();
  expect(closed).toBe(true);
});

it('closes what it has opened when the start fails', async () => {
  let closed = false;
  const starting = start(
    ({ atEnd }) => {
      atEnd('database', async () => {
        closed = true;
      });
      throw new Error('no providers');
    },
    { name: 'things', env },
  );
  await expect(starting).rejects.toThrow('no providers');
  expect(closed).toBe(true);
});

it('does not start with wrong settings', async () => {
  const starting = start(() => ({ module: ThingsModule }), { name: 'x', env: { PORT: 'eighty' } });
  await expect(starting).rejects.toThrow(ConfigError);
});
