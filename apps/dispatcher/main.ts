import { controlUrlOf, openPlatform } from '#libs/platform';
import { run } from '#libs/runtime';
import { tcpServer } from '#libs/runtime/transport';
import { configSchema } from './config';
import { DispatcherModule } from './dispatcher.module';

void run(
  async (runtime) => {
    const { clock, config, ids, metrics, log } = runtime;
    const platform = await openPlatform(runtime, { providers: 'live' });
    const { storage: stores, queues } = platform;
    const { adapters } = platform.providers;
    const workload = {
      controlUrl: controlUrlOf(config, platform.providers.providers),
      serverSecret: platform.serverSecret.reveal(),
      secretOf: platform.jobSecrets.secretOf,
      heartbeatMs: config.heartbeatSeconds * 1_000,
    };
    return {
      module: DispatcherModule.with({
        stores,
        queues,
        adapters,
        clock,
        ids,
        workload,
        metrics,
        log,
      }),
      transport: tcpServer({
        host: config.messageHost,
        port: config.messagePort,
      }),
    };
  },
  { name: 'dispatcher', schema: configSchema },
);
