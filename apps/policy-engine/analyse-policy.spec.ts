import fc from 'fast-check';
import type { PolicyDocument, PolicyFacts, PolicyRule } from '#libs/domain';
import { analyse, MAX_LOOKS, type Analysis } from './analyse-policy';
import { compileDocument } from './compile-document';
import { RuleContexts } from './policy-context';
import { subjectOf } from './policy-test-facts';
import { aPolicy, compiledOf, rulesOf } from './testing/policies';

const analysed = (document: PolicyDocument, ...others: readonly PolicyDocument[]): Analysis => {
  const contexts = new RuleContexts();
  const parts = compileDocument(document, contexts);
  expect(parts.problems).toEqual([]);
  return analyse(
    parts,
    others.map((other) => compileDocument(other, contexts)),
  );
};

type Parts = Partial<Pick<PolicyRule, 'when' | 'require' | 'forbid'>>;

const found = (...rules: readonly Parts[]): Analysis =>
  analysed(aPolicy({ rules: rulesOf(...rules) }));

const US = 'offer.country == "US"';
const TRAINING = 'job.workload == "training"';

describe('a rule by itself', () => {
  it.each<[Parts, string, string]>([
    [{ when: 'job.gpuCount > 8.0 && job.gpuCount < 4.0', require: US }, 'when', 'never apply'],
    [{ when: `${TRAINING} && job.workload == "rendering"`, require: US }, 'when', 'never apply'],
    [{ when: 'job.confidential && !job.confidential', require: US }, 'when', 'never apply'],
    [{ when: 'job.hasDeadline == !true && job.hasDeadline', require: US }, 'when', 'never apply'],
    [
      { when: 'size(job.compliance) == 0 && "soc2" in job.compliance', require: US },
      'when',
      'never',
    ],
    [{ when: 'job.gpuCount < 0.0', require: US }, 'when', 'never apply'],
    [{ when: 'now.date < "2027" && now.date >= "2028"', require: US }, 'when', 'never apply'],
    [
      { when: 'job.dataClass == "health" && !("health" in job.dataClasses)', require: US },
      'when',
      'never apply',
    ],
    [{ require: 'offer.confidential && !offer.confidential' }, 'require', 'refuses every offer'],
    [
      { require: ['offer.confidential', '!offer.confidential'] },
      'require/0',
      'refuses every offer',
    ],
    [{ require: US, forbid: US }, 'require', 'refuses every offer'],
    [
      { require: 'offer.kind == "decentralised" && provider.kind == "neocloud"' },
      'require',
      'every',
    ],
    [{ forbid: 'offer.gpuCount >= 0.0' }, 'forbid', 'refuses every offer'],
    [
      { forbid: 'offer.kind != "neocloud" || provider.kind == "neocloud"' },
      'forbid',
      'every offer',
    ],
    [
      { require: 'offer.market in ["spot", "on-demand", "marketplace"]' },
      'require',
      'never refuse',
    ],
    [{ forbid: 'offer.pricePerHour < 1.0 && offer.pricePerHour > 2.0' }, 'forbid', 'never refuse'],
    [{ require: '3.0 < offer.cpus || offer.cpus <= 3.0' }, 'require', 'never refuse'],
    [{ require: 'offer.interruptible ? !offer.interruptible : false' }, 'require', 'every offer'],
  ])('%j', (rule, field, message) => {
    expect(found(rule).problems).toEqual([
      expect.objectContaining({
        ruleId: 'r0',
        pointer: `/rules/0/${field}`,
        message: expect.stringContaining(message),
      }),
    ]);
  });

  it.each<[string, Parts]>([
    ['is satisfiable', { when: 'job.gpuCount > 4.0 && job.gpuCount < 8.0', require: US }],
    [
      'may fail, which counts as true',
      {
        when: 'job.labels["a"] == "b" && job.labels["a"] != "b" && !(job.labels["a"] == "b")',
        require: US,
      },
    ],
    ['fails closed, but not always', { require: 'job.labels["a"] == "b"' }],
    ['is meant to refuse all', { when: TRAINING, forbid: 'true' }],
    ['asks what is not understood twice', { require: 'offer.id.contains("a") && offer.id == "b"' }],
    [
      'a list that holds one thing may hold another',
      { require: '"soc2" in offer.certifications && !("gdpr" in offer.certifications)' },
    ],
    ['text between two texts', { require: 'offer.region > "a" && offer.region < "b"' }],
    ['membership of two fields', { require: 'offer.country in job.residency' }],
  ])('is left alone when it %s', (_reason, rule) => {
    expect(found(rule)).toEqual({ problems: [], warnings: [] });
  });
});

