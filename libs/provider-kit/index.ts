export * from './adapter';
export * from './descriptor';
export * from './emulator';
export * from './errors';
export * from './plugin';
