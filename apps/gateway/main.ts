import type { MessageService } from '#libs/contracts';
import { addressOf, messagesOver, openPlatform } from '#libs/platform';
import { run } from '#libs/runtime';
import { tcpClient } from '#libs/runtime/transport';
import { configSchema } from './config';
import { ensureAdminKey, gatewayAssembly } from './gateway.module';

void run(
  async (runtime) => {
    const { storage, queues, serverSecret, jobSecrets } = await openPlatform(runtime, {
      providers: 'none',
    });
    await ensureAdminKey(runtime, storage.apiKeys);
    const clients = new Map<MessageService, ReturnType<typeof tcpClient>>();
    const messages = messagesOver((service) => {
      const client = clients.get(service) ?? tcpClient(addressOf(service, runtime.config));
      clients.set(service, client);
      return client;
    });
    runtime.atEnd('messages', async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    });
    const { clock, ids } = runtime;
    return gatewayAssembly({
      storage,
      queues,
      messages,
      clock,
      ids,
      serverSecret,
      jobSecrets,
    });
  },
  { name: 'gateway', schema: configSchema },
);
