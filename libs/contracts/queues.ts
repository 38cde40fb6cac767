/** Every queue, who answers it, and what the id in its messages names. A message carries an id, never a fact. */
export const queueNames = [
  'decide',
  'place',
  'advance',
  'sweep-leases',
  'refresh-offers',
  'book-costs',
  'learn',
  'watch-health',
  'sweep-overdue',
  'prune',
  'activate-policies',
  'read-feed',
] as const;
export type QueueName = (typeof queueNames)[number];

export interface QueueContract {
  readonly answeredBy: 'policy-engine' | 'dispatcher' | 'cost-oracle' | 'health-monitor';
  readonly idOf: 'job' | 'attempt' | 'provider' | 'feed' | 'nothing';
  /** One BullMQ queue per provider, so that a slow provider holds up nobody else. */
  readonly perProvider: boolean;
  /** How many messages one process works on at a time, per BullMQ queue. */
  readonly concurrency: number;
}

export const queues: { readonly [Q in QueueName]: QueueContract } = {
  decide: { answeredBy: 'policy-engine', idOf: 'job', perProvider: false, concurrency: 8 },
  place: { answeredBy: 'dispatcher', idOf: 'job', perProvider: false, concurrency: 8 },
  advance: { answeredBy: 'dispatcher', idOf: 'attempt', perProvider: true, concurrency: 8 },
  'sweep-leases': {
    answeredBy: 'dispatcher',
    idOf: 'provider',
    perProvider: false,
    concurrency: 2,
  },
  'refresh-offers': {
    answeredBy: 'cost-oracle',
    idOf: 'provider',
    perProvider: false,
    concurrency: 2,
  },
  'book-costs': { answeredBy: 'cost-oracle', idOf: 'attempt', perProvider: false, concurrency: 4 },
  learn: { answeredBy: 'health-monitor', idOf: 'attempt', perProvider: false, concurrency: 2 },
  'watch-health': {
    answeredBy: 'health-monitor',
    idOf: 'nothing',
    perProvider: false,
    concurrency: 1,
  },
  'sweep-overdue': {
    answeredBy: 'dispatcher',
    idOf: 'nothing',
    perProvider: false,
    concurrency: 1,
  },
  prune: { answeredBy: 'cost-oracle', idOf: 'nothing', perProvider: false, concurrency: 1 },
  'activate-policies': {
    answeredBy: 'policy-engine',
    idOf: 'nothing',
    perProvider: false,
    concurrency: 1,
  },
  'read-feed': { answeredBy: 'cost-oracle', idOf: 'feed', perProvider: false, concurrency: 2 },
};
