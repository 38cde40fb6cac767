import type { PolicyDocument } from '#libs/domain';

/** Confidential computing where the work is of that kind. */
export const confidential: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-confidential',
  description: 'Confidential and federated work runs only inside an enclave.',
  rules: [
    {
      id: 'confidential-work-needs-an-enclave',
      when: 'job.workload == "confidential"',
      require: 'offer.confidential',
      because: 'the data must stay unreadable to whoever runs the machine',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'inside an enclave',
      given: { job: { workload: 'confidential' }, offer: { confidential: true } },
      expect: 'allowed',
    },
    {
      name: 'outside of one, whoever runs it',
      given: { job: { workload: 'confidential' }, offer: { kind: 'hyperscaler' } },
      expect: { refusedBy: ['confidential-work-needs-an-enclave'] },
    },
  ],
};
