import { asJobId, ZERO_USD, type GpuAlternative, type JobFacts, type JobSpec } from '#libs/domain';
import type { GuideRowName } from './workload-guide';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const anyRange = { min: 0, max: null };

const gpus = (model: string | null, count: number, minGib = 0): readonly GpuAlternative[] => [
  { model, count, memoryGib: { min: minGib, max: null } },
];

const checkpoint = (intervalMs: number, sizeGb: number): JobSpec['checkpoint'] => ({
  path: 'checkpoints',
  intervalMs,
  sizeGb,
});

/** A job that asks for nothing in particular and tolerates interruptions. */
const plain: JobSpec = {
  version: 'fairlead/v1',
  name: 'plain',
  project: 'research',
  labels: {},
  costCentre: null,
  purchaseOrder: null,
  image: 'registry.example/work:1',
  command: [],
  env: {},
  secrets: {},
  workingDirectory: null,
  inputs: [],
  outputs: [],
  resources: {
    gpus: [],
    cpus: anyRange,
    memoryGib: anyRange,
    diskGb: 20,
    interconnect: 'any',
  },
  workload: 'general',
  dataClass: 'internal',
  compliance: [],
  residency: [],
  confidential: false,
  interruptible: true,
  checkpoint: null,
  sla: {
    deadlineMs: null,
    queueTimeoutMs: HOUR,
    maxDurationMs: 30 * DAY,
    availabilityBps: null,
    hedgedStart: 'never',
  },
  nodes: 1,
  replicas: null,
  durationEstimateMs: HOUR,
  budget: { maxPricePerHour: null, maxCost: null },
  priority: 50,
  retry: { on: ['interruption', 'start-failure'], limit: 5 },
  infra: { include: [], exclude: [] },
};

const withGpus = (wanted: readonly GpuAlternative[]): Pick<JobSpec, 'resources'> => ({
  resources: { ...plain.resources, gpus: wanted },
});

const withAvailability = (availabilityBps: number): Pick<JobSpec, 'sla'> => ({
  sla: { ...plain.sla, availabilityBps },
});

const serving: Partial<JobSpec> = {
  ...withGpus(gpus('H100', 1)),
  workload: 'inference',
  durationEstimateMs: DAY,
};

export interface GoldenCase {
  readonly name: string;
  readonly row: GuideRowName;
  readonly spec: Partial<JobSpec>;
}

/** One job or more for each row of the guide. None names a provider: where it goes follows from policy and facts. */
export const goldenCases: readonly GoldenCase[] = [
  { name: 'production-inference', row: 'production-inference', spec: serving },
  {
    name: 'batch-inference',
    row: 'batch-inference',
    spec: {
      ...withGpus(gpus(null, 1, 24)),
      workload: 'batch-inference',
      durationEstimateMs: 8 * HOUR,
      checkpoint: checkpoint(15 * MINUTE, 1),
      outputs: [{ path: 'scores', sizeGb: 5, dataClass: 'internal' }],
    },
  },
  {
    name: 'fine-tuning',
    row: 'fine-tuning',
    spec: {
      ...withGpus(gpus('A100-80GB', 4)),
      workload: 'fine-tuning',
      durationEstimateMs: DAY,
      checkpoint: checkpoint(30 * MINUTE, 20),
      outputs: [{ path: 'model', sizeGb: 20, dataClass: 'internal' }],
      sla: { ...plain.sla, deadlineMs: 3 * DAY },
    },
  },
  {
    name: 'prototyping',
    row: 'prototyping',
    spec: {
      ...withGpus(gpus('RTX4090', 1)),
      workload: 'prototyping',
      durationEstimateMs: 45 * MINUTE,
    },
  },
  {
    name: 'rendering',
    row: 'rendering',
    spec: {
      ...withGpus(gpus(null, 1, 24)),
      workload: 'rendering',
      durationEstimateMs: 6 * HOUR,
      checkpoint: checkpoint(10 * MINUTE, 0.2),
      outputs: [{ path: 'frames', sizeGb: 10, dataClass: 'internal' }],
    },
  },
  {
    name: 'frontier-training',
    row: 'frontier-training',
    spec: {
      ...withGpus(gpus('H100', 8)),
      workload: 'training',
      durationEstimateMs: 10 * DAY,
      checkpoint: checkpoint(HOUR, 500),
    },
  },
  {
    name: 'regulated-hipaa',
    row: 'regulated',
    spec: { ...serving, dataClass: 'health', compliance: ['hipaa'] },
  },
  {
    name: 'regulated-fedramp-moderate',
    row: 'regulated',
    spec: { ...serving, dataClass: 'government', compliance: ['fedramp-moderate'] },
  },
  {
    name: 'regulated-fedramp-high',
    row: 'regulated',
    spec: { ...serving, dataClass: 'government', compliance: ['fedramp-high'] },
  },
  {
    name: 'privacy-preserving',
    row: 'privacy-preserving',
    spec: {
      workload: 'confidential',
      confidential: true,
      dataClass: 'personal',
      residency: ['DE', 'FR', 'IE'],
      durationEstimateMs: 4 * HOUR,
      checkpoint: checkpoint(30 * MINUTE, 1),
    },
  },
  {
    name: 'real-time',
    row: 'real-time',
    spec: {
      ...withGpus(gpus('A40', 1)),
      workload: 'real-time',
      durationEstimateMs: DAY,
      interruptible: false,
    },
  },
  {
    name: 'strict-sla-core',
    row: 'strict-sla-core',
    spec: { ...serving, ...withAvailability(9_990), interruptible: false },
  },
  {
    name: 'strict-sla-overflow',
    row: 'strict-sla-overflow',
    spec: { ...serving, compliance: ['soc2', 'iso27001'], interruptible: false },
  },
];

export function jobOf({ name, spec }: GoldenCase): JobFacts {
  const { deadlineMs } = spec.sla ?? plain.sla;
  return {
    id: asJobId(`job-${name}`),
    spec: { ...plain, name, ...spec },
    deadlineAtMs: deadlineMs,
    spent: ZERO_USD,
  };
}
