import { asJobId, asOfferId, asProviderId } from '../ids';
import type { JobFacts, JobSpec } from '../job';
import { usd, ZERO_USD } from '../money';
import type { Offer } from '../offer';

export const HOUR_MS = 3_600_000;

const spec: JobSpec = {
  version: 'fairlead/v1',
  name: 'job',
  project: 'research',
  labels: {},
  costCentre: null,
  purchaseOrder: null,
  image: 'image',
  command: [],
  env: {},
  secrets: {},
  workingDirectory: null,
  inputs: [],
  outputs: [],
  resources: {
    gpus: [],
    cpus: { min: 0, max: null },
    memoryGib: { min: 0, max: null },
    diskGb: 0,
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
    queueTimeoutMs: HOUR_MS,
    maxDurationMs: 24 * HOUR_MS,
    availabilityBps: null,
    hedgedStart: 'never',
  },
  nodes: 1,
  replicas: null,
  durationEstimateMs: HOUR_MS,
  budget: { maxPricePerHour: null, maxCost: null },
  priority: 50,
  retry: { on: [], limit: 0 },
  infra: { include: [], exclude: [] },
};

/** A job of an hour that wants nothing in particular but what is given. */
export function jobOf(wanted: Partial<JobSpec>): JobFacts {
  return {
    id: asJobId('job-1'),
    spec: { ...spec, ...wanted },
    deadlineAtMs: wanted.sla?.deadlineMs ?? null,
    spent: ZERO_USD,
  };
}

/** A plain machine at a dollar an hour, billed by the second. */
export function offerOf(wanted: Partial<Offer>): Offer {
  return {
    id: asOfferId('offer-1'),
    providerId: asProviderId('nimbus'),
    providerKind: 'neocloud',
    region: 'north',
    country: 'FI',
    instanceType: 'shape',
    market: 'on-demand',
    gpu: null,
    cpus: 4,
    memoryGib: 16,
    diskGb: 100,
    interruptible: false,
    pricePerHour: usd(1),
    settlementToken: null,
    billing: { incrementMs: 1_000, minimumMs: 0 },
    egressPerGb: ZERO_USD,
    startupMs: 60_000,
    available: true,
    certifications: [],
    slaBps: null,
    confidential: false,
    consumerHardware: false,
    features: [],
    hostedBy: null,
    hostId: null,
    quantity: null,
    ...wanted,
  };
}
