import { openPlatform } from '#libs/platform';
import { run } from '#libs/runtime';
import { tcpServer } from '#libs/runtime/transport';
import { configSchema } from './config';
import { DispatcherModule } from './dispatcher.module';

/** Where the gateway listens unless `FAIRLEAD_PUBLIC_URL` says how workloads reach it. */
const LOCAL_GATEWAY = 'http://127.0.0.1:8080';

void run(
  async (runtime) => {
    const { clock, config, ids, metrics, log } = runtime;
    const platform = await openPlatform(runtime, { providers: 'live' });
    const { storage: stores, queues, secretOf } = platform;
    const { adapters } = platform.providers;
    const workload = {
      controlUrl: config.publicUrl ?? LOCAL_GATEWAY,
      serverSecret: platform.serverSecret.reveal(),
      secretOf,
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
