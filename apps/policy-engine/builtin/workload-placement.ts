import type { PolicyDocument } from '#libs/domain';

const FRONTIER =
  'job.workload == "training" && (job.durationHours > 168.0 || (job.gpuCount >= 8.0 && job.durationHours > 72.0))';

/** What some kinds of work need from the place they run in, whatever it costs. */
export const workloadPlacement: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-workload-placement',
  description:
    'Long training, interactive and confidential work go where their needs are promised.',
  rules: [
    {
      id: 'confidential-work-needs-an-enclave',
      when: 'job.workload == "confidential"',
      require: 'offer.confidential',
      because: 'the data must stay unreadable to whoever runs the machine',
    },
    {
      id: 'real-time-needs-a-contract',
      when: 'job.workload == "real-time"',
      require: 'offer.slaAvailability >= 99.5',
      because: 'people wait for each answer, so availability must be promised by contract',
    },
    {
      id: 'real-time-needs-a-known-place',
      when: 'job.workload == "real-time"',
      require: 'offer.country != "" && !offer.interruptible',
      because: 'latency can be kept low only in a known place that is not taken away',
    },
    {
      id: 'frontier-training-needs-fast-links',
      when: `${FRONTIER} && job.gpuCount > 1.0`,
      require: 'offer.interconnect in ["nvlink", "infiniband"]',
      because: 'GPUs that train one model for days exchange gradients at every step',
    },
    {
      id: 'frontier-training-needs-steady-nodes',
      when: FRONTIER,
      require: 'offer.slaAvailability >= 99.5 && !offer.interruptible',
      because: 'weeks of synchronised training need nodes whose availability is promised',
    },
    {
      id: 'consumer-hardware-for-open-work-only',
      when: '!(job.workload in ["rendering", "prototyping", "batch-inference"] && job.dataClasses.all(c, c in ["public", "internal"]))',
      forbid: 'offer.consumerHardware',
      because:
        'consumer cards are for rendering, prototypes and batches on public or internal data',
    },
  ],
  preferences: {},
};
