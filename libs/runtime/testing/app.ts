import { Controller, Get, Module } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { openQueues, type Queues } from '#libs/queue';
import { run } from '../run';

/** A small app in a process of its own, for what only a real process shows. How it behaves is said by its first argument. */
const behaviour = process.argv[2] ?? '';
let queues: Queues | null = null;

@Controller()
class ThingsController {
  @Get('/things/:id')
  things(): { readonly ok: boolean } {
    queues?.doorbell.ring({ queue: 'learn', id: 'att-1', providerId: null, atMs: 0, tag: 'r1' });
    return { ok: true };
  }
}

@Module({ controllers: [ThingsController] })
class AppModule {}

void run(
  async ({ log, atEnd, clock }) => {
    atEnd('slow part', () => pause(behaviour === 'hang' ? 600_000 : 50));
    atEnd('said', async () => log.info('closed in order'));
    if (behaviour === 'refuse')
      throw new Error('the database is away', {
        cause: new Error('postgresql://fairlead:hush@localhost/x'),
      });
    if (behaviour === 'crash')
      setTimeout(() => void Promise.reject(new Error('nobody caught me')), 200);
    const url = process.env['TEST_DATABASE_URL'];
    if (url !== undefined) {
      const backend = { kind: 'postgres', url } as const;
      const opened = await openQueues({
        backend,
        log,
        telemetry: true,
        nowMs: () => clock.nowMs(),
      });
      atEnd('queues', () => opened.close(1_000));
      await opened.reconcile('learn', async () => log.info('learned'));
      queues = opened;
    }
    return { module: AppModule };
  },
  { name: 'things' },
);
