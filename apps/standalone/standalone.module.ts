import { Module, type DynamicModule } from '@nestjs/common';
import { CostOracleModule } from '#apps/cost-oracle/cost-oracle.module';
import { DispatcherModule } from '#apps/dispatcher/dispatcher.module';
import { ensureAdminKey, gatewayAssembly } from '#apps/gateway/gateway.module';
import { HealthMonitorModule } from '#apps/health-monitor/health-monitor.module';
import { PolicyEngineModule } from '#apps/policy-engine/policy-engine.module';
import {
  controlUrlOf,
  messagesOver,
  openPlatform,
  type Platform,
  type PlatformConfig,
} from '#libs/platform';
import type { Assembly, BaseConfig, Runtime } from '#libs/runtime';
import { InProcessBus, InProcessClient, InProcessServer } from '#libs/runtime/transport';

type StandaloneRuntime = Runtime<BaseConfig & PlatformConfig>;

/** All five services in one process: what crosses between them in many processes crosses an in-process bus here. */
@Module({})
class StandaloneModule {
  static with(imports: readonly DynamicModule[]): DynamicModule {
    return { module: StandaloneModule, imports: [...imports] };
  }
}

/** For `run` and `start`; opens everything that the services share. */
export async function standalone(runtime: StandaloneRuntime): Promise<Assembly> {
  const platform = await openPlatform(runtime, { providers: 'live-or-emulated' });
  await ensureAdminKey(runtime, platform.storage.apiKeys);
  return assemble(runtime, platform);
}

/** The five services on a platform that is open. */
export function assemble(runtime: StandaloneRuntime, platform: Platform): Assembly {
  const { storage: stores, queues, providers, serverSecret, jobSecrets } = platform;
  const { clock, ids, config, metrics, log } = runtime;
  const { adapters } = providers;
  const bus = new InProcessBus();
  const client = new InProcessClient(bus);
  const workload = {
    controlUrl: controlUrlOf(config, providers.providers),
    serverSecret: serverSecret.reveal(),
    secretOf: jobSecrets.secretOf,
    heartbeatMs: config.heartbeatSeconds * 1_000,
  };
  const messages = messagesOver(() => client);
  const gateway = gatewayAssembly({
    storage: stores,
    queues,
    messages,
    clock,
    ids,
    serverSecret,
    jobSecrets,
  });
  return {
    module: StandaloneModule.with([
      PolicyEngineModule.with({ stores, queues, clock, ids, metrics }),
      CostOracleModule.with({
        stores,
        queues,
        adapters,
        feeds: providers.feeds,
        clock,
        retention: config,
      }),
      DispatcherModule.with({ stores, queues, adapters, clock, ids, workload, metrics, log }),
      HealthMonitorModule.with({ stores, queues, clock, providers: providers.providers }),
      gateway.module,
    ]),
    transport: { strategy: new InProcessServer(bus) },
    http: gateway.http,
  };
}
