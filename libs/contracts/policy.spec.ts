import { usd } from '#libs/domain';
import { placedIn } from './place-in-document';
import { formatPolicyDocument, parsePolicyDocument, type PolicyDocumentInput } from './policy';
import { readDocument } from './read-document';

const problemsOf = (input: unknown): readonly string[] => {
  const parsed = parsePolicyDocument(input);
  return parsed.ok ? [] : parsed.problems.map(({ pointer, code }) => `${pointer} ${code}`);
};

const documentOf = (input: unknown) => {
  const parsed = parsePolicyDocument(input);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
};

const full: PolicyDocumentInput = {
  kind: 'RoutingPolicy',
  name: 'everything',
  description: 'Each part of a policy once.',
  scope: { projects: ['vision-*'] },
  priority: 7,
  effective: { from: '2027-01-01', until: '2027-02-01T12:00:00+02:00' },
  rules: [
    { id: 'one', when: 'job.confidential', require: 'offer.confidential', because: 'so' },
    { id: 'many', require: ['a', 'b'], forbid: ['c'], because: 'so' },
  ],
  preferences: { training: { waitingCostPerHour: '$5', tokenRiskBps: 100 } },
  prefer: [
    {
      id: 'office-hours',
      when: 'now.hour > 8.0',
      rates: { waitingCostPerHour: '50 USD', availabilityPointPerHour: '$0.10/h' },
      premium: { offers: 'offer.interruptible', perHour: '$0.25/h' },
      discount: { offers: 'offer.confidential', perHour: '$0.75/h' },
    },
  ],
  limits: [
    {
      id: 'cap',
      offers: 'offer.gpuCount > 0.0',
      maxPricePerHour: '$10/h',
      maxGpus: 8,
      maxJobs: 4,
      maxTokenSpendPerHour: '$20',
      maxTokenShareBps: 5_000,
      tokenAllowancePerHour: '$1',
      because: 'money is short',
    },
  ],
  profiles: {
    training: { latenessToleranceBps: 10, interruptible: 'never', minReliabilityBps: 9_900 },
  },
  tests: [
    {
      name: 'all of it',
      given: {
        job: { workload: 'training', gpuCount: 8, compliance: ['soc2'], labels: { a: 'b' } },
        offer: { confidential: true },
        health: { measured: true },
        now: '2027-01-15T09:00:00Z',
        held: { jobs: 1, gpus: 8, spendPerHour: '$10', tokenSpendPerHour: '$5' },
      },
      expect: { refusedBy: 'cap', rates: { waitingCostPerHour: '$50' }, chargedPerHour: '$0.25' },
    },
    { name: 'nothing', given: {}, expect: 'allowed' },
  ],
};

