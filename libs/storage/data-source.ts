import type { ClientConfig } from 'pg';
import { DataSource, DefaultNamingStrategy } from 'typeorm';
import { apiKeyEntity } from './entities/access';
import {
  artifactEntity,
  attemptEntity,
  logChunkEntity,
  logStreamEntity,
} from './entities/attempts';
import {
  bookVersionEntity,
  decisionEntity,
  eventEntity,
  offerFeedEntity,
  offerVersionEntity,
  suspensionEntity,
} from './entities/history';
import { idempotencyKeyEntity, jobEntity, jobLineEntity } from './entities/jobs';
import {
  budgetEntity,
  budgetPeriodEntity,
  budgetReservationEntity,
  costEntryEntity,
} from './entities/money';
import { policyEventEntity, policySettingEntity, policyVersionEntity } from './entities/policies';
import { priceEntities } from './entities/prices';
import { commitmentEntities } from './entities/commitments';
import { healthEntities } from './entities/health';
import { int8Types } from './int8-types';
import { Initial1764000000000 } from './migrations/1764000000000-initial';
import { PolicyLife1764200000000 } from './migrations/1764200000000-policy-life';
import { Feeds1764300000000 } from './migrations/1764300000000-feeds';
import { Cost1764400000000 } from './migrations/1764400000000-cost';
import { Health1764500000000 } from './migrations/1764500000000-health';
import { Loop1764600000000 } from './migrations/1764600000000-loop';

/** Where the database is: an address, or its parts. A host that begins with a slash is the folder of a socket. */
export type DatabaseAddress =
  | { readonly url: string }
  | {
      readonly connection: {
        readonly host: string;
        readonly port: number;
        readonly user: string;
        readonly password: string;
        readonly database: string;
      };
    };

export type DataSourceSettings = DatabaseAddress & {
  /** Connections at most; two or more, since migrating needs one beside the one that holds the lock. */
  readonly poolSize?: number;
  /** Shown in the server's list of sessions. */
  readonly applicationName?: string;
};

const DEFAULT_POOL_SIZE = 10;
const MIN_POOL_SIZE = 2;
const CONNECT_LIMIT_MS = 10_000;

const entities = [
  jobEntity,
  jobLineEntity,
  idempotencyKeyEntity,
  attemptEntity,
  logStreamEntity,
  logChunkEntity,
  artifactEntity,
  eventEntity,
  suspensionEntity,
  decisionEntity,
  offerVersionEntity,
  bookVersionEntity,
  offerFeedEntity,
  costEntryEntity,
  budgetEntity,
  budgetPeriodEntity,
  budgetReservationEntity,
  policyVersionEntity,
  policyEventEntity,
  policySettingEntity,
  apiKeyEntity,
  ...priceEntities,
  ...commitmentEntities,
  ...healthEntities,
];

/** The address in the words of `pg`, which understands sockets in addresses. */
export function clientAddress(address: DatabaseAddress): ClientConfig {
  return 'url' in address ? { connectionString: address.url } : { ...address.connection };
}

/** Names that can be read in an error message instead of digests. */
const namingStrategy = Object.assign(new DefaultNamingStrategy(), {
  primaryKeyName: (table: { readonly name: string } | string) =>
    `${typeof table === 'string' ? table : table.name}_pkey`,
});

/** The data source of all entities and migrations, not yet connected. */
export function createDataSource(settings: DataSourceSettings): DataSource {
  return new DataSource({
    type: 'postgres',
    entities,
    migrations: [
      Initial1764000000000,
      PolicyLife1764200000000,
      Feeds1764300000000,
      Cost1764400000000,
      Health1764500000000,
      Loop1764600000000,
    ],
    migrationsTableName: 'schema_migration',
    migrationsTransactionMode: 'all',
    namingStrategy,
    installExtensions: false,
    logging: false,
    applicationName: settings.applicationName ?? 'fairlead',
    poolSize: Math.max(MIN_POOL_SIZE, settings.poolSize ?? DEFAULT_POOL_SIZE),
    connectTimeoutMS: CONNECT_LIMIT_MS,
    // The driver hands these to `pg` as they are.
    extra: { ...clientAddress(settings), types: int8Types },
  });
}
