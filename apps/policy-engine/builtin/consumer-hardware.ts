import type { PolicyDocument } from '#libs/domain';

/** Cards of personal computers: for work that may be lost, on data that may be seen. */
export const consumerHardware: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-consumer-hardware',
  description: 'Consumer cards are kept to rendering, prototypes and batches on open data.',
  rules: [
    {
      id: 'consumer-hardware-for-open-work-only',
      when: '!(job.workload in ["rendering", "prototyping", "batch-inference"] && job.dataClasses.all(c, c in ["public", "internal"]))',
      forbid: 'offer.consumerHardware',
      because:
        'consumer cards are for rendering, prototypes and batches on public or internal data',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'rendering of internal data',
      given: { job: { workload: 'rendering' }, offer: { consumerHardware: true } },
      expect: 'allowed',
    },
    {
      name: 'rendering of personal data',
      given: {
        job: { workload: 'rendering', dataClasses: ['internal', 'personal'] },
        offer: { consumerHardware: true },
      },
      expect: { refusedBy: ['consumer-hardware-for-open-work-only'] },
    },
    {
      name: 'training',
      given: { job: { workload: 'training' }, offer: { consumerHardware: true } },
      expect: { refusedBy: ['consumer-hardware-for-open-work-only'] },
    },
    {
      name: 'training on cards made for it',
      given: { job: { workload: 'training' }, offer: { consumerHardware: false } },
      expect: 'allowed',
    },
  ],
};
