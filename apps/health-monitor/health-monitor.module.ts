import {
  Controller,
  Module,
  UseFilters,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { MessageReply, MessageRequest } from '#libs/contracts';
import { asAttemptId } from '#libs/domain';
import type { Queues } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';
import { CodedErrorFilter } from '#libs/runtime/transport';
import { LearnFromAttempt } from './learn-from-attempt';
import { WatchHealth } from './watch-health';
import { WatchSupply } from './watch-supply';
import { ProvidersStatus, type ConfiguredProvider } from './providers-status';

/** How often lost wake-ups, settled losses, calls and comings and goings of offers are looked for. */
const WATCH_EVERY_MS = 30_000;

export interface HealthMonitorParts {
  readonly stores: Stores;
  readonly queues: Queues;
  readonly providers: readonly ConfiguredProvider[];
  readonly clock: Clock;
}

@Controller()
@UseFilters(CodedErrorFilter)
class HealthController {
  constructor(private readonly providersStatus: ProvidersStatus) {}

  @MessagePattern('providers.status')
  async status(
    @Payload() _request: MessageRequest<'providers.status'>,
  ): Promise<MessageReply<'providers.status'>> {
    return { providers: [...(await this.providersStatus.run())] };
  }
}

/** Learns how reliable supply is, and says how providers are doing. The only writer of health. */
@Module({})
export class HealthMonitorModule {
  static with({ stores, queues, providers, clock }: HealthMonitorParts): DynamicModule {
    const supply = new WatchSupply(stores, clock);
    const reconcilers = new Reconcilers(
      queues,
      new LearnFromAttempt(stores, clock),
      new WatchHealth(stores, supply, clock),
    );
    return {
      module: HealthMonitorModule,
      controllers: [HealthController],
      providers: [
        { provide: ProvidersStatus, useValue: new ProvidersStatus(providers, stores, clock) },
        { provide: Reconcilers, useValue: reconcilers },
      ],
    };
  }
}

/** Parse the id, call the use case, return. */
class Reconcilers implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly learn: LearnFromAttempt,
    private readonly watch: WatchHealth,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queues.reconcile('learn', (id) => this.learn.run(asAttemptId(id)));
    await this.queues.reconcile('watch-health', () => this.watch.run());
    await this.queues.every('watch-health', ['all'], WATCH_EVERY_MS);
  }
}
