export * from './doorbell';
