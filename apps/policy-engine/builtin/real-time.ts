import type { PolicyDocument } from '#libs/domain';

/** Work that people wait for: promised, in a known place, and near them where they say where they are. */
export const realTime: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-real-time',
  description:
    'Interactive work needs contractual availability and a known place; with the label near=<country or region> it runs there.',
  rules: [
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
      id: 'real-time-is-near-its-users',
      when: 'job.workload == "real-time" && "near" in job.labels',
      require: 'offer.country == job.labels["near"] || offer.region.startsWith(job.labels["near"])',
      because: 'the job names the country or region near which its answers are waited for',
    },
  ],
  preferences: {},
  profiles: { 'real-time': { minReliabilityBps: 9_900 } },
  tests: [
    {
      name: 'a contract in a known place',
      given: { job: { workload: 'real-time' }, offer: { slaAvailability: 99.9, country: 'IE' } },
      expect: 'allowed',
    },
    {
      name: 'no contract',
      given: { job: { workload: 'real-time' }, offer: { country: 'IE' } },
      expect: { refusedBy: ['real-time-needs-a-contract'] },
    },
    {
      name: 'somewhere, and only as long as nobody else wants it',
      given: {
        job: { workload: 'real-time' },
        offer: { slaAvailability: 99.9, interruptible: true },
      },
      expect: { refusedBy: ['real-time-needs-a-known-place'] },
    },
    {
      name: 'near its users',
      given: {
        job: { workload: 'real-time', labels: { near: 'eu-west' } },
        offer: { slaAvailability: 99.9, country: 'IE', region: 'eu-west-1' },
      },
      expect: 'allowed',
    },
    {
      name: 'far from its users',
      given: {
        job: { workload: 'real-time', labels: { near: 'IE' } },
        offer: { slaAvailability: 99.9, country: 'US', region: 'us-east-1' },
      },
      expect: { refusedBy: ['real-time-is-near-its-users'] },
    },
    {
      name: 'promised, but measured to break off all the time',
      given: {
        job: { workload: 'real-time' },
        offer: { slaAvailability: 99.9, country: 'IE' },
        health: { interruptionsPerHour: 0.2, measuredHours: 500 },
      },
      expect: { refusedBy: ['profiles/real-time'] },
    },
  ],
};
