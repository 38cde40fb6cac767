import { usd, type PolicyDocument, type PolicyTest } from '#libs/domain';
import { checkDocument } from './check-policy';
import { MAX_EXPRESSION_LENGTH } from './policy-bounds';
import { aPolicy, rulesOf } from './testing/policies';

const problemsOf = (document: PolicyDocument) => checkDocument(document).problems;

describe('a word that never occurs', () => {
  it.each<[string, string, string]>([
    [
      'job.workload == "trainning"',
      '`job.workload` is never "trainning"',
      'did you mean `training`?',
    ],
    ['"hippa" in job.compliance', '`job.compliance` is never "hippa"', 'did you mean `hipaa`?'],
    ['job.dataClass in ["health", "secret"]', 'is never "secret"', 'use one of public'],
    ['"Germany" in job.residency', 'is never "Germany"', 'ISO 3166-1'],
    ['now.weekday == "Friday"', 'is never "Friday"', 'did you mean `friday`?'],
  ])('in %s', (when, message, remedy) => {
    const rules = rulesOf({ when, require: 'offer.confidential' });
    expect(problemsOf(aPolicy({ rules }))).toContainEqual(
      expect.objectContaining({
        pointer: '/rules/0/when',
        position: { line: 1, column: expect.any(Number) },
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      }),
    );
  });

  it('is left alone where the vocabulary is open', () => {
    const rules = rulesOf({ when: 'job.project == "whatever"', require: 'offer.country != ""' });
    expect(problemsOf(aPolicy({ rules }))).toEqual([]);
  });
});

describe('the tests of a policy', () => {
  const rules = [
    {
      id: 'no-spot',
      when: 'job.workload == "training"',
      forbid: 'offer.interruptible',
      because: 'it is taken back',
    },
  ];
  const training = { workload: 'training' };
  const withTest = (test: Partial<PolicyTest>): PolicyDocument =>
    aPolicy({
      rules,
      preferences: { training: { waitingCostPerHour: usd(5) } },
      prefer: [{ id: 'p', premium: { offers: 'offer.country == ""', perHour: usd(2) } }],
      limits: [{ id: 'cap', maxPricePerHour: usd(10), because: 'money is short' }],
      profiles: { rendering: { interruptible: 'with-checkpoint' } },
      tests: [{ name: 't', given: {}, expect: 'allowed', ...test }],
    });

  it.each<[string, Partial<PolicyTest>]>([
    ['an offer that is allowed', { given: { job: training } }],
    [
      'a refusal by a rule',
      {
        given: { job: training, offer: { interruptible: true } },
        expect: { refusedBy: ['no-spot'] },
      },
    ],
    [
      'refusals by a rule and a limit',
      {
        given: { job: training, offer: { interruptible: true, pricePerHour: 11 } },
        expect: { refusedBy: ['cap', 'no-spot'] },
      },
    ],
    [
      'a refusal by a profile',
      {
        given: { job: { workload: 'rendering' }, offer: { interruptible: true } },
        expect: { refusedBy: ['profiles/rendering'] },
      },
    ],
    [
      'rates and charges',
      {
        given: { job: training },
        expect: { rates: { waitingCostPerHour: usd(5) }, chargedPerHour: usd(2) },
      },
    ],
  ])('pass for %s', (_reason, test) => {
    expect(problemsOf(withTest(test))).toEqual([]);
  });

  it.each<[string, Partial<PolicyTest>, string]>([
    [
      'an offer that is refused after all',
      { given: { job: training, offer: { interruptible: true } } },
      'expected the offer to be allowed, but no-spot refuses it (it is taken back)',
    ],
    [
      'an offer that is allowed after all',
      { expect: { refusedBy: ['no-spot'] } },
      'expected no-spot to refuse, but the offer is allowed',
    ],
    [
      'a refusal by another rule',
      { given: { offer: { pricePerHour: 11 } }, expect: { refusedBy: ['no-spot'] } },
      'expected no-spot to refuse, but cap refuses it (money is short)',
    ],
    [
      'another rate',
      { given: { job: training }, expect: { rates: { waitingCostPerHour: usd(6) } } },
      'expected waitingCostPerHour to be $6.00, but it is $5.00',
    ],
    [
      'another charge',
      { expect: { chargedPerHour: usd(1) } },
      'expected the offer to be charged $1.00/h, but it is charged $2.00/h',
    ],
  ])('fail for %s, and say what happened', (_reason, test, message) => {
    expect(problemsOf(withTest(test))).toEqual([
      expect.objectContaining({ pointer: '/tests/0', message: expect.stringContaining(message) }),
    ]);
  });

  it.each<[string, PolicyTest['given'], string, string]>([
    [
      'unknown',
      { job: { workloud: 'x' } },
      '/tests/0/given/job/workloud',
      'unknown field `job.workloud`',
    ],
    [
      'of another type',
      { offer: { cpus: 'many' } },
      '/tests/0/given/offer/cpus',
      'a number from 0 up',
    ],
    ['never so', { offer: { kind: 'cloud' } }, '/tests/0/given/offer/kind', 'is never "cloud"'],
    [
      'derived',
      { offer: { failureDomain: 'a/b' } },
      '/tests/0/given/offer/failureDomain',
      'follows from',
    ],
  ])('report a given field that is %s', (_reason, given, pointer, message) => {
    expect(problemsOf(withTest({ given }))).toEqual([
      expect.objectContaining({ pointer, message: expect.stringContaining(message) }),
    ]);
  });

  it('are asked within the scope and the period of the policy unless they say otherwise', () => {
    const document = {
      ...withTest({
        given: { job: training, offer: { interruptible: true } },
        expect: { refusedBy: ['no-spot'] },
      }),
      scope: { projects: ['vision-*'] },
      effective: { from: '2030-01-01T00:00:00.000Z', until: null },
    };
    expect(problemsOf(document)).toEqual([]);
  });

  it('see what a project holds already', () => {
    const limits = [{ id: 'gpus', maxGpus: 8, because: 'there are not more' }];
    const test = (gpus: number, expected: PolicyTest['expect']): PolicyTest => ({
      name: `${gpus}`,
      given: { offer: { gpuCount: 4 }, held: { gpus } },
      expect: expected,
    });
    const tests = [test(4, 'allowed'), test(5, { refusedBy: ['gpus'] })];
    expect(problemsOf(aPolicy({ limits, tests }))).toEqual([]);
  });
});

