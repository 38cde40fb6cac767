import { openPlatform } from '#libs/platform';
import { run } from '#libs/runtime';
import { tcpServer } from '#libs/runtime/transport';
import { configSchema } from './config';
import { PolicyEngineModule } from './policy-engine.module';

void run(
  async (runtime) => {
    const { clock, config, ids, metrics } = runtime;
    const { storage: stores, queues } = await openPlatform(runtime, {
      providers: 'none',
    });
    return {
      module: PolicyEngineModule.with({ stores, queues, clock, ids, metrics }),
      transport: tcpServer({
        host: config.messageHost,
        port: config.messagePort,
      }),
    };
  },
  { name: 'policy-engine', schema: configSchema },
);
