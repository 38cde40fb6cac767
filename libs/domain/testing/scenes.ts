import fc from 'fast-check';
import type { CommitmentState } from '../commitment';
import type { PricingInput } from '../pricing';
import type { DecisionInput } from '../decision';
import { asOfferId, asProviderId } from '../ids';
import type { JobFacts } from '../job';
import type { DecisionScene } from '../judge';
import { microUsd, usd } from '../money';
import { markets, type Offer } from '../offer';
import type {
  CompiledCharge,
  CompiledLimit,
  CompiledPolicy,
  CompiledRule,
  FieldsRead,
  Holds,
  LimitUsage,
  Vocabulary,
} from '../policy';
import type { Suspension } from '../suspension';
import { input, NOW_MS, offers, policy } from './arbitraries';
import { knowledge } from './health';

const HOUR_MS = 3_600_000;
const hosts = ['host-1', 'host-2'] as const;

/** A book in which many offers have something in common, prices above all. */
export const book: fc.Arbitrary<readonly Offer[]> = fc
  .array(
    fc.record({
      like: fc.nat({ max: 11 }),
      pricePerHour: fc.constantFrom(null, usd(0), usd(1), usd(1.000001), usd(2), usd(400)),
      available: fc.constantFrom(null, true, false),
      hostId: fc.constantFrom(null, null, ...hosts),
      source: fc.constantFrom(undefined, undefined, 'feed', 'list@2026-07-20'),
      region: fc.constantFrom(null, 'us-east-1', 'eu/north'),
    }),
    { maxLength: 60 },
  )
  .chain((wanted) =>
    offers.map((kinds) =>
      wanted.flatMap(({ like, pricePerHour, available, region, source, hostId }, n) => {
        const kind = kinds[like % Math.max(1, kinds.length)];
        if (kind === undefined) return [];
        const offer: Offer = {
          ...kind,
          id: asOfferId(`offer-${(n * 37) % 61}`),
          hostId,
          pricePerHour: pricePerHour ?? kind.pricePerHour,
          available: available ?? kind.available,
          region: region ?? kind.region,
        };
        return [source === undefined ? offer : { ...offer, source }];
      }),
    ),
  );

const reads = (...fields: readonly string[]): FieldsRead => new Set(fields);

/** The questions of the policies below, each with what it says of what it reads. */
const questions: readonly { readonly holds: Holds; readonly reads?: FieldsRead }[] = [
  { holds: (_job, { confidential }) => confidential, reads: reads('offer.confidential') },
  { holds: (_job, { country }) => country !== 'US', reads: reads('offer.country') },
  {
    holds: (_job, { gpu, region }) => gpu === null || region.startsWith('us'),
    reads: reads('offer.gpu', 'offer.region'),
  },
  {
    holds: ({ spec }, { market }) => spec.workload === 'training' && market === 'spot',
    reads: reads('job.workload', 'offer.market'),
  },
  {
    holds: ({ spec }, { pricePerHour }) => pricePerHour % 2 === spec.priority % 2,
    reads: reads('job.priority', 'offer.pricePerHour'),
  },
  {
    holds: (_job, offer, { reliabilityOf }) => reliabilityOf(offer).interruptionsPerHour < 0.03,
    reads: reads('health.interruptionsPerHour'),
  },
  {
    holds: (_job, offer, { reliabilityOf }) =>
      offer.region === 'de' || reliabilityOf(offer).measured.starts > 0,
    reads: reads('health.measured', 'offer.region'),
  },
  { holds: (_job, { id }) => id.endsWith('3'), reads: reads('offer.id') },
  { holds: (_job, _offer, { nowMs }) => nowMs % 2 === 0, reads: reads('now.epochHours') },
  { holds: (_job, { slaBps }) => slaBps !== null },
];

const vocabulary: Vocabulary = {
  offerFields: (all) =>
    [...all].flatMap((name) => {
      const [variable, field] = name.split('.');
      return variable === 'offer' ? [field as keyof Offer] : [];
    }),
  subjectKey: (all, { spec }, nowMs) =>
    JSON.stringify([
      all.has('job.workload') ? spec.workload : '',
      all.has('job.priority') ? spec.priority : '',
      all.has('now.epochHours') ? nowMs : '',
    ]),
};

const asked = fc.constantFrom(...questions);

const rule: fc.Arbitrary<Omit<CompiledRule, 'id'>> = fc
  .record({ question: asked, effect: fc.constantFrom('require' as const, 'forbid' as const) })
  .map(({ question, effect }) => ({
    because: 'because',
    effect,
    applies: ({ spec }: JobFacts) => effect === 'require' || spec.workload !== 'rendering',
    whenReads: reads('job.workload'),
    ...question,
  }));

