import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { asAttemptId, asProviderId, type AttemptId } from '#libs/domain';
import type { AdapterRegistry, GuardedFeed } from '#libs/provider-kit';
import type { Queues } from '#libs/queue';
import { Clock } from '#libs/runtime';
import {
  Budgets,
  Calibrations,
  Commitments,
  Reports,
  type Retention,
  type Stores,
} from '#libs/storage';
import { AgreeRates } from './agree-rates';
import { BookCosts } from './book-costs';
import { CalibrateCosts } from './calibrate-costs';
import { CommitmentController } from './commitment.controller';
import { CompactPrices, type PriceRetention } from './compact-prices';
import { CostController } from './cost.controller';
import { KeepPriceSheets } from './keep-price-sheets';
import { PriceSheetController } from './price-sheet.controller';
import { Prune, type RetentionDays } from './prune';
import { LOOK_AT_FEEDS_EVERY_MS, ReadFeed } from './read-feed';
import { REFRESH_EVERY_MS, RefreshOffers } from './refresh-offers';

const PRUNE_EVERY_MS = 3_600_000;

export interface CostOracleParts {
  readonly stores: Stores & {
    readonly budgets: Budgets;
    readonly reports: Reports;
    readonly retention: Retention;
  };
  readonly queues: Queues;
  readonly adapters: AdapterRegistry;
  /** What is read of prices besides what providers list. */
  readonly feeds: readonly GuardedFeed[];
  readonly clock: Clock;
  /** How long what is deleted by age is kept. */
  readonly retention: RetentionDays & PriceRetention;
}

/** Refreshes prices, accrues charges, reports, and deletes what has been kept long enough. The only writer of offers, cost entries and budgets. */
@Module({})
export class CostOracleModule {
  static with(parts: CostOracleParts): DynamicModule {
    const { stores, queues, adapters, clock, retention } = parts;
    const { doorbell } = queues;
    const feeds = new Map(parts.feeds.map((feed) => [feed.terms.id, feed]));
    const reconcilers = new Reconcilers(
      queues,
      { adapters, feeds: [...feeds.keys()] },
      new ReadFeed(stores, feeds, new AgreeRates(stores, clock), doorbell, clock),
      new RefreshOffers(stores, adapters, doorbell, clock),
      [new BookCosts(stores, doorbell, clock), new CalibrateCosts(stores, clock)],
      [new Prune(stores.retention, retention, clock), new CompactPrices(stores, retention, clock)],
    );
    return {
      module: CostOracleModule,
      controllers: [CostController, CommitmentController, PriceSheetController],
      providers: [
        { provide: Budgets, useValue: stores.budgets },
        { provide: Reports, useValue: stores.reports },
        { provide: Commitments, useValue: stores.commitments },
        { provide: Calibrations, useValue: stores.calibrations },
        {
          provide: KeepPriceSheets,
          useValue: new KeepPriceSheets(stores, adapters, doorbell, clock),
        },
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
    private readonly sources: {
      readonly adapters: AdapterRegistry;
      readonly feeds: readonly string[];
    },
    private readonly readFeed: ReadFeed,
    private readonly refreshOffers: RefreshOffers,
    /** One after the other: what has been booked is compared then. */
    private readonly charging: readonly { run(id: AttemptId): Promise<void> }[],
    private readonly cleaning: readonly { run(): Promise<void> }[],
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await Promise.all([
      this.queues.reconcile(
        'refresh-offers',
        async (id) => void (await this.refreshOffers.run(asProviderId(id))),
      ),
      this.queues.reconcile('book-costs', async (id) => {
        for (const each of this.charging) await each.run(asAttemptId(id));
      }),
      this.queues.reconcile('read-feed', (id) => this.readFeed.run(id)),
      this.queues.reconcile('prune', async () => {
        for (const each of this.cleaning) await each.run();
      }),
    ]);
    const { adapters, feeds } = this.sources;
    const providers = adapters.all().map(({ descriptor }) => descriptor.id);
    await this.queues.every('read-feed', feeds, LOOK_AT_FEEDS_EVERY_MS);
    await this.queues.every('refresh-offers', providers, REFRESH_EVERY_MS);
    await this.queues.every('prune', ['all'], PRUNE_EVERY_MS);
  }
}
