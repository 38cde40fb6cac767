import { usd, type PolicyDocument } from '#libs/domain';

/** What waiting and lateness are worth for each kind of work. Defaults to be overruled by a policy of one's own. */
export const workloadPreferences: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-workload-preferences',
  description:
    'An hour of waiting is dear where somebody sits in front of it and cheap in a batch.',
  rules: [],
  preferences: {
    // Somebody sits and waits, at about what an engineer costs.
    prototyping: { waitingCostPerHour: usd(50) },
    // Answers that do not come lose users.
    'real-time': { waitingCostPerHour: usd(100), latenessCost: usd(500) },
    inference: { waitingCostPerHour: usd(2) },
    // Results are collected later.
    'batch-inference': { waitingCostPerHour: usd(0.05) },
    rendering: { waitingCostPerHour: usd(0.05) },
    'fine-tuning': { waitingCostPerHour: usd(0.5) },
    // A team waits for a large model.
    training: { waitingCostPerHour: usd(5), latenessCost: usd(1_000) },
    confidential: { waitingCostPerHour: usd(1) },
    general: { waitingCostPerHour: usd(0.5) },
  },
  tests: [
    {
      name: 'somebody sits in front of a prototype',
      given: { job: { workload: 'prototyping' } },
      expect: { rates: { waitingCostPerHour: usd(50) } },
    },
    {
      name: 'nobody waits for a batch',
      given: { job: { workload: 'batch-inference' } },
      expect: { rates: { waitingCostPerHour: usd(0.05) } },
    },
    {
      name: 'a team waits for a large model, and plans with it',
      given: { job: { workload: 'training' } },
      expect: { rates: { waitingCostPerHour: usd(5), latenessCost: usd(1_000) } },
    },
  ],
};
