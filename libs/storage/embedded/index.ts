export type { Connection } from './connection';
export { createDatabase, dropDatabase } from './databases';
export { EmbeddedPostgresError, type EmbeddedPostgresFault } from './errors';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './server';
export { startTestServer, type TestServer } from './test-server';
