import { parseJobSpec } from './parse-job-spec';
import type { AttemptView, EventView, JobView } from './http-jobs';
import type { FeasibilityView } from './http-decisions';
import type { SuspensionRequest, SuspensionView } from './http-health';
import { exampleEffective } from './examples-costs';
import type { OfferView } from './http-offers';
import type { PolicyVersionView } from './http-policies';
import { formatJobSpec } from './format-job-spec';

/** What the OpenAPI document shows; each is checked against its schema by a test. */
const AT = '2026-11-21T09:30:00.000Z';

export const exampleJobSpec = {
  name: 'train-small',
  project: 'vision',
  image: 'docker.io/library/python:3.13',
  command: ['python', 'train.py'],
  workload: 'fine-tuning',
  resources: { gpus: 'H100:1', memory: '32GB+' },
  checkpoint: { path: 'checkpoint', interval: '10m' },
  durationEstimate: '4h',
  budget: { maxCost: '$25.00' },
};

export const exampleOffer: OfferView = {
  id: 'aws/us-east-1/p5.4xlarge/spot',
  provider: 'aws',
  providerKind: 'hyperscaler',
  region: 'us-east-1',
  country: 'US',
  instanceType: 'p5.4xlarge',
  market: 'spot',
  gpu: { model: 'H100', count: 1, memoryGib: 80, interconnect: 'any' },
  cpus: 16,
  memoryGib: 256,
  diskGb: 3_800,
  interruptible: true,
  pricePerHourMicroUsd: 2_500_000,
  source: 'listing/aws',
  readAt: AT,
  stale: false,
  settlementToken: null,
  billingIncrementMs: 1_000,
  billingMinimumMs: 60_000,
  egressPerGbMicroUsd: 90_000,
  startupMs: 90_000,
  available: true,
  certifications: ['hipaa', 'soc2'],
  slaBps: null,
  confidential: false,
  consumerHardware: false,
  features: [],
  hostedBy: null,
  hostId: null,
  quantity: null,
};

const exampleTerms = {
  run: 10_000_000,
  interruption: 812_000,
  'start-up': 62_500,
  waiting: 210_000,
  egress: 90_000,
  'token-risk': 0,
  verification: 0,
  'provider-failure': 54_000,
  lateness: 0,
  preference: 0,
};

export const exampleSummary = {
  id: 'job-019aa5c2f3b07e31',
  name: 'train-small',
  project: 'vision',
  workload: 'fine-tuning',
  labels: { team: 'vision' },
  state: 'running',
  outcome: null,
  priority: 50,
  submittedAt: AT,
  submittedBy: 'ci',
  cancelRequestedAt: null,
  endedAt: null,
} as const;

const baseline = { offerId: 'aws/us-east-1/p5.4xlarge/on-demand', pricePerHourMicroUsd: 6_880_000 };

export const exampleJob: JobView = {
  ...exampleSummary,
  deadlineAt: null,
  late: false,
  decisionId: 'dec-019aa5c2f4e17a02',
  attempts: 1,
  costMicroUsd: 1_250_000,
  baseline,
  outlook: {
    at: '2026-11-21T09:05:00.000Z',
    do: 'stay',
    to: null,
    because: 'nothing-better',
    latenessBps: 12,
    noReturnAt: '2026-11-21T14:40:00.000Z',
    waitingFor: { what: 'point-of-no-return', offers: [] },
    nextLookAt: '2026-11-21T09:20:00.000Z',
  },
  service: null,
  spec: specOf(exampleJobSpec),
  feasibility: null,
  withheld: [],
};

export const exampleFeasibility: FeasibilityView = {
  verdict: 'now',
  sentences: ['1 of 2 offers can run this now.'],
  offers: 2,
  serving: 1,
  passing: 0,
  removals: [{ code: 'gpu-mismatch', ruleId: null, offers: 1 }],
  nearestMiss: null,
  relaxations: [
    {
      code: 'gpu-mismatch',
      ruleId: null,
      text: 'needs H100:1, has L4:1',
      remedy: 'list more GPU alternatives in resources.gpus',
      offers: 1,
      offersNow: 1,
      offerId: 'aws/us-east-1/g6.xlarge/spot',
    },
  ],
};

export const exampleRanking = {
  engine: 'decide/1',
  policyVersion: 'builtin@1',
  bookVersion: 42,
  ranked: [
    {
      rank: 1,
      offer: exampleOffer,
      expectedCostMicroUsd: 11_228_500,
      terms: exampleTerms,
      latenessBps: 0,
      noReturnAt: null,
      effective: exampleEffective,
    },
  ],
  rankedCount: 1,
  rejectedCount: 1,
  rejectionCounts: { 'gpu-mismatch': 1 },
  ruleCounts: {},
  rejected: [
    {
      offerId: 'aws/us-east-1/g6.xlarge/spot',
      pricePerHourMicroUsd: 400_000,
      reasons: [
        {
          code: 'gpu-mismatch',
          text: 'needs H100:1, has L4:1',
          remedy: 'list more GPU alternatives in resources.gpus',
          ruleId: null,
        },
      ],
    },
  ],
  baseline,
  feasibility: exampleFeasibility,
};

export const exampleDecision = {
  id: 'dec-019aa5c2f4e17a02',
  jobId: exampleSummary.id,
  at: AT,
  ...exampleRanking,
  digests: { job: '9f2c…', policy: '01ab…', offers: '77de…', decision: 'c0ff…' },
};

