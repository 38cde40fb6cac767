import { openPlatform } from '#libs/platform';
import { run } from '#libs/runtime';
import { tcpServer } from '#libs/runtime/transport';
import { configSchema } from './config';
import { HealthMonitorModule } from './health-monitor.module';

void run(
  async (runtime) => {
    const { clock, config } = runtime;
    const {
      storage: stores,
      queues,
      providers: { providers },
    } = await openPlatform(runtime, { providers: 'live' });
    return {
      module: HealthMonitorModule.with({ stores, queues, clock, providers }),
      transport: tcpServer({
        host: config.messageHost,
        port: config.messagePort,
      }),
    };
  },
  { name: 'health-monitor', schema: configSchema },
);
