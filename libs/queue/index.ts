export * from './doorbell';
export { openQueues, type QueueBackend, type QueueSettings } from './open-queues';
export type { Lane, Queues } from './queues';
export type { QueueFigures, QueueLog } from './reports';