export const exampleAttempt: AttemptView = {
  id: 'att-019aa5c2f5b27c90',
  number: 1,
  role: 'solo',
  slot: 0,
  round: 1,
  decisionId: exampleDecision.id,
  offerId: exampleOffer.id,
  provider: 'aws',
  region: 'us-east-1',
  market: 'spot',
  phase: 'running',
  phaseSince: AT,
  outcome: null,
  error: null,
  pricePerHourMicroUsd: 2_500_000,
  costMicroUsd: 1_250_000,
  commitment: null,
  billedFrom: AT,
  billedTo: null,
  workloadStartedAt: AT,
  heardAt: AT,
  exit: null,
  externalId: 'i-0a1b2c3d4e5f60718',
  createdAt: AT,
};

export const exampleEvent: EventView = {
  sequence: 17,
  at: AT,
  type: 'job.placed',
  jobId: exampleSummary.id,
  attemptId: exampleAttempt.id,
  data: { offer: exampleOffer.id, attempt: 1 },
};

export const exampleWhy = {
  jobId: exampleSummary.id,
  state: 'running',
  outcome: null,
  sentences: ['It runs at aws/us-east-1/p5.4xlarge/spot, the best of 1 offer that may serve it.'],
  where: {
    attemptId: exampleAttempt.id,
    number: 1,
    phase: 'running',
    offerId: exampleOffer.id,
    provider: 'aws',
    region: 'us-east-1',
    country: 'US',
    since: AT,
    pricePerHourMicroUsd: 2_500_000,
  },
  chosen: {
    decisionId: exampleDecision.id,
    decidedAt: AT,
    policyVersion: 'builtin@1',
    engine: 'decide/1',
    offerId: exampleOffer.id,
    rank: 1,
    expectedCostMicroUsd: 11_228_500,
    terms: exampleTerms,
    effective: exampleEffective,
  },
  nextBest: null,
  rules: [],
  reasons: [{ code: 'gpu-mismatch', offersRefused: 1, remedy: 'list more GPU alternatives' }],
  cost: {
    soFarMicroUsd: 1_250_000,
    maxMicroUsd: 25_000_000,
    baselineMicroUsd: null,
    savingMicroUsd: null,
  },
  baseline,
  feasibility: null,
  waitingFor: null,
  attempts: [
    { number: 1, offerId: exampleOffer.id, outcome: null, costMicroUsd: 1_250_000, exitCode: null },
  ],
};

export const exampleReport = {
  from: '2026-11-01T00:00:00.000Z',
  to: AT,
  groupBy: ['project'],
  rows: [
    {
      group: { project: 'vision' },
      billedMicroUsd: 1_250_000,
      listMicroUsd: 1_250_000,
      baselineMicroUsd: 3_440_000,
      savingMicroUsd: 2_190_000,
      leaseMs: 1_800_000,
      jobs: 1,
    },
  ],
  total: {
    billedMicroUsd: 1_250_000,
    listMicroUsd: 1_250_000,
    baselineMicroUsd: 3_440_000,
    savingMicroUsd: 2_190_000,
  },
  truncated: false,
};

export const exampleBudget = {
  project: 'vision',
  period: '2026-11',
  softLimitMicroUsd: 400_000_000,
  hardLimitMicroUsd: 500_000_000,
  committedMicroUsd: 25_000_000,
  spentMicroUsd: 1_250_000,
};

export const exampleKey = {
  id: 'key-019aa5c2f3b07e31',
  name: 'ci',
  roles: ['submitter'],
  projects: ['vision'],
  createdAt: AT,
  createdBy: 'key-019aa5c2f3b07e30',
};

export const exampleProvider = {
  id: 'akash',
  name: 'Akash',
  kind: 'decentralised',
  mode: 'emulated',
  offers: 12,
  availableOffers: 9,
  refreshedAt: AT,
  circuit: 'closed',
  calls: { made: 240, unanswered: 3 },
  suspensions: [],
  health: [
    {
      market: 'marketplace',
      leaseMs: 7_200_000,
      interruptions: 1,
      starts: 4,
      startFailures: 0,
      interruptionsPerHour: 0.5,
      meanUpTimeMs: 7_200_000,
      startupP50Ms: 41_000,
      startupP99Ms: null,
      recoveryMs: 95_000,
      refusedShare: 0.2,
      lieShare: null,
      noticeMs: null,
      availableMs: 21_600_000,
      awayMs: 1_800_000,
    },
  ],
};

export const exampleSuspensionRequest: SuspensionRequest = {
  do: 'suspend',
  scope: 'provider',
  key: 'akash',
  for: '6h',
  because: 'maintenance until noon',
};

export const exampleSuspension: SuspensionView = {
  id: '17',
  scope: 'provider',
  key: 'akash',
  job: null,
  reason: 'maintenance until noon',
  from: AT,
  until: AT,
  by: 'key-019aa5c2f3b07e30',
  resumedAt: null,
};

export const examplePolicyVersion: PolicyVersionView = {
  name: 'health-data',
  version: 2,
  state: 'active',
  active: true,
  createdAt: AT,
  createdBy: 'ann',
  proposedBy: 'ann',
  approvedBy: 'bob',
  activateAt: null,
  activatedAt: AT,
  document: {
    kind: 'RoutingPolicy',
    name: 'health-data',
    description: 'Health data stays with certified providers.',
    rules: [
      {
        id: 'certified',
        when: "job.dataClass == 'health'",
        require: "provider.kind == 'hyperscaler'",
        because: 'health data needs a certified provider',
      },
    ],
    preferences: {},
  },
};

export const exampleOutputs = {
  items: [
    {
      index: 0,
      path: 'model',
      contentType: 'application/x-tar',
      sizeBytes: 1_048_576,
      at: AT,
      attemptId: exampleAttempt.id,
    },
  ],
};

function specOf(input: unknown): JobView['spec'] {
  const result = parseJobSpec(input);
  if (!result.ok) throw new Error('the example job has problems');
  return formatJobSpec(result.spec);
}
