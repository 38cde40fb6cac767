import {
  asJobId,
  asOfferId,
  asProviderId,
  circumstances,
  MS_PER_HOUR,
  reliabilityOf,
  usd,
  ZERO_USD,
  type Circumstances,
  type DataClass,
  type JobFacts,
  type JobSpec,
  type MeasuredReliability,
  type Offer,
  type PolicyFacts,
  type PolicyTestGiven,
} from '#libs/domain';
const MS_PER_SECOND = 1_000;
const MS_PER_MINUTE = 60_000;
const BPS_PER_PERCENT = 100;
/** When a policy is asked that does not say when: a Friday at midnight, UTC. */
export const TEST_NOW = '2027-01-01T00:00:00.000Z';

/** What a policy test is about, as decisions see it. */
export interface TestSubject {
  readonly job: JobFacts;
  readonly offer: Offer;
  readonly around: Circumstances;
}

/** A job, an offer and what is around them, with neutral values where a test gives none. */
export function subjectOf(given: PolicyTestGiven): TestSubject {
  const offer = offerOf(given.offer ?? {});
  const nowMs = Date.parse(given.now ?? TEST_NOW);
  const assumed = reliabilityOf(offer, {});
  const known = given.health === undefined ? assumed : reliabilityFrom(given.health, assumed);
  return {
    job: jobOf(given.job ?? {}),
    offer,
    around: { ...circumstances(nowMs, {}), reliabilityOf: () => known },
  };
}

/** Reads facts by field; absent ones have the neutral value that is given. */
class Reader {
  constructor(private readonly facts: PolicyFacts) {}

  text(field: string, neutral = ''): string {
    const value = this.facts[field];
    return typeof value === 'string' ? value : neutral;
  }
  textOrNull(field: string): string | null {
    const value = this.text(field);
    return value === '' ? null : value;
  }
  number(field: string, neutral = 0): number {
    const value = this.facts[field];
    return typeof value === 'number' ? value : neutral;
  }
  /** Null for zero, which stands for absence. */
  numberOrNull(field: string, scale: number): number | null {
    const value = this.number(field);
    return value === 0 ? null : Math.round(value * scale);
  }
  moneyOrNull(field: string) {
    const value = this.number(field);
    return value === 0 ? null : usd(value);
  }
  truth(field: string, neutral = false): boolean {
    const value = this.facts[field];
    return typeof value === 'boolean' ? value : neutral;
  }
  list(field: string): readonly string[] {
    const value = this.facts[field];
    return Array.isArray(value) ? value : [];
  }
  has(field: string): boolean {
    return this.facts[field] !== undefined;
  }
}

function jobOf(facts: PolicyFacts): JobFacts {
  const given = new Reader(facts);
  const spec: JobSpec = {
    version: 'fairlead/v1',
    name: given.text('name', 'example'),
    project: given.text('project', 'example'),
    labels: (facts['labels'] ?? {}) as JobSpec['labels'],
    costCentre: given.textOrNull('costCentre'),
    purchaseOrder: given.textOrNull('purchaseOrder'),
    image: given.text('image', 'example/image:1'),
    command: [],
    env: {},
    secrets: {},
    workingDirectory: null,
    ...placesOf(given),
    resources: resourcesOf(given),
    workload: given.text('workload', 'general') as JobSpec['workload'],
    dataClass: classesOf(given)[0] ?? 'internal',
    compliance: given.list('compliance') as JobSpec['compliance'],
    residency: given.list('residency'),
    confidential: given.truth('confidential'),
    interruptible: given.truth('interruptible', true),
    checkpoint: checkpointOf(given),
    sla: {
      deadlineMs: deadlineOf(given),
      queueTimeoutMs: MS_PER_HOUR,
      maxDurationMs: MS_PER_HOUR,
      availabilityBps: given.numberOrNull('slaAvailability', BPS_PER_PERCENT),
      hedgedStart: 'never',
    },
    nodes: given.number('nodes', 1),
    replicas: given.has('replicas') ? { target: given.number('replicas'), extra: 0 } : null,
    durationEstimateMs: Math.round(given.number('durationHours', 1) * MS_PER_HOUR),
    budget: {
      maxPricePerHour: given.moneyOrNull('maxPricePerHour'),
      maxCost: given.moneyOrNull('maxCost'),
    },
    priority: given.number('priority', 50),
    retry: { on: [], limit: 0 },
    infra: { include: [], exclude: [] },
  };
  return { id: asJobId('job-example'), spec, deadlineAtMs: null, spent: ZERO_USD };
}

/** The class of the job as a whole, then those of its data. */
function classesOf(given: Reader): readonly DataClass[] {
  const all = given.list('dataClasses') as readonly DataClass[];
  const whole = given.textOrNull('dataClass') as DataClass | null;
  return whole === null ? all : [whole, ...all.filter((one) => one !== whole)];
}