describe('two rules', () => {
  it.each<[string, Parts, Parts, string]>([
    [
      'requirements that exclude each other',
      { require: US },
      { require: 'offer.country == "DE"' },
      'r1 contradicts r0',
    ],
    ['required and forbidden', { require: US }, { forbid: US }, 'r1 contradicts r0'],
    [
      'required for some and forbidden for all of them',
      { when: `${TRAINING} && job.gpuCount > 8.0`, require: 'offer.interruptible' },
      { when: TRAINING, forbid: 'offer.interruptible' },
      'r1 contradicts r0',
    ],
    [
      'the same twice',
      { forbid: 'offer.interruptible' },
      { forbid: 'offer.interruptible == true' },
      'r1 is shadowed',
    ],
    [
      'the same as a requirement',
      { forbid: 'offer.interruptible' },
      { require: '!offer.interruptible' },
      'r1 is shadowed',
    ],
    ['for fewer jobs', { require: US }, { when: TRAINING, require: US }, 'r1 is shadowed'],
    ['for more jobs', { when: TRAINING, require: US }, { require: US }, 'r0 is shadowed'],
    [
      'a weaker bound',
      { require: 'offer.cpus >= 8.0' },
      { require: 'offer.cpus >= 4.0' },
      'r1 is shadowed',
    ],
    [
      'a wider list',
      { require: US },
      { require: 'offer.country in ["DE", "US"]' },
      'r1 is shadowed',
    ],
  ])('%s', (_reason, first, second, told) => {
    const [ruleId, ...words] = told.split(' ');
    expect(found(first, second).problems).toEqual([
      expect.objectContaining({ ruleId, message: expect.stringContaining(words.join(' ')) }),
    ]);
  });

  it('that leave nothing to the jobs of both are a warning, since there may be no such job', () => {
    const { problems, warnings } = found(
      { when: TRAINING, require: US },
      { when: 'job.priority > 50.0', require: 'offer.country == "DE"' },
    );
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([
      { ruleId: 'r1', message: expect.stringContaining('no offer') },
    ]);
  });

  it.each<[string, Parts, Parts]>([
    [
      'about different jobs',
      { when: TRAINING, require: US },
      { when: 'job.workload == "rendering"', forbid: US },
    ],
    ['about different things', { require: US }, { forbid: 'offer.interruptible' }],
    ['that overlap', { require: 'offer.cpus > 2.0' }, { require: 'offer.cpus < 9.0' }],
    [
      'that depend on labels',
      { require: 'job.labels["a"] == "b"' },
      { require: 'job.labels["a"] == "c"' },
    ],
  ])('%s are left alone', (_reason, first, second) => {
    expect(found(first, second)).toEqual({ problems: [], warnings: [] });
  });

  it('in different documents are warnings', () => {
    const other = aPolicy({ name: 'other', rules: rulesOf({ require: US }) });
    const same = analysed(aPolicy({ rules: rulesOf({ when: TRAINING, require: US }) }), other);
    expect(same.problems).toEqual([]);
    expect(same.warnings).toMatchObject([{ message: expect.stringContaining('other/r0') }]);
    const against = analysed(aPolicy({ rules: rulesOf({ forbid: US }) }), other);
    expect(against.problems).toEqual([]);
    expect(against.warnings).toMatchObject([{ message: expect.stringContaining('no offer') }]);
    const elsewhere = { ...other, scope: { projects: ['vision'] } };
    const scoped = analysed(
      aPolicy({ rules: rulesOf({ when: TRAINING, require: US }) }),
      elsewhere,
    );
    expect(scoped.warnings).toEqual([]);
  });
});

describe('rates and limits', () => {
  it('say when they never hold', () => {
    const { problems } = analysed(
      aPolicy({
        preferences: { training: { latenessToleranceBps: 1 }, rendering: { tokenRiskBps: 1 } },
        prefer: [
          { id: 'a', when: 'job.gpuCount < 0.0', rates: { latenessToleranceBps: 2 } },
          { id: 'b', when: TRAINING, rates: { latenessToleranceBps: 3, verificationBps: 1 } },
          { id: 'c', premium: { offers: 'offer.cpus < 0.0', perHour: 1 as never } },
          { id: 'd', discount: { offers: 'offer.cpus >= 0.0', perHour: 1 as never } },
        ],
        limits: [{ id: 'l', offers: 'offer.cpus < 0.0', maxJobs: 1, because: 'so' }],
      }),
    );
    expect(problems.map(({ pointer, message }) => [pointer, message])).toEqual([
      ['/prefer/0/when', expect.stringContaining('never holds')],
      ['/prefer/2/premium/offers', expect.stringContaining('matches no offer')],
      ['/prefer/3/discount/offers', expect.stringContaining('matches every offer')],
      ['/limits/0/offers', expect.stringContaining('matches no offer')],
      ['/preferences/training', expect.stringContaining('acme/b overrules it')],
      ['/prefer/0/rates', expect.stringContaining('never holds')],
    ]);
  });
});

