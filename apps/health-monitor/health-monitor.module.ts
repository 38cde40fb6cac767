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
import { ProvidersStatus, type ConfiguredProvider } from './providers-status';

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
    return {
      module: HealthMonitorModule,
      controllers: [HealthController],
      providers: [
        { provide: ProvidersStatus, useValue: new ProvidersStatus(providers, stores, clock) },
        { provide: Reconcilers, useValue: new Reconcilers(queues, new LearnFromAttempt(stores)) },
      ],
    };
  }
}

/** Parse the id, call the use case, return. */
class Reconcilers implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly learn: LearnFromAttempt,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queues.reconcile('learn', (id) => this.learn.run(asAttemptId(id)));
  }
}
