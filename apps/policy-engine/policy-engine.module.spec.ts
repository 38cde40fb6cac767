import { NestFactory } from '@nestjs/core';
import { messagesOver } from '#libs/platform';
import { InProcessBus, InProcessClient, InProcessServer } from '#libs/runtime/transport';
import type { QueueName } from '#libs/contracts';
import { aSpec } from '#libs/testkit';
import { PolicyEngineModule } from './policy-engine.module';
import { builtinPolicies } from './builtin/builtin-policies';
import { PolicyDesk, worded } from './testing/policy-desk';

/** The service as it is put together, with queues that only remember who works on them. */
async function started() {
  const desk = new PolicyDesk();
  const work = new Map<QueueName, (id: string) => Promise<void>>();
  const every: string[] = [];
  const queues = {
    doorbell: desk.doorbell,
    reconcile: async (queue: QueueName, run: (id: string) => Promise<void>) => {
      work.set(queue, run);
    },
    every: async (queue: QueueName) => {
      every.push(queue);
    },
    close: async () => undefined,
  };
  const ids = { next: () => 'dec-1' };
  const metrics = { observeDecision: () => undefined };
  const bus = new InProcessBus();
  const app = await NestFactory.createMicroservice(
    PolicyEngineModule.with({ stores: desk.stores, queues, clock: desk.clock, ids, metrics }),
    { strategy: new InProcessServer(bus), logger: false },
  );
  await app.listen();
  const messages = messagesOver(() => new InProcessClient(bus));
  return { desk, work, every, messages, close: () => app.close() };
}

describe('the policy engine', () => {
  it('seeds its policies, works on its queues, and answers about the life of policies', async () => {
    const { desk, work, every, messages, close } = await started();
    try {
      const { versions } = await messages.send('policy.list', {});
      expect(versions).toHaveLength(builtinPolicies.length);
      expect(work.has('decide')).toBe(true);
      expect(every).toContain('activate-policies');

      const actor = { by: 'ann', comment: null };
      await messages.send('policy.create', { document: worded('one'), ...actor });
      const atMs = desk.clock.nowMs() + 1_000;
      const wish = { do: 'activate', version: 1, atMs } as const;
      expect(await messages.send('policy.move', { name: 'acme', wish, ...actor })).toMatchObject({
        kind: 'moved',
        version: { state: 'scheduled' },
      });
      desk.clock.advance(1_000);
      await work.get('activate-policies')?.('all');
      const history = await messages.send('policy.history', { name: 'acme', limit: 5 });
      expect(history).toMatchObject({ versions: [{ state: 'active' }], events: { length: 3 } });
      const filter = { projects: null, fromMs: null, toMs: null };
      expect(
        await messages.send('policy.what-if', { document: worded('two'), last: 5, ...filter }),
      ).toMatchObject({ kind: 'reported', replaces: 1 });
      await messages.send('policy.configure', { project: null, requireApproval: true, by: 'root' });
      expect(await messages.send('policy.settings', {})).toMatchObject({ settings: { length: 1 } });
      const application = { documents: [worded('three')], prune: false, dryRun: false, atMs: null };
      expect(await messages.send('policy.apply', { ...application, ...actor })).toMatchObject({
        policies: [{ version: 2, state: 'awaiting-approval' }],
      });
    } finally {
      await close();
    }
  });

  it('says of a job whether any offer can ever run it', async () => {
    const { desk, messages, close } = await started();
    try {
      const question = { spec: aSpec({}), atMs: desk.clock.nowMs() };
      const answer = await messages.send('policy.feasibility', question);
      expect(answer).toMatchObject({ feasibility: { verdict: 'unknown', offers: 0 } });
    } finally {
      await close();
    }
  });
});
