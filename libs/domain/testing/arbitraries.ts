import fc from 'fast-check';
import type { CommitmentState } from '../commitment';
import type { PricingInput } from '../pricing';
import type { DecisionInput } from '../decision';
import type { FxSnapshot } from '../fx';
import { asJobId, asOfferId, asProviderId, type OfferId } from '../ids';
import {
  complianceRegimes,
  dataClasses,
  interconnects,
  workloadClasses,
  type Interconnect,
  type JobFacts,
  type JobSpec,
  type Range,
} from '../job';
import { microUsd, type MicroUsd } from '../money';
import { markets, providerKinds, type Offer } from '../offer';
import type { CompiledPolicy, CompiledRule } from '../policy';
import type { Suspension } from '../suspension';
import { knowledge } from './health';

const HOUR_MS = 3_600_000;
export const NOW_MS = 1_800_000_000_000;

export const money = (max: number): fc.Arbitrary<MicroUsd> =>
  fc.integer({ min: 0, max }).map(microUsd);
const gb = fc.double({ min: 0, max: 5_000, noNaN: true });
const models = ['H100', 'A100-80GB', 'A100-40GB', 'RTX4090'] as const;
/** Wishes are rare, so that most jobs have candidates. */
const seldom = <T>(usual: T, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });

const countries = ['US', 'DE', 'FI'] as const;
const regimes = fc.subarray([...complianceRegimes], { maxLength: 3 });
/** Mostly a few hours, now and then anything up to a century. */
const spanMs = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 60_000, max: 200 * HOUR_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 876_000 * HOUR_MS }) },
);

const offer: fc.Arbitrary<Omit<Offer, 'id'>> = fc.record({
  providerId: fc.constantFrom('aws', 'akash', 'nimbus').map(asProviderId),
  providerKind: fc.constantFrom(...providerKinds),
  region: fc.constantFrom('us-east-1', 'us-west-2', 'de'),
  country: fc.constantFrom(...countries, null),
  instanceType: fc.constant('shape'),
  market: fc.constantFrom(...markets),
  gpu: fc.option(
    fc.record({
      model: fc.constantFrom(...models),
      count: fc.constantFrom(1, 2, 8),
      memoryGib: fc.constantFrom(24, 40, 80),
      interconnect: fc.constantFrom(...interconnects),
    }),
    { freq: 8 },
  ),
  cpus: fc.integer({ min: 1, max: 64 }),
  memoryGib: fc.integer({ min: 4, max: 512 }),
  diskGb: fc.integer({ min: 10, max: 2_000 }),
  interruptible: fc.boolean(),
  pricePerHour: fc.oneof(money(20_000_000), money(100_000_000_000)),
  settlementToken: fc.constantFrom(null, 'TOKEN'),
  billing: fc.record({
    incrementMs: fc.constantFrom(1, 1_000, 60_000, HOUR_MS),
    minimumMs: fc.constantFrom(0, 60_000, HOUR_MS),
  }),
  egressPerGb: money(200_000),
  startupMs: fc.integer({ min: 0, max: 1_800_000 }),
  available: seldom(true, fc.constant(false)),
  certifications: regimes,
  slaBps: fc.constantFrom(null, 9_900, 9_950, 9_999),
  confidential: fc.boolean(),
  consumerHardware: fc.boolean(),
  features: fc.constant([]),
  hostedBy: fc.constantFrom(null, 'elsewhere'),
  hostId: fc.constant(null),
  quantity: fc.constantFrom(null, 4),
});

/** Offers with ids of their own, as a book has them. */
export const offers: fc.Arbitrary<readonly Offer[]> = fc
  .array(offer, { maxLength: 12 })
  .map((all) => all.map((one, index) => ({ ...one, id: asOfferId(`offer-${index}`) })));

const location = fc.constantFrom(null, 'aws/us-east-1', 'nimbus/de', 'DE', 'us-west-2');

