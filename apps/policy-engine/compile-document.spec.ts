import fc from 'fast-check';
import {
  chargedPerHour,
  chargesFor,
  decide,
  limitsFor,
  preferencesFor,
  profileFor,
  usd,
  type CompiledPolicy,
  type Decision,
  type DecisionInput,
  type PolicyDocument,
  type PolicyFacts,
} from '#libs/domain';
import { fakeOffers } from '#libs/testkit';
import { builtinPolicies } from './builtin/builtin-policies';
import { subjectOf } from './policy-test-facts';
import { aPolicy, compiledOf, rulesOf } from './testing/policies';

const FRIDAY_NOON = '2027-01-01T12:00:00.000Z';

const asked = (job: PolicyFacts = {}, offer: PolicyFacts = {}, now = FRIDAY_NOON) =>
  subjectOf({ job, offer, now });

/** The ids of the rules that refuse. */
const refusing = (policy: CompiledPolicy, subject = asked()): readonly string[] =>
  policy.rules
    .filter(
      (rule) =>
        rule.applies(subject.job, subject.around.nowMs) &&
        rule.holds(subject.job, subject.offer, subject.around) !== (rule.effect === 'require'),
    )
    .map(({ id }) => id);

const ratesOf = (policy: CompiledPolicy, { job, around } = asked()) =>
  preferencesFor(policy, job, around.nowMs);

describe('a rule with several clauses', () => {
  const rules = rulesOf({
    require: ['offer.confidential', 'offer.gpuCount >= 2.0'],
    forbid: ['offer.interruptible', 'offer.country == "XX"'],
  });
  const policy = compiledOf(aPolicy({ rules }));
  const good: PolicyFacts = { confidential: true, gpuCount: 4 };

  it.each<[string, PolicyFacts, boolean]>([
    ['all requirements hold, nothing forbidden does', good, false],
    ['one requirement fails', { ...good, confidential: false }, true],
    ['another requirement fails', { ...good, gpuCount: 1 }, true],
    ['one of the forbidden holds', { ...good, interruptible: true }, true],
    ['another of the forbidden holds', { ...good, country: 'XX' }, true],
  ])('%s', (_reason, offer, isRefused) => {
    expect(refusing(policy, asked({}, offer))).toEqual(isRefused ? ['acme/r0'] : []);
  });

  it('refuses when a clause cannot be asked', () => {
    const failing = rulesOf({ require: ['true', 'job.labels["x"] == "y"'] });
    const forbidding = rulesOf({ forbid: ['false', 'job.labels["x"] == "y"'] });
    expect(refusing(compiledOf(aPolicy({ rules: failing })))).toEqual(['acme/r0']);
    expect(refusing(compiledOf(aPolicy({ rules: forbidding })))).toEqual(['acme/r0']);
  });

  it('says what it depends on', () => {
    const [rule] = compiledOf(
      aPolicy({
        scope: { projects: ['vision'] },
        rules: rulesOf({
          when: 'job.workload == "training" && now.hour > 8.0',
          require: 'job.compliance.all(c, c in offer.certifications) && health.measured',
          forbid: 'provider.kind == "decentralised"',
        }),
      }),
    ).rules;
    expect([...(rule?.reads ?? [])].sort()).toEqual([
      'health.measured',
      'job.compliance',
      'offer.certifications',
      'provider.kind',
    ]);
    expect([...(rule?.whenReads ?? [])].sort()).toEqual([
      'job.project',
      'job.workload',
      'now.hour',
    ]);
  });
});

describe('health and time', () => {
  it('let a rule follow what is measured', () => {
    const rules = rulesOf({ forbid: 'health.measured && health.interruptionsPerHour > 0.1' });
    const policy = compiledOf(aPolicy({ rules }));
    const shaky = { interruptionsPerHour: 0.5, measured: true };
    expect(refusing(policy, subjectOf({ health: shaky }))).toEqual(['acme/r0']);
    expect(refusing(policy, subjectOf({ health: { ...shaky, measured: false } }))).toEqual([]);
    expect(refusing(policy, subjectOf({}))).toEqual([]);
  });

  it('let a rule hold at some hours only', () => {
    const rules = rulesOf({ when: 'now.weekday == "friday" && now.hour >= 12.0', forbid: 'true' });
    const policy = compiledOf(aPolicy({ rules }));
    expect(refusing(policy, asked({}, {}, FRIDAY_NOON))).toEqual(['acme/r0']);
    expect(refusing(policy, asked({}, {}, '2027-01-01T11:59:59.999Z'))).toEqual([]);
    expect(refusing(policy, asked({}, {}, '2027-01-02T12:00:00.000Z'))).toEqual([]);
  });
});

