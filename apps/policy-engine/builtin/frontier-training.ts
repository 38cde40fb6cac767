import type { PolicyDocument, PolicyFacts } from '#libs/domain';

const FRONTIER =
  'job.workload == "training" && (job.durationHours > 168.0 || (job.gpuCount >= 8.0 && job.durationHours > 72.0))';

const weekOfEight: PolicyFacts = { workload: 'training', gpuCount: 8, durationHours: 200 };
const steady: PolicyFacts = {
  gpuCount: 8,
  interconnect: 'nvlink',
  slaAvailability: 99.9,
  country: 'US',
};

/** Large models: GPUs that exchange gradients at every step, for weeks. */
export const frontierTraining: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-frontier-training',
  description:
    'Training for more than a week, or for more than three days on eight GPUs, needs fast links in one place and steady nodes.',
  rules: [
    {
      id: 'frontier-training-needs-fast-links',
      when: `${FRONTIER} && job.gpuCount > 1.0`,
      require: 'offer.interconnect in ["nvlink", "infiniband"]',
      because: 'GPUs that train one model for days exchange gradients at every step',
    },
    {
      id: 'frontier-training-across-machines-needs-infiniband',
      when: `${FRONTIER} && job.nodes > 1.0`,
      require: 'offer.interconnect == "infiniband"',
      because: 'NVLink ends at the machine, so that machines that train one model need InfiniBand',
    },
    {
      id: 'frontier-training-stays-in-one-place',
      when: FRONTIER,
      require: 'offer.country != ""',
      because: 'GPUs that train one model stand in one place, and a known one',
    },
    {
      id: 'frontier-training-needs-steady-nodes',
      when: FRONTIER,
      require: 'offer.slaAvailability >= 99.5 && !offer.interruptible',
      because: 'weeks of synchronised training need nodes whose availability is promised',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'eight linked GPUs under contract',
      given: { job: weekOfEight, offer: steady },
      expect: 'allowed',
    },
    {
      name: 'eight GPUs without a link',
      given: { job: weekOfEight, offer: { ...steady, interconnect: 'any' } },
      expect: { refusedBy: ['frontier-training-needs-fast-links'] },
    },
    {
      name: 'two machines with NVLink inside each',
      given: { job: { ...weekOfEight, nodes: 2 }, offer: steady },
      expect: { refusedBy: ['frontier-training-across-machines-needs-infiniband'] },
    },
    {
      name: 'a fleet that is somewhere',
      given: {
        job: weekOfEight,
        offer: { gpuCount: 8, interconnect: 'nvlink', slaAvailability: 99.9 },
      },
      expect: { refusedBy: ['frontier-training-stays-in-one-place'] },
    },
    {
      name: 'nodes that can be taken back',
      given: { job: weekOfEight, offer: { ...steady, interruptible: true } },
      expect: { refusedBy: ['frontier-training-needs-steady-nodes'] },
    },
    {
      name: 'a day of training is not at the frontier',
      given: { job: { workload: 'training', durationHours: 24 }, offer: { interruptible: true } },
      expect: 'allowed',
    },
  ],
};
