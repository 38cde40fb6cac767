import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { asAttemptId, asProviderId } from '#libs/domain';
import type { AdapterRegistry } from '#libs/provider-kit';
import type { Queues } from '#libs/queue';
import { Clock } from '#libs/runtime';
import { Budgets, Reports, type Retention, type Stores } from '#libs/storage';
import { BookCosts } from './book-costs';
import { CostController } from './cost.controller';
import { Prune, type RetentionDays } from './prune';
import { RefreshOffers } from './refresh-offers';

const REFRESH_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 3_600_000;

export interface CostOracleParts {
  readonly stores: Stores & {
    readonly budgets: Budgets;
    readonly reports: Reports;
    readonly retention: Retention;
  };
  readonly queues: Queues;
  readonly adapters: AdapterRegistry;
  readonly clock: Clock;
  /** How long what is deleted by age is kept. */
  readonly retention: RetentionDays;
}

/** Refreshes prices, accrues charges, reports, and deletes what has been kept long enough. The only writer of offers, cost entries and budgets. */
@Module({})
export class CostOracleModule {
  static with({ stores, queues, adapters, clock, retention }: CostOracleParts): DynamicModule {
    const { doorbell } = queues;
    const reconcilers = new Reconcilers(
      queues,
      adapters,
      new RefreshOffers(stores, adapters, doorbell, clock),
      new BookCosts(stores, doorbell, clock),
      new Prune(stores.retention, retention, clock),
    );
    return {
      module: CostOracleModule,
      controllers: [CostController],
      providers: [
        { provide: Budgets, useValue: stores.budgets },
        { provide: Reports, useValue: stores.reports },
        { provide: Clock, useValue: clock },
        { provide: Reconcilers, useValue: reconcilers },
      ],
    };
  }
}

/** Parse the id, call the use case, return. */
class Reconcilers implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly adapters: AdapterRegistry,
    private readonly refreshOffers: RefreshOffers,
    private readonly bookCosts: BookCosts,
    private readonly prune: Prune,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await Promise.all([
      this.queues.reconcile(
        'refresh-offers',
        async (id) => void (await this.refreshOffers.run(asProviderId(id))),
      ),
      this.queues.reconcile('book-costs', (id) => this.bookCosts.run(asAttemptId(id))),
      this.queues.reconcile('prune', () => this.prune.run()),
    ]);
    const providers = this.adapters.all().map(({ descriptor }) => descriptor.id);
    await this.queues.every('refresh-offers', providers, REFRESH_EVERY_MS);
    await this.queues.every('prune', ['all'], PRUNE_EVERY_MS);
  }
}