describe('the analysis is bounded', () => {
  it('leaves alone what has too many ways to be', () => {
    const many = Array.from({ length: 40 }, (_, index) => `"l${index}" in job.labels`);
    const rules = rulesOf(
      { when: many.join(' && '), require: US },
      { forbid: 'offer.interruptible' },
    );
    expect(analysed(aPolicy({ rules }))).toEqual({ problems: [], warnings: [] });
  });

  it('says so when not all rules could be compared with one another', () => {
    const rules = rulesOf(
      ...Array.from({ length: 200 }, (_, index) => ({
        when: `job.project == "p${index}" && job.priority > ${index}.0 && job.nodes > ${index}.0`,
        require: `offer.cpus > ${index}.0 && offer.memoryGib > ${index}.0 && offer.diskGb > 1.0`,
      })),
    );
    const { problems, warnings } = analysed(aPolicy({ rules }));
    expect(problems).toEqual([]);
    expect(warnings.at(-1)?.message).toContain('more rules than can be compared');
    expect(MAX_LOOKS).toBeLessThanOrEqual(1_000_000);
  });
});

describe('whatever is said to be proven', () => {
  const jobAtom = fc.constantFrom(
    'job.gpuCount > 2.0',
    'job.gpuCount <= 2.0',
    TRAINING,
    'job.workload in ["training", "rendering"]',
    '"soc2" in job.compliance',
    'size(job.compliance) > 0',
    'job.labels["a"] == "b"',
    '"a" in job.labels',
  );
  const offerAtom = fc.constantFrom(
    US,
    'offer.country != "DE"',
    'offer.cpus >= 4.0',
    'offer.cpus < 8.0',
    'offer.interruptible',
    'provider.kind == "neocloud"',
    'offer.kind in ["neocloud", "hyperscaler"]',
    'offer.country in job.residency',
    'job.labels["a"] == "b"',
  );
  const expression = (atom: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.letrec<{ all: string }>((tie) => ({
      all: fc.oneof(
        { maxDepth: 2, withCrossShrink: true },
        atom,
        tie('all').map((of) => `!(${of})`),
        fc.tuple(tie('all'), tie('all')).map(([a, b]) => `(${a} && ${b})`),
        fc.tuple(tie('all'), tie('all')).map(([a, b]) => `(${a} || ${b})`),
      ),
    })).all;
  const rule = fc.record({
    when: fc.option(expression(jobAtom), { nil: undefined }),
    clause: expression(offerAtom),
    effect: fc.constantFrom('require', 'forbid'),
  });
  const facts: fc.Arbitrary<{ job: PolicyFacts; offer: PolicyFacts }> = fc.record({
    job: fc.record({
      gpuCount: fc.constantFrom(0, 2, 3),
      workload: fc.constantFrom('training', 'rendering', 'general'),
      compliance: fc.subarray(['soc2', 'gdpr']),
      labels: fc.constantFrom({}, { a: 'b' }, { a: 'c' }),
      residency: fc.subarray(['US', 'DE', 'FR']),
    }),
    offer: fc.record({
      country: fc.constantFrom('US', 'DE', 'FR', ''),
      cpus: fc.constantFrom(1, 4, 6, 8, 9),
      interruptible: fc.boolean(),
      kind: fc.constantFrom('neocloud', 'hyperscaler', 'decentralised'),
    }),
  });

  it('is so for every job and offer', () => {
    fc.assert(
      fc.property(
        rule,
        rule,
        fc.array(facts, { minLength: 40, maxLength: 40 }),
        (a, b, samples) => {
          const parts = [a, b].map(({ when, clause, effect }) => ({ when, [effect]: clause }));
          const document = aPolicy({ rules: rulesOf(...parts) });
          const { problems } = analysed(document);
          const policy = compiledOf(document);
          const seen = samples.map((given) => {
            const { job, offer, around } = subjectOf(given);
            return policy.rules.map((each) => ({
              applies: each.applies(job, around.nowMs),
              refuses:
                each.applies(job, around.nowMs) &&
                each.holds(job, offer, around) !== (each.effect === 'require'),
            }));
          });
          for (const { ruleId, message } of problems) {
            const mine = ruleId === 'r0' ? 0 : 1;
            for (const rules of seen) {
              const [own, other] = [rules[mine], rules[1 - mine]];
              if (own === undefined || other === undefined) throw new Error('rules are missing');
              if (message.includes('never apply')) expect(own.applies).toBe(false);
              if (message.includes('never refuse')) expect(own.refuses).toBe(false);
              if (message.includes('refuses every')) expect(own.refuses).toBe(own.applies);
              if (message.includes('shadowed') && own.refuses) expect(other.refuses).toBe(true);
              if (message.includes('contradicts') && own.applies && other.applies)
                expect(own.refuses || other.refuses).toBe(true);
            }
          }
        },
      ),
      { numRuns: 120 },
    );
  });
});
