import {
  NO_REPORT,
  asAttemptId,
  asDecisionId,
  asJobId,
  asOfferId,
  asProviderId,
  lineKey,
  usd,
  type Attempt,
  type Job,
  type JobSpec,
  type Offer,
} from '#libs/domain';

const HOUR_MS = 3_600_000;

/** An arbitrary moment at which built things begin: 2026-11-21T00:00:00Z. */
export const BUILT_AT_MS = 1_795_219_200_000;

/** A small valid spec; say what matters. */
export function aSpec(wanted: Partial<JobSpec> = {}): JobSpec {
  return {
    version: 'fairlead/v1',
    name: 'example',
    project: 'default',
    labels: {},
    costCentre: null,
    purchaseOrder: null,
    image: 'example/image:1',
    command: [],
    env: {},
    secrets: {},
    workingDirectory: null,
    inputs: [],
    outputs: [],
    resources: {
      gpus: [],
      cpus: { min: 1, max: null },
      memoryGib: { min: 1, max: null },
      diskGb: 10,
      interconnect: 'any',
    },
    workload: 'general',
    dataClass: 'public',
    compliance: [],
    residency: [],
    confidential: false,
    interruptible: true,
    checkpoint: null,
    sla: {
      deadlineMs: null,
      queueTimeoutMs: 24 * HOUR_MS,
      maxDurationMs: 24 * HOUR_MS,
      availabilityBps: null,
      hedgedStart: 'never',
    },
    nodes: 1,
    replicas: null,
    durationEstimateMs: HOUR_MS,
    budget: { maxPricePerHour: null, maxCost: null },
    priority: 50,
    retry: { on: ['interruption', 'start-failure'], limit: 3 },
    infra: { include: [], exclude: [] },
    ...wanted,
  };
}

/** A queued job that is due at once. Its place in line follows from its spec unless given. */
export function aJob(
  wanted: Omit<Partial<Job>, 'id' | 'spec'> & { readonly id: string; readonly spec?: JobSpec },
): Job {
  const spec = wanted.spec ?? aSpec();
  const submittedAtMs = wanted.submittedAtMs ?? BUILT_AT_MS;
  return {
    submittedBy: 'key-example',
    state: 'queued',
    outcome: null,
    endedAtMs: null,
    cancelRequestedAtMs: null,
    decisionId: null,
    lineKey: lineKey(submittedAtMs, spec.priority),
    baseline: null,
    outlook: null,
    revision: 0,
    dueAtMs: submittedAtMs,
    ...wanted,
    id: asJobId(wanted.id),
    spec,
    submittedAtMs,
  };
}

/** A CPU-only on-demand offer for a dollar an hour; its id follows from its parts. */
export function anOffer(
  wanted: Omit<Partial<Offer>, 'id' | 'providerId'> & { readonly providerId?: string } = {},
): Offer {
  const providerId = asProviderId(wanted.providerId ?? 'acme');
  const base: Omit<Offer, 'id'> = {
    providerKind: 'neocloud',
    region: 'north',
    country: 'FI',
    instanceType: 'cpu-4',
    market: 'on-demand',
    gpu: null,
    cpus: 4,
    memoryGib: 16,
    diskGb: 100,
    interruptible: false,
    pricePerHour: usd(1),
    settlementToken: null,
    billing: { incrementMs: 1_000, minimumMs: 60_000 },
    egressPerGb: usd(0),
    startupMs: 30_000,
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
    providerId,
  };
  const { region, instanceType, market } = base;
  return { ...base, id: asOfferId(`${providerId}/${region}/${instanceType}/${market}`) };
}

/** A planned first attempt of a job that is due at once. */
export function anAttempt(
  wanted: Omit<Partial<Attempt>, 'id' | 'jobId'> & { readonly id: string; readonly jobId: string },
): Attempt {
  return {
    decisionId: asDecisionId('dec-example'),
    number: 1,
    role: 'solo',
    slot: 0,
    round: wanted.number ?? 1,
    offer: anOffer(),
    phase: 'planned',
    phaseSinceMs: BUILT_AT_MS,
    outcome: null,
    errorKind: null,
    errorText: null,
    abandonAs: null,
    leaving: null,
    externalId: null,
    unseenSinceMs: null,
    failedCalls: 0,
    billedFromMs: null,
    billedToMs: null,
    observedPricePerHour: null,
    noticeAtMs: null,
    maxLeaseMs: 24 * HOUR_MS,
    maxLeaseMeans: 'max-duration',
    report: NO_REPORT,
    createdAtMs: BUILT_AT_MS,
    revision: 0,
    dueAtMs: BUILT_AT_MS,
    ...wanted,
    id: asAttemptId(wanted.id),
    jobId: asJobId(wanted.jobId),
  };
}
