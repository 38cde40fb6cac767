import { openPlatform } from '#libs/platform';
import { run } from '#libs/runtime';
import { tcpServer } from '#libs/runtime/transport';
import { configSchema } from './config';
import { CostOracleModule } from './cost-oracle.module';

void run(
  async (runtime) => {
    const { clock, config } = runtime;
    const {
      storage: stores,
      queues,
      providers: { adapters, feeds },
    } = await openPlatform(runtime, { providers: 'live' });
    return {
      module: CostOracleModule.with({
        stores,
        queues,
        clock,
        adapters,
        feeds,
        retention: config,
      }),
      transport: tcpServer({
        host: config.messageHost,
        port: config.messagePort,
      }),
    };
  },
  { name: 'cost-oracle', schema: configSchema },
);