const charge: fc.Arbitrary<CompiledCharge> = fc
  .record({ question: asked, perHour: fc.constantFrom(usd(0.1), usd(30)) })
  .map(({ question, perHour }) => ({ id: 'test/charge', perHour, ...question }));

const limit: fc.Arbitrary<Omit<CompiledLimit, 'id'>> = fc
  .record({
    question: asked,
    maxima: fc.record(
      {
        maxPricePerHour: fc.constantFrom(usd(1), usd(5)),
        maxGpus: fc.constantFrom(1, 4, 16),
        maxJobs: fc.constantFrom(1, 3),
        maxTokenSpendPerHour: fc.constantFrom(usd(1), usd(10)),
        maxTokenShareBps: fc.constantFrom(0, 2_000, 9_000),
        tokenAllowancePerHour: fc.constantFrom(usd(0.5), usd(3)),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ question: { holds, ...rest }, maxima }) => ({
    because: 'because',
    applies: ({ spec }: JobFacts) => spec.workload !== 'training',
    covers: holds,
    maxima,
    ...rest,
  }));

const profiles: fc.Arbitrary<CompiledPolicy['profiles']> = fc
  .record({
    interruptible: fc.constantFrom(
      'allowed' as const,
      'with-checkpoint' as const,
      'never' as const,
    ),
    minReliabilityBps: fc.constantFrom(undefined, 9_000, 9_990),
  })
  .map((profile) =>
    (['general', 'training', 'rendering', 'inference'] as const).map((workload) => ({
      id: `test/profiles/${workload}`,
      workload,
      applies: () => true,
      profile,
    })),
  );

/** Policies that use everything that policies can. */
export const richPolicy: fc.Arbitrary<CompiledPolicy> = fc
  .record({
    plain: policy,
    rules: fc.array(rule, { maxLength: 5 }),
    charges: fc.array(charge, { maxLength: 2 }),
    limits: fc.array(limit, { maxLength: 2 }),
    profiles: fc.option(profiles, { nil: [] }),
    isKnown: fc.constantFrom(true, true, false),
  })
  .map(({ plain, rules, charges, limits, profiles: known, isKnown }) => ({
    ...plain,
    rules: [
      ...rules.map((one, n) => ({ ...one, id: `test/rule-${n}` })),
      ...plain.rules.map((one) => ({
        ...one,
        reads: reads('offer'),
        whenReads: reads('job.priority'),
      })),
    ],
    prefer: [{ id: 'test/charge', applies: () => true, rates: {}, charges }],
    limits: limits.map((one, n) => ({ ...one, id: `test/limit-${n}` })),
    profiles: known ?? [],
    ...(isKnown ? { vocabulary: { ...vocabulary, offerFields: fieldsUnlessAll } } : {}),
  }));

function fieldsUnlessAll(all: FieldsRead): readonly (keyof Offer)[] | null {
  return all.has('offer') ? null : vocabulary.offerFields(all);
}

const usage: fc.Arbitrary<LimitUsage> = fc.record({
  jobs: fc.nat({ max: 3 }),
  gpus: fc.nat({ max: 8 }),
  spendPerHour: fc.integer({ min: 5_000_000, max: 20_000_000 }).map(microUsd),
  tokenSpendPerHour: fc.integer({ min: 0, max: 5_000_000 }).map(microUsd),
});

const commitment: fc.Arbitrary<CommitmentState> = fc
  .record({
    providerId: fc.constantFrom('aws', 'akash').map(asProviderId),
    region: fc.constantFrom(null, 'us-east-1'),
    gpuModel: fc.constantFrom(null, 'H100'),
    quantity: fc.constantFrom<CommitmentState['quantity']>(
      { kind: 'capacity', machines: 2 },
      { kind: 'hours', leaseMs: 3 * HOUR_MS },
      { kind: 'amount', listCost: usd(20) },
    ),
    drawing: fc.nat({ max: 2 }),
    name: fc.constantFrom('one', 'two'),
  })
  .map((one) => ({
    ...one,
    instanceType: null,
    fromMs: NOW_MS - HOUR_MS,
    untilMs: NOW_MS + 90 * HOUR_MS,
    usedMs: 0,
    usedListCost: usd(0),
    grantedMs: 0,
    grantedListCost: usd(0),
  }));

const pricing: fc.Arbitrary<PricingInput> = fc.record({
  fx: fc.constantFrom({}, { TOKEN: { usdMicro: 1, sigmaDaily: 0.05 } as never }),
  egressPerGb: fc.constantFrom({}, { aws: usd(0.09) }),
  calibration: fc.constantFrom({}, { 'aws/spot': { interruption: 1.5, startUp: 0.7, waiting: 2 } }),
  commitments: fc.array(commitment, { maxLength: 2 }),
});

const places = ['aws/us-east-1', 'akash/de', 'nimbus/eu/north'] as const;
const levels = [
  'aws',
  'aws/spot',
  'akash/marketplace',
  ...places.flatMap((place) => {
    const [provider, ...region] = place.split('/');
    return markets.flatMap((market) => {
      const key = `${provider}/${market}/${region.join('/')}`;
      return [key, `${key}/cpu`, `${key}/H100x1`, `${key}/H100x8`, `${key}/H100x1/host-1`];
    });
  }),
];

const suspension: fc.Arbitrary<Suspension> = fc
  .record({
    target: fc.constantFrom<Pick<Suspension, 'scope' | 'key'>>(
      { scope: 'host', key: 'aws/host-1' },
      { scope: 'host', key: 'akash/host-2' },
      { scope: 'provider-region', key: 'nimbus/eu/north' },
      { scope: 'provider', key: 'aws' },
      { scope: 'offer-for-job', key: 'offer-0' },
      { scope: 'offer', key: 'offer-37' },
    ),
    forMs: fc.integer({ min: 1, max: 5 }).map((hours) => hours * HOUR_MS),
  })
  .chain(({ target, forMs }) =>
    input.map(({ job }) => ({
      ...target,
      jobId: target.scope === 'offer-for-job' ? job.id : null,
      fromMs: NOW_MS - 1,
      untilMs: NOW_MS + forMs,
      reason: 'no-capacity',
    })),
  );

const located = fc.constantFrom(null, undefined, 'US', 'aws/us-east-1', 'us-east-1');

/** Everything that a decision can be made from, seldom empty. */
export const scene: fc.Arbitrary<DecisionScene> = fc
  .record({
    plain: input,
    policy: richPolicy,
    usage: fc.option(fc.dictionary(fc.constantFrom('test/limit-0', 'test/limit-1'), usage)),
    pricing: fc.option(pricing),
    readAgoMs: fc.option(fc.constantFrom(0, 2 * HOUR_MS)),
    health: fc.option(fc.dictionary(fc.constantFrom(...levels), knowledge)),
    suspensions: fc.array(suspension, { maxLength: 2 }),
    location: located,
    inputGb: fc.constantFrom(0, 0, 100),
    nodes: fc.constantFrom(1, 1, 4),
    baseline: fc.constantFrom(null, null, usd(3)),
  })
  .map(({ plain, policy: rich, readAgoMs, ...rest }) => {
    const { offers: _, ...around } = plain;
    const { spec } = plain.job;
    const inputs =
      rest.inputGb === 0
        ? []
        : [{ path: 'in', uri: 'https://x', sizeGb: rest.inputGb, dataClass: 'public' as const }];
    const job: JobFacts = {
      ...plain.job,
      spec: {
        ...spec,
        nodes: rest.nodes,
        inputs: inputs.map((one) => ({ ...one, ...locatedAt(rest.location) })),
        outputs: spec.outputs.map((one) => ({ ...one, ...locatedAt(rest.location) })),
      },
      ...(rest.baseline === null
        ? {}
        : {
            baseline: {
              offerId: asOfferId('offer-x'),
              pricePerHour: rest.baseline,
              billing: { incrementMs: 1_000, minimumMs: 60_000 },
            },
          }),
    };
    const made: DecisionScene = {
      ...around,
      job,
      policy: rich,
      suspensions: [...plain.suspensions, ...rest.suspensions],
      health: rest.health ?? plain.health,
      ...(rest.usage === null ? {} : { usage: rest.usage }),
      ...(rest.pricing === null ? {} : { pricing: rest.pricing }),
      ...(readAgoMs === null
        ? {}
        : {
            feeds: {
              feed: { readAtMs: NOW_MS - readAgoMs, staleAfterMs: HOUR_MS },
              'listing/akash': { readAtMs: NOW_MS - readAgoMs, staleAfterMs: HOUR_MS },
            },
          }),
    };
    return made;
  });

function locatedAt(location: string | null | undefined): { readonly location?: string | null } {
  return location === undefined ? {} : { location };
}

/** The scene with the offers that it is about, as the definition takes them. */
export function withOffers(one: DecisionScene, all: readonly Offer[]): DecisionInput {
  return { ...one, offers: all };
}
