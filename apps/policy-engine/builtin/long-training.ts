import type { PolicyDocument } from '#libs/domain';

/** Supply that can be taken back: only for training that can go on from where it was. */
export const longTraining: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-long-training',
  description: 'Long training without checkpoints stays off supply that can be taken back.',
  rules: [
    {
      id: 'long-training-needs-checkpoints-or-steady-nodes',
      when: 'job.workload in ["training", "fine-tuning"] && job.durationHours > 8.0 && !job.hasCheckpoint',
      forbid: 'offer.interruptible',
      because: 'an interruption would throw more than eight hours of training away',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'a long training without checkpoints',
      given: {
        job: { workload: 'training', durationHours: 24 },
        offer: { interruptible: true },
      },
      expect: { refusedBy: ['long-training-needs-checkpoints-or-steady-nodes'] },
    },
    {
      name: 'a long training with checkpoints',
      given: {
        job: { workload: 'training', durationHours: 24, hasCheckpoint: true },
        offer: { interruptible: true },
      },
      expect: 'allowed',
    },
    {
      name: 'a short training without checkpoints',
      given: { job: { workload: 'fine-tuning', durationHours: 2 }, offer: { interruptible: true } },
      expect: 'allowed',
    },
    {
      name: 'steady nodes',
      given: { job: { workload: 'training', durationHours: 24 }, offer: { interruptible: false } },
      expect: 'allowed',
    },
  ],
};