describe('scope and period', () => {
  const rules = rulesOf({ forbid: 'true' });

  it.each([
    ['research', true],
    ['research-eu', true],
    ['vision', true],
    ['visions', false],
    ['marketing', false],
  ])('for the project %s: %s', (project, isAbout) => {
    const policy = compiledOf(aPolicy({ scope: { projects: ['research*', 'vision'] }, rules }));
    expect(refusing(policy, asked({ project }))).toEqual(isAbout ? ['acme/r0'] : []);
  });

  it.each([
    ['2026-12-31T23:59:59.999Z', false],
    ['2027-01-01T00:00:00.000Z', true],
    ['2027-01-31T23:59:59.999Z', true],
    ['2027-02-01T00:00:00.000Z', false],
  ])('at %s: %s', (now, isInForce) => {
    const effective = { from: '2027-01-01T00:00:00.000Z', until: '2027-02-01T00:00:00.000Z' };
    const policy = compiledOf(aPolicy({ effective, rules }));
    expect(refusing(policy, asked({}, {}, now))).toEqual(isInForce ? ['acme/r0'] : []);
  });

  it('hold for limits, profiles and rates as well', () => {
    const policy = compiledOf(
      aPolicy({
        scope: { projects: ['vision'] },
        preferences: { general: { latenessCost: usd(7) } },
        limits: [{ id: 'l', maxJobs: 1, because: 'so' }],
        profiles: { general: { interruptible: 'never' } },
      }),
    );
    const [mine, other] = [asked({ project: 'vision' }), asked({ project: 'other' })];
    expect(ratesOf(policy, mine).latenessCost).toBe(usd(7));
    expect(ratesOf(policy, other).latenessCost).toBe(usd(50));
    expect(limitsFor(policy, mine.job, 0)).toHaveLength(1);
    expect(limitsFor(policy, other.job, 0)).toHaveLength(0);
    expect(profileFor(policy, mine.job, 0).interruptible?.id).toBe('acme/profiles/general');
    expect(profileFor(policy, other.job, 0).interruptible).toBeNull();
  });
});

describe('which exchange rate holds', () => {
  const worth = (dollars: number) => ({ general: { waitingCostPerHour: usd(dollars) } });

  it('is that of the higher priority, whatever the names and the order', () => {
    const low = aPolicy({ name: 'z', priority: 1, preferences: worth(1) });
    const high = aPolicy({ name: 'a', priority: 2, preferences: worth(2) });
    for (const documents of [
      [low, high],
      [high, low],
    ])
      expect(ratesOf(compiledOf(...documents)).waitingCostPerHour).toBe(usd(2));
  });

  it('is never that of a shipped policy where another speaks', () => {
    const shipped = aPolicy({ name: 'builtin-x', priority: 1_000, preferences: worth(9) });
    const own = aPolicy({ priority: -1_000, preferences: worth(3) });
    expect(ratesOf(compiledOf(shipped, own)).waitingCostPerHour).toBe(usd(3));
  });

  it('is, within a document, the conditional one before that of the class before that of the profile', () => {
    const profiles = { general: { latenessToleranceBps: 1 } };
    const preferences = { general: { latenessToleranceBps: 2 } };
    const prefer = [{ id: 'a', when: 'job.priority > 90.0', rates: { latenessToleranceBps: 3 } }];
    const policy = compiledOf(aPolicy({ profiles, preferences, prefer }));
    expect(ratesOf(compiledOf(aPolicy({ profiles }))).latenessToleranceBps).toBe(1);
    expect(ratesOf(policy).latenessToleranceBps).toBe(2);
    expect(ratesOf(policy, asked({ priority: 95 })).latenessToleranceBps).toBe(3);
  });

  it('is taken field by field, a condition of low precedence not hiding what overrules it', () => {
    const first = aPolicy({
      name: 'a',
      prefer: [{ id: 'p', rates: { waitingCostPerHour: usd(1), latenessCost: usd(1) } }],
    });
    const second = aPolicy({ name: 'b', preferences: worth(2) });
    const rates = ratesOf(compiledOf(first, second));
    expect(rates).toMatchObject({ waitingCostPerHour: usd(2), latenessCost: usd(1) });
  });
});

