export * from './adapter';
export * from './descriptor';
export * from './emulator';
export * from './errors';
export * from './guard';
export * from './plugin';
export * from './registry';
export * from './timers';