describe('a policy as people write it', () => {
  it('is read with money in micro-dollars and instants in UTC', () => {
    expect(documentOf(full)).toMatchObject({
      effective: { from: '2027-01-01T00:00:00.000Z', until: '2027-02-01T10:00:00.000Z' },
      preferences: { training: { waitingCostPerHour: usd(5), tokenRiskBps: 100 } },
      prefer: [
        {
          rates: { waitingCostPerHour: usd(50), availabilityPointPerHour: usd(0.1) },
          premium: { perHour: usd(0.25) },
          discount: { perHour: usd(0.75) },
        },
      ],
      limits: [{ maxPricePerHour: usd(10), maxTokenSpendPerHour: usd(20), maxJobs: 4 }],
      tests: [
        {
          given: { held: { spendPerHour: usd(10) } },
          expect: { refusedBy: ['cap'], chargedPerHour: usd(0.25) },
        },
        { expect: 'allowed' },
      ],
    });
  });

  it('reads as itself once it is written out', () => {
    const document = documentOf(full);
    expect(documentOf(formatPolicyDocument(document))).toEqual(document);
  });

  it('of an earlier release is stored without any of the newer fields', () => {
    const document = documentOf({
      name: 'old',
      rules: [{ id: 'a', forbid: 'offer.interruptible', because: 'so' }],
      preferences: { training: { latenessCost: '$1' } },
    });
    expect(document).toEqual({
      kind: 'RoutingPolicy',
      name: 'old',
      description: '',
      rules: [{ id: 'a', forbid: 'offer.interruptible', because: 'so' }],
      preferences: { training: { latenessCost: usd(1) } },
    });
    expect(documentOf(formatPolicyDocument(document))).toEqual(document);
  });

  it.each<[string, object, readonly string[]]>([
    [
      'a rule that says nothing',
      { rules: [{ id: 'a', because: 'so' }] },
      ['/rules/0 contradiction'],
    ],
    [
      'an id of a rule and of a limit',
      {
        rules: [{ id: 'a', forbid: 'true', because: 'so' }],
        limits: [{ id: 'a', maxJobs: 1, because: 'so' }],
        prefer: [{ id: 'a', rates: {} }],
      },
      ['/limits/0/id repeated', '/prefer/0/id repeated'],
    ],
    [
      'a limit without a bound',
      { limits: [{ id: 'a', because: 'so' }] },
      ['/limits/0 contradiction'],
    ],
    [
      'a limit with an allowance alone',
      { limits: [{ id: 'a', tokenAllowancePerHour: '$1', because: 'so' }] },
      ['/limits/0 contradiction'],
    ],
    ['a preference for nothing', { prefer: [{ id: 'a' }] }, ['/prefer/0 contradiction']],
    [
      'a period that ends before it begins',
      { effective: { from: '2027-02-01', until: '2027-01-01' } },
      ['/effective contradiction'],
    ],
    ['no day', { effective: { from: '2027-02-30' } }, ['/effective/from unreadable']],
    [
      'an instant without a zone',
      { effective: { from: '2027-02-01T10:00' } },
      ['/effective/from unreadable'],
    ],
    ['a scope of nothing', { scope: { projects: [] } }, ['/scope/projects too-small']],
    [
      'an unknown part',
      { scope: { tenants: ['a'], projects: ['b'] } },
      ['/scope/tenants unknown-field'],
    ],
    [
      'a share above all',
      { limits: [{ id: 'a', maxTokenShareBps: 10_001, because: 'so' }] },
      ['/limits/0/maxTokenShareBps too-large'],
    ],
    [
      'a misspelt rate',
      { prefer: [{ id: 'a', rates: { waitingCost: '$1' } }] },
      ['/prefer/0/rates/waitingCost unknown-field'],
    ],
    [
      'two tests of one name',
      {
        tests: [
          { name: 't', given: {}, expect: 'allowed' },
          { name: 't', given: {}, expect: 'allowed' },
        ],
      },
      ['/tests/1/name repeated'],
    ],
    [
      'all clauses gone',
      { rules: [{ id: 'a', require: [], because: 'so' }] },
      ['/rules/0/require too-small'],
    ],
  ])('is refused for %s', (_reason, parts, problems) => {
    expect(problemsOf({ name: 'acme', ...parts })).toEqual(problems);
  });
});

describe('the place of a problem', () => {
  const yaml = [
    'name: acme',
    'rules:',
    '  - id: plain',
    '    forbid: offer.interruptible',
    '  - id: quoted',
    '    forbid: "offer.regoin == 1.0"',
    '  - id: block',
    '    forbid: |',
    '      offer.confidential &&',
    '        offer.regoin == 1.0',
    '  - id: several',
    '    forbid:',
    "      - 'it''s escaped'",
    '      - offer.cpus > 1.0',
    '',
  ].join('\n');
  const at = (pointer: string, within?: { line: number; column: number }) => {
    const problem = { pointer, code: 'x', message: '', remedy: '' };
    const [placed] = placedIn(yaml, [within === undefined ? problem : { ...problem, within }]);
    return placed === undefined ? null : [placed.line, placed.column];
  };

  it.each<[string, string, { line: number; column: number } | undefined, [number, number]]>([
    ['a field', '/rules/0/forbid', undefined, [4, 13]],
    ['within plain text', '/rules/0/forbid', { line: 1, column: 7 }, [4, 19]],
    ['within quotes', '/rules/1/forbid', { line: 1, column: 7 }, [6, 20]],
    ['on the first line of a block', '/rules/2/forbid', { line: 1, column: 7 }, [9, 13]],
    ['on its second line', '/rules/2/forbid', { line: 2, column: 9 }, [10, 15]],
    ['within a list', '/rules/3/forbid/1', { line: 1, column: 7 }, [14, 15]],
    ['where escapes shift it, the text', '/rules/3/forbid/0', { line: 1, column: 9 }, [13, 9]],
    ['of what is not there, what is around it', '/rules/0/require', undefined, [3, 5]],
    ['of the document', '', undefined, [1, 1]],
  ])('is that of %s', (_reason, pointer, within, place) => {
    expect(at(pointer, within)).toEqual(place);
  });

  it('is found in JSON as well', () => {
    const json = '{\n  "name": "acme",\n  "rules": [{ "id": "a", "forbid": "offer.x" }]\n}';
    expect(readDocument(json, 'json').ok).toBe(true);
    const problem = { pointer: '/rules/0/forbid', code: 'x', message: '', remedy: '' };
    const [placed] = placedIn(json, [{ ...problem, within: { line: 1, column: 7 } }]);
    expect(placed).toMatchObject({ line: 3, column: 43 });
  });

  it('is left out where the text cannot be read', () => {
    const problem = { pointer: '/name', code: 'x', message: '', remedy: '' };
    expect(placedIn('a: [', [problem])).toEqual([problem]);
  });
});