/** Jobs that most offers could serve but for one or two wishes. */
export const spec: fc.Arbitrary<JobSpec> = fc.record({
  version: fc.constant('fairlead/v1' as const),
  name: fc.constant('job'),
  project: fc.constant('research'),
  labels: fc.constant({}),
  costCentre: fc.constant(null),
  purchaseOrder: fc.constant(null),
  image: fc.constant('image'),
  command: fc.constant([]),
  env: fc.constant({}),
  secrets: fc.constant({}),
  workingDirectory: fc.constant(null),
  inputs: fc.array(
    fc.record({
      path: fc.constant('in'),
      uri: fc.constant('https://example.com/in'),
      sizeGb: gb,
      dataClass: fc.constant('public' as const),
      location,
    }),
    { maxLength: 1 },
  ),
  outputs: fc.array(
    fc.record({
      path: fc.constant('out'),
      sizeGb: gb,
      dataClass: fc.constantFrom(...dataClasses),
      location,
    }),
    { maxLength: 2 },
  ),
  resources: fc.record({
    gpus: fc.constantFrom(
      [],
      [{ model: null, count: 1, memoryGib: { min: 16, max: null } }],
      [
        { model: 'H100', count: 1, memoryGib: { min: 0, max: null } },
        { model: 'A100', count: 2, memoryGib: { min: 0, max: null } },
      ],
    ),
    cpus: seldom<Range>({ min: 0, max: null }, fc.constant({ min: 4, max: 48 })),
    memoryGib: seldom<Range>({ min: 0, max: null }, fc.constant({ min: 16, max: 256 })),
    diskGb: seldom(0, fc.constant(100)),
    interconnect: seldom<Interconnect>('any', fc.constant('nvlink')),
  }),
  workload: fc.constantFrom(...workloadClasses),
  dataClass: fc.constantFrom(...dataClasses),
  compliance: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: regimes },
  ),
  residency: seldom([], fc.subarray([...countries])),
  confidential: seldom(false, fc.constant(true)),
  interruptible: seldom(true, fc.constant(false)),
  checkpoint: fc.option(
    fc.record({
      path: fc.constant('checkpoint'),
      intervalMs: fc.integer({ min: 1_000, max: 10 * HOUR_MS }),
      sizeGb: gb,
      auto: fc.boolean(),
    }),
  ),
  sla: fc.record({
    deadlineMs: seldom<number | null>(null, spanMs),
    queueTimeoutMs: fc.constant(HOUR_MS),
    maxDurationMs: fc.constant(HOUR_MS),
    availabilityBps: seldom<number | null>(null, fc.constant(9_950)),
    hedgedStart: fc.constant('never' as const),
  }),
  nodes: fc.constant(1),
  replicas: fc.constant(null),
  durationEstimateMs: spanMs,
  budget: fc.record({
    maxPricePerHour: seldom<MicroUsd | null>(null, money(20_000_000)),
    maxCost: seldom<MicroUsd | null>(null, money(1_000_000_000)),
  }),
  priority: fc.constant(50),
  retry: fc.constant({ on: [], limit: 0 }),
  infra: fc.record({
    include: seldom<readonly string[]>([], fc.constant(['aws/us-*', 'akash'])),
    exclude: seldom<readonly string[]>([], fc.constant(['nimbus'])),
  }),
});

export const JOB_ID = asJobId('job-1');

export function factsOf(from: JobSpec, spent: MicroUsd): JobFacts {
  const { deadlineMs } = from.sla;
  const deadlineAtMs = deadlineMs === null ? null : NOW_MS + deadlineMs;
  return { id: JOB_ID, spec: from, deadlineAtMs, spent };
}

export const suspension: fc.Arbitrary<Suspension> = fc
  .record({
    target: fc.constantFrom(
      { scope: 'offer', key: 'offer-0' } as const,
      { scope: 'offer-for-job', key: 'offer-1' } as const,
      { scope: 'provider-region', key: 'aws/us-east-1' } as const,
      { scope: 'provider', key: 'akash' } as const,
    ),
    jobId: fc.constantFrom(JOB_ID, asJobId('job-2')),
    from: fc.integer({ min: -HOUR_MS, max: HOUR_MS }),
    forMs: fc.integer({ min: 1, max: 2 * HOUR_MS }),
    reason: fc.constantFrom('no-capacity', 'price-moved'),
  })
  .map(({ target, jobId, from, forMs, reason }) => ({
    ...target,
    jobId: target.scope === 'offer-for-job' ? jobId : null,
    fromMs: NOW_MS + from,
    untilMs: NOW_MS + from + forMs,
    reason,
  }));

