export * from './check';
export * from './conformance';
export * from './describe';
export * from './emulated-harness';
export * from './harness';
export * from './live-harness';
export * from './probe-workload';
export * from './steps';
