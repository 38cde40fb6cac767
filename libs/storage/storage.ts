import type { DataSource } from 'typeorm';
import { createDataSource, type DataSourceSettings } from './data-source';
import { EventBell } from './event-bell';
import type { Stores } from './ports';
import { PostgresApiKeys } from './repositories/api-keys';
import { PostgresArtifacts } from './repositories/artifacts';
import { PostgresAttempts } from './repositories/attempts';
import { PostgresBudgets } from './repositories/budgets';
import { PostgresCalibrations } from './repositories/calibrations';
import { PostgresCommitments } from './repositories/commitments';
import { PostgresCostEntries } from './repositories/cost-entries';
import { PostgresDecisions } from './repositories/decisions';
import { PostgresEvents } from './repositories/events';
import { PostgresFeeds } from './repositories/feeds';
import { PostgresFxRates } from './repositories/fx-rates';
import { PostgresHealth } from './repositories/health';
import { PostgresJobs } from './repositories/jobs';
import { PostgresLogs } from './repositories/logs';
import { PostgresOffers } from './repositories/offers';
import { PostgresPolicies } from './repositories/policies';
import { PostgresPrices } from './repositories/prices';
import { PostgresPriceSheets } from './repositories/price-sheets';
import { PostgresReports } from './repositories/reports';
import { PostgresRetention } from './repositories/retention';
import { PostgresSupply } from './repositories/supply';
import { PostgresSuspensions } from './repositories/suspensions';
import { Database } from './transaction';
import type {
  ApiKeys,
  Artifacts,
  Budgets,
  EventSignal,
  Logs,
  Reports,
  Retention,
} from './workload-ports';

/** All stores on one Postgres. */
export interface Storage extends Stores {
  readonly logs: Logs;
  readonly artifacts: Artifacts;
  readonly apiKeys: ApiKeys;
  readonly budgets: Budgets;
  readonly reports: Reports;
  readonly retention: Retention;
  /** Wakes whoever waits for events. */
  readonly eventBell: EventSignal;
  readonly dataSource: DataSource;
  /** Brings the schema up to date. Safe to call from several processes at once: they take turns. */
  migrate(): Promise<void>;
  /** Ends all connections. Repeatable. */
  close(): Promise<void>;
}

/** Session lock that migrations are run under. */
const MIGRATION_LOCK = `hashtextextended('fairlead.migrate', 0)`;

/** Connects to a Postgres, version 14 or later. Fails when it cannot be reached. */
export async function openStorage(settings: DataSourceSettings): Promise<Storage> {
  const dataSource = await createDataSource(settings).initialize();
  const database = new Database(dataSource);
  const bell = new EventBell(database, settings);
  return {
    ...storesOn(database, bell),
    eventBell: bell,
    dataSource,
    migrate: () => migrate(dataSource),
    close: async () => {
      await bell.close();
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}

function storesOn(
  database: Database,
  bell: EventBell,
): Omit<Storage, 'eventBell' | 'dataSource' | 'migrate' | 'close'> {
  return {
    jobs: new PostgresJobs(database, bell),
    attempts: new PostgresAttempts(database, bell),
    suspensions: new PostgresSuspensions(database),
    events: new PostgresEvents(database),
    decisions: new PostgresDecisions(database, bell),
    offers: new PostgresOffers(database),
    health: new PostgresHealth(database),
    supply: new PostgresSupply(database),
    costEntries: new PostgresCostEntries(database),
    commitments: new PostgresCommitments(database),
    calibrations: new PostgresCalibrations(database),
    policies: new PostgresPolicies(database),
    feeds: new PostgresFeeds(database),
    prices: new PostgresPrices(database),
    fxRates: new PostgresFxRates(database),
    priceSheets: new PostgresPriceSheets(database),
    logs: new PostgresLogs(database),
    artifacts: new PostgresArtifacts(database),
    apiKeys: new PostgresApiKeys(database),
    budgets: new PostgresBudgets(database),
    reports: new PostgresReports(database),
    retention: new PostgresRetention(database),
  };
}

/** The lock is held by a connection of its own while the migrations run on another. */
async function migrate(dataSource: DataSource): Promise<void> {
  const holder = dataSource.createQueryRunner();
  try {
    await holder.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    await dataSource.runMigrations();
  } finally {
    await holder.query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK})`).catch(() => undefined);
    await holder.release();
  }
}