function placesOf(given: Reader): Pick<JobSpec, 'inputs' | 'outputs'> {
  const [own = 'internal', ...others] = classesOf(given);
  const inGb = given.number('inputGb');
  const outGb = given.number('outputGb');
  const input = (dataClass: DataClass, index: number, sizeGb: number) => ({
    path: `input-${index}`,
    uri: 'https://example.com/',
    sizeGb,
    dataClass,
  });
  return {
    inputs: [
      ...(inGb > 0 ? [input(own, 0, inGb)] : []),
      ...others.map((dataClass, index) => input(dataClass, index + 1, 0)),
    ],
    outputs: outGb > 0 ? [{ path: 'output', sizeGb: outGb, dataClass: own }] : [],
  };
}

function resourcesOf(given: Reader): JobSpec['resources'] {
  const count = given.number('gpuCount');
  const models = given.list('gpuModels');
  const anyMemory = { min: 0, max: null };
  const named = models.map((model) => ({ model, count: Math.max(1, count), memoryGib: anyMemory }));
  return {
    gpus: named.length > 0 || count === 0 ? named : [{ model: null, count, memoryGib: anyMemory }],
    cpus: { min: 0, max: null },
    memoryGib: { min: 0, max: null },
    diskGb: 0,
    interconnect: given.text('interconnect', 'any') as JobSpec['resources']['interconnect'],
  };
}

function checkpointOf(given: Reader): JobSpec['checkpoint'] {
  const minutes = given.number('checkpointMinutes', given.truth('hasCheckpoint') ? 60 : 0);
  if (minutes === 0 || (given.has('hasCheckpoint') && !given.truth('hasCheckpoint'))) return null;
  return { path: 'checkpoint', intervalMs: Math.round(minutes * MS_PER_MINUTE), sizeGb: 1 };
}

function deadlineOf(given: Reader): number | null {
  const hours = given.number('deadlineHours', given.truth('hasDeadline') ? 24 : 0);
  return hours === 0 ? null : Math.round(hours * MS_PER_HOUR);
}

function offerOf(facts: PolicyFacts): Offer {
  const given = new Reader(facts);
  const providerId = asProviderId(given.text('provider', 'example'));
  const region = given.text('region', 'example');
  const market = given.text('market', 'on-demand') as Offer['market'];
  const instanceType = given.text('instanceType', 'example');
  const id = given.text('id', `${providerId}/${region}/${instanceType}/${market}`);
  return {
    id: asOfferId(id),
    providerId,
    providerKind: given.text('kind', 'neocloud') as Offer['providerKind'],
    region,
    country: given.textOrNull('country'),
    instanceType,
    market,
    gpu: gpuOf(given),
    cpus: given.number('cpus', 4),
    memoryGib: given.number('memoryGib', 16),
    diskGb: given.number('diskGb', 100),
    interruptible: given.truth('interruptible'),
    pricePerHour: usd(given.number('pricePerHour', 1)),
    settlementToken: given.textOrNull('token'),
    billing: {
      incrementMs: MS_PER_SECOND,
      minimumMs: Math.round(given.number('minimumMinutes') * MS_PER_MINUTE),
    },
    egressPerGb: usd(given.number('egressPerGb')),
    startupMs: Math.round(given.number('startupSeconds', 60) * MS_PER_SECOND),
    available: true,
    certifications: given.list('certifications') as Offer['certifications'],
    slaBps: given.numberOrNull('slaAvailability', BPS_PER_PERCENT),
    confidential: given.truth('confidential'),
    consumerHardware: given.truth('consumerHardware'),
    features: given.list('features'),
    hostedBy: given.textOrNull('hostedBy'),
    hostId: null,
    quantity: null,
  };
}

function gpuOf(given: Reader): Offer['gpu'] {
  const fields = ['gpuModel', 'gpuCount', 'gpuMemoryGib', 'interconnect'];
  if (!fields.some((field) => given.has(field))) return null;
  return {
    model: given.text('gpuModel', 'H100'),
    count: given.number('gpuCount', 1),
    memoryGib: given.number('gpuMemoryGib', 80),
    interconnect: given.text('interconnect', 'any') as NonNullable<Offer['gpu']>['interconnect'],
  };
}

function reliabilityFrom(facts: PolicyFacts, assumed: MeasuredReliability): MeasuredReliability {
  const given = new Reader(facts);
  const calmest = given.has('calmHour')
    ? -Math.log(Math.max(1e-9, given.number('calmHour') / 100))
    : null;
  const p99 = given.number('startupSecondsP99') * MS_PER_SECOND;
  const isMeasured = given.truth(
    'measured',
    given.has('measuredHours') || given.has('measuredStarts'),
  );
  return {
    ...assumed,
    interruptionsPerHour: given.number(
      'interruptionsPerHour',
      calmest ?? assumed.interruptionsPerHour,
    ),
    startFailureChance: given.number('startFailureChance', assumed.startFailureChance),
    refusalChance: given.number('refusalChance', assumed.refusalChance),
    lieChance: given.number('lieChance', assumed.lieChance),
    startupMs: given.number('startupSeconds', assumed.startupMs / MS_PER_SECOND) * MS_PER_SECOND,
    startupP99Ms: p99 === 0 ? assumed.startupP99Ms : p99,
    recoveryWaitMs:
      given.number('recoveryWaitSeconds', assumed.recoveryWaitMs / MS_PER_SECOND) * MS_PER_SECOND,
    measured: {
      hours: given.number('measuredHours', isMeasured ? 1 : 0),
      starts: given.number('measuredStarts'),
    },
  };
}
