export * from './builders';
export * from './fake-cloud';
export * from './fake-cloud-core';
export * from './fake-lease';
export * from './fake-offers';
export * from './manual-clock';
export * from './memory-plugin';
export * from './rng';