describe('all mistakes are reported at once', () => {
  it('with the place of each', () => {
    const document = aPolicy({
      rules: rulesOf(
        { when: 'job.workload == "x"', require: 'offer.regoin == "eu"' },
        { forbid: ['offer.cpus < 0.0', 'offer.region'] },
        { require: 'offer.confidential && !offer.confidential' },
      ),
      prefer: [{ id: 'p', premium: { offers: 'offer.cups > 1.0', perHour: usd(1) } }],
      limits: [{ id: 'l', when: 'offer.cpus > 1.0', maxJobs: 1, because: 'so' }],
    });
    expect(problemsOf(document).map(({ pointer }) => pointer)).toEqual([
      '/rules/0/require',
      '/rules/1/forbid/1',
      '/prefer/0/premium/offers',
      '/limits/0/when',
      '/rules/0/when',
      '/rules/1/forbid/0',
      '/rules/2/require',
    ]);
  });
});

describe('a check ends', () => {
  it.each<[string, string]>([
    ['thousands of brackets', '('.repeat(2_000)],
    ['thousands of negations', `${'!'.repeat(MAX_EXPRESSION_LENGTH - 4)}true`],
    [
      'hundreds of comparisons',
      Array.from({ length: 80 }, (_, n) => `offer.cpus > ${n}.0`).join(' && '),
    ],
    ['a long list', `offer.country in [${Array.from({ length: 60 }, () => '"DE"').join(',')}]`],
    [
      'nested conditions',
      Array.from({ length: 10 }, (_, n) => `job.priority > ${n}.0 ? `).join('') +
        'true' +
        ' : false'.repeat(10),
    ],
    ['something too long', 'a'.repeat(MAX_EXPRESSION_LENGTH + 1)],
  ])('for %s', (_reason, text) => {
    const rules = rulesOf(...Array.from({ length: 60 }, () => ({ when: text, require: text })));
    expect(Array.isArray(problemsOf(aPolicy({ rules })))).toBe(true);
  });
});
