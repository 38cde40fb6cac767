export * from './ports';
export * from './workload-ports';
export { openStorage, type Storage } from './storage';
export type { DatabaseAddress, DataSourceSettings } from './data-source';
export { MAX_ARTIFACT_BYTES } from './repositories/artifacts';
export { periodAt } from './repositories/budgets';