describe('premiums and discounts', () => {
  const certified = 'size(offer.certifications) > 0';
  const policy = compiledOf(
    aPolicy({
      prefer: [
        { id: 'dear', premium: { offers: 'provider.kind == "decentralised"', perHour: usd(0.2) } },
        {
          id: 'certified',
          when: 'job.priority >= 50.0',
          discount: { offers: certified, perHour: usd(0.5) },
        },
      ],
    }),
  );
  const charged = (offer: PolicyFacts, job: PolicyFacts = {}) => {
    const subject = asked(job, offer);
    const charges = chargesFor(policy, subject.job, subject.around.nowMs);
    return chargedPerHour(subject.offer, subject.job, charges, subject.around);
  };

  it.each<[string, PolicyFacts, number]>([
    ['a certified offer carries nothing', { certifications: ['soc2'] }, 0],
    ['others carry the discount that they do not get', {}, 0.5],
    ['charges add up', { kind: 'decentralised' }, 0.7],
    ['a premium alone', { kind: 'decentralised', certifications: ['soc2'] }, 0.2],
  ])('%s', (_reason, offer, dollars) => {
    expect(charged(offer)).toBe(usd(dollars));
  });

  it('hold under their condition', () => {
    expect(charged({}, { priority: 10 })).toBe(0);
  });

  it('weigh in the ranking as a term of their own, for the hours of work', () => {
    const dear = subjectOf({ offer: { id: 'dear', certifications: ['soc2'], pricePerHour: 1.4 } });
    const cheap = subjectOf({ job: { durationHours: 2 }, offer: { id: 'cheap', pricePerHour: 1 } });
    const input = (rates: CompiledPolicy): DecisionInput => ({
      job: cheap.job,
      policy: rates,
      offers: [cheap.offer, dear.offer],
      health: {},
      suspensions: [],
      nowMs: 0,
    });
    const order = ({ ranked }: Decision) => ranked.map(({ offer }) => offer.id);
    const before = decide(input(compiledOf(aPolicy())));
    const after = decide(input(policy));
    expect(order(before)).toEqual(['cheap', 'dear']);
    expect(order(after)).toEqual(['dear', 'cheap']);
    expect(after.ranked.map(({ terms }) => terms.preference)).toEqual([0, usd(1)]);
    for (const { terms, expectedCost } of after.ranked)
      expect(Object.values(terms).reduce((sum, term) => sum + term, 0)).toBe(expectedCost);
  });

  it('count the points that a promise falls short', () => {
    const rates = compiledOf(
      aPolicy({ prefer: [{ id: 'p', rates: { availabilityPointPerHour: usd(0.1) } }] }),
    );
    const subject = (slaAvailability: number) => asked({}, { slaAvailability });
    const termOf = ({ job, offer }: ReturnType<typeof asked>) =>
      decide({ job, policy: rates, offers: [offer], health: {}, suspensions: [], nowMs: 0 })
        .ranked[0]?.terms.preference;
    expect(termOf(subject(99))).toBe(usd(0.1));
    expect(termOf(subject(99.5))).toBe(usd(0.05));
    expect(termOf(subject(0))).toBe(usd(0.5));
  });
});

describe('forbid wins and order means nothing', () => {
  const documents: readonly PolicyDocument[] = [
    ...builtinPolicies.map(({ document }) => document),
    aPolicy({
      name: 'own',
      priority: 3,
      rules: rulesOf(
        { forbid: 'offer.interruptible' },
        { when: 'job.gpuCount > 0.0', require: 'offer.gpuCount >= job.gpuCount' },
        { require: 'offer.interruptible || offer.pricePerHour < 2.0' },
      ),
      prefer: [
        { id: 'p1', rates: { waitingCostPerHour: usd(3) } },
        { id: 'p2', when: 'job.priority > 10.0', rates: { waitingCostPerHour: usd(4) } },
        { id: 'p3', premium: { offers: 'offer.country == ""', perHour: usd(1) } },
      ],
      limits: [
        { id: 'l1', maxPricePerHour: usd(1), because: 'so' },
        { id: 'l2', offers: 'offer.gpuCount > 0.0', maxJobs: 0, because: 'so' },
      ],
    }),
    aPolicy({ name: 'other', priority: 3, preferences: { general: { latenessCost: usd(2) } } }),
    aPolicy({ name: 'third', priority: 3, preferences: { general: { latenessCost: usd(3) } } }),
  ];

  const shuffled = <T>(all: readonly T[]): fc.Arbitrary<readonly T[]> =>
    fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length });

  const arrangement = shuffled(documents).chain((order) =>
    fc.tuple(
      ...order.map((document) =>
        fc
          .record({
            rules: shuffled(document.rules),
            prefer: shuffled(document.prefer ?? []),
            limits: shuffled(document.limits ?? []),
          })
          .map((parts): PolicyDocument => ({ ...document, ...parts })),
      ),
    ),
  );

  const job = fc.record({
    workload: fc.constantFrom('general', 'training', 'rendering', 'real-time'),
    gpuCount: fc.constantFrom(0, 1),
    dataClass: fc.constantFrom('internal', 'health', 'personal'),
    durationHours: fc.constantFrom(1, 100),
  });

  it('any arrangement of documents, rules, rates and limits gives the same decision', () => {
    const plain = compiledOf(...documents);
    fc.assert(
      fc.property(arrangement, job, (order, facts) => {
        const input = {
          job: asked(facts).job,
          offers: fakeOffers,
          health: {},
          suspensions: [],
          nowMs: Date.parse(FRIDAY_NOON),
        };
        const policy = compiledOf(...order);
        expect(policy.version).toBe(plain.version);
        expect(decide({ ...input, policy })).toEqual(decide({ ...input, policy: plain }));
      }),
      { numRuns: 60 },
    );
  });

  it('a requirement that holds takes nothing back that is forbidden', () => {
    const rules = rulesOf({ forbid: 'offer.interruptible' }, { require: 'offer.interruptible' });
    const policy = compiledOf(aPolicy({ rules }));
    expect(refusing(policy, asked({}, { interruptible: true }))).toEqual(['acme/r0']);
    expect(refusing(policy, asked({}, { interruptible: false }))).toEqual(['acme/r1']);
  });
});