/** Rules as a compiler would give them, over facts that vary. None looks at the price. */
export const rules: readonly CompiledRule[] = [
  rule('confidential', 'require', (_job, { confidential }) => confidential),
  rule('consumer', 'forbid', (_job, { consumerHardware }) => consumerHardware),
  rule('place', 'require', (_job, { country }) => country !== null),
  rule('kind', 'forbid', ({ spec: { workload } }, { providerKind }) =>
    workload === 'training' ? providerKind === 'decentralised' : false,
  ),
];

function rule(
  name: string,
  effect: CompiledRule['effect'],
  holds: CompiledRule['holds'],
): CompiledRule {
  const applies: CompiledRule['applies'] = ({ spec: { priority } }) => priority === 50;
  return { id: `test/${name}`, because: name, effect, applies, holds };
}

const preferences = fc.record({
  waitingCostPerHour: money(100_000_000),
  latenessCost: money(100_000_000_000),
  latenessToleranceBps: fc.integer({ min: 0, max: 10_000 }),
  tokenRiskBps: fc.integer({ min: 0, max: 20_000 }),
  verificationBps: fc.integer({ min: 0, max: 20_000 }),
});

export const policy: fc.Arbitrary<CompiledPolicy> = fc
  .record({ chosen: fc.subarray([...rules], { maxLength: 1 }), preferences })
  .map(({ chosen, preferences: rates }) => ({
    version: 'test@1',
    rules: chosen,
    preferences: Object.fromEntries(workloadClasses.map((workload) => [workload, rates])),
  }));

const factor = fc.integer({ min: 50, max: 200 }).map((percent) => percent / 100);

/** A contract that is in force, about all of a provider or one region of it. */
const commitment: fc.Arbitrary<CommitmentState> = fc
  .record({
    providerId: fc.constantFrom('aws', 'akash').map(asProviderId),
    region: fc.constantFrom(null, 'us-east-1'),
    quantity: fc.oneof(
      fc.record({
        kind: fc.constant('capacity' as const),
        machines: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ kind: fc.constant('hours' as const), leaseMs: spanMs }),
      fc.record({ kind: fc.constant('amount' as const), listCost: money(100_000_000_000) }),
    ),
    usedMs: spanMs,
    usedListCost: money(1_000_000_000),
    drawing: fc.integer({ min: 0, max: 9 }),
    forMs: spanMs,
  })
  .map(({ forMs, ...rest }) => ({
    ...rest,
    name: 'contract',
    instanceType: null,
    gpuModel: null,
    fromMs: NOW_MS - HOUR_MS,
    untilMs: NOW_MS + forMs,
    grantedMs: 0,
    grantedListCost: microUsd(0),
  }));

const pricing: fc.Arbitrary<PricingInput> = fc.record({
  fx: fc.option(fc.double({ min: 0, max: 0.5, noNaN: true })).map((sigmaDaily): FxSnapshot => ({
    TOKEN: { usdMicro: microUsd(500_000), readAtMs: NOW_MS, sigmaDaily, sources: ['a', 'b'] },
  })),
  egressPerGb: fc.dictionary(fc.constantFrom('aws', 'akash', 'nimbus'), money(200_000)),
  calibration: fc.dictionary(
    fc.constantFrom('aws/spot', 'akash/marketplace', 'nimbus/on-demand'),
    fc.record({ interruption: factor, startUp: factor, waiting: factor }),
  ),
  commitments: fc.array(commitment, { maxLength: 2 }),
});

export const input: fc.Arbitrary<DecisionInput> = fc
  .record({
    pricing,
    spec,
    spent: money(1_000_000),
    policy,
    offers,
    health: fc.dictionary(
      fc.constantFrom('aws/spot', 'aws/on-demand', 'akash/marketplace', 'nimbus/on-demand'),
      knowledge,
    ),
    suspensions: fc.array(suspension, { maxLength: 3 }),
  })
  .map(({ spec: one, spent, ...rest }) => ({ ...rest, job: factsOf(one, spent), nowMs: NOW_MS }));

/** The ids of the candidates, best first. */
export const idsOf = (ranked: readonly { readonly offer: Offer }[]): readonly OfferId[] =>
  ranked.map(({ offer: { id } }) => id);
