import type {
  LimitUsage,
  OfferCharge,
  PolicyDocument,
  PolicyExpectation,
  PolicyLimit,
  PolicyPreference,
  PolicyTest,
  Preferences,
} from '#libs/domain';
import { fieldProblems, type FieldProblem } from './field-problem';
import {
  policyDocumentSchema,
  type PolicyDocumentInput,
  type WrittenPolicy,
} from './policy-schema';
import { formatMoney } from './syntax/money';

export { policyDocumentSchema, type PolicyDocumentInput } from './policy-schema';

export type ParsedPolicy =
  | { readonly ok: true; readonly document: PolicyDocument }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** Reads a policy as people write it. Never throws; all problems at once. Documents of earlier releases stay valid. */
export function parsePolicyDocument(input: unknown): ParsedPolicy {
  const result = policyDocumentSchema.safeParse(input, { reportInput: true });
  if (!result.success)
    return { ok: false, problems: fieldProblems(policyDocumentSchema, result.error) };
  const problems = checks.flatMap((check) => check(result.data));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, document: documentOf(result.data) };
}

/** Fields that were left out stay out, so that a document of an earlier release is stored as it always was. */
function documentOf({ kind, name, description, rules, preferences, ...rest }: WrittenPolicy) {
  const { tests, ...others } = rest;
  return given({
    kind,
    name,
    description,
    rules,
    preferences,
    ...others,
    tests: tests?.map((test) => ({ ...test, expect: expectationOf(test.expect) })),
  }) as unknown as PolicyDocument;
}

type WrittenExpectation = NonNullable<WrittenPolicy['tests']>[number]['expect'];

function expectationOf(expect: WrittenExpectation): unknown {
  if (expect === 'allowed' || typeof expect.refusedBy !== 'string') return expect;
  return { ...expect, refusedBy: [expect.refusedBy] };
}

/** Without what was not given. */
function given(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}

type Check = (policy: WrittenPolicy) => readonly FieldProblem[];

/** What the shape alone cannot say. */
const checks: readonly Check[] = [
  ({ rules }) =>
    rules.flatMap(({ require, forbid }, index) =>
      require === undefined && forbid === undefined
        ? [
            contradiction(
              `/rules/${index}`,
              'a rule has require, forbid, or both',
              'add the one that is missing',
            ),
          ]
        : [],
    ),
  ({ prefer = [] }) =>
    prefer.flatMap(({ rates, premium, discount }, index) =>
      rates === undefined && premium === undefined && discount === undefined
        ? [
            contradiction(
              `/prefer/${index}`,
              'a preference says what something is worth',
              'add rates, a premium or a discount',
            ),
          ]
        : [],
    ),
  ({ limits = [] }) =>
    limits.flatMap(
      ({ id: _id, when: _when, offers: _offers, because: _because, ...maxima }, index) =>
        Object.keys(maxima).some((field) => field.startsWith('max'))
          ? []
          : [
              contradiction(
                `/limits/${index}`,
                'a limit limits nothing',
                'add maxPricePerHour, maxGpus, maxJobs, maxTokenSpendPerHour or maxTokenShareBps',
              ),
            ],
    ),
  ({ effective }) =>
    effective?.from != null && effective.until != null && effective.from >= effective.until
      ? [contradiction('/effective', 'the period ends before it begins', 'exchange from and until')]
      : [],
  ({ tests = [] }) =>
    repeated(
      '/tests',
      'name',
      tests.map(({ name }) => name),
    ),
  repeatedIds,
];

/** Rules, limits and preferences share one set of ids, since a refusal names only the id. */
function repeatedIds({ rules, limits = [], prefer = [] }: WrittenPolicy): readonly FieldProblem[] {
  const places = Object.entries({ rules, limits, prefer }).flatMap(([list, entries]) =>
    entries.map(({ id }, index) => ({ id, pointer: `/${list}/${index}/id` })),
  );
  return places
    .filter(({ id }, index) => places.findIndex((place) => place.id === id) !== index)
    .map(({ id, pointer }) => repetition(pointer, id));
}

function repeated(list: string, field: string, names: readonly string[]): readonly FieldProblem[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [repetition(`${list}/${index}/${field}`, name)],
  );
}

function repetition(pointer: string, name: string): FieldProblem {
  const message = `there is another one called ${name}`;
  return { pointer, code: 'repeated', message, remedy: 'give each its own' };
}

function contradiction(pointer: string, message: string, remedy: string): FieldProblem {
  return { pointer, code: 'contradiction', message, remedy };
}

/** The document in the words in which people write it; reading it again gives the same document. */
export function formatPolicyDocument(document: PolicyDocument): PolicyDocumentInput {
  const { preferences, prefer, limits, tests, rules, ...rest } = document;
  return given({
    ...rest,
    rules: rules.map((rule) => ({ ...rule })),
    preferences: Object.fromEntries(
      Object.entries(preferences).map(([workload, rates]) => [workload, writtenRates(rates)]),
    ),
    prefer: prefer?.map(writtenPreference),
    limits: limits?.map(writtenLimit),
    tests: tests?.map(writtenTest),
  }) as unknown as PolicyDocumentInput;
}

const moneyFields: ReadonlySet<string> = new Set<
  keyof Preferences | keyof PolicyLimit | keyof LimitUsage | keyof OfferCharge | 'chargedPerHour'
>([
  'waitingCostPerHour',
  'latenessCost',
  'availabilityPointPerHour',
  'maxPricePerHour',
  'maxTokenSpendPerHour',
  'tokenAllowancePerHour',
  'spendPerHour',
  'tokenSpendPerHour',
  'perHour',
  'chargedPerHour',
]);

/** Money as text; everything else as it is. */
function writtenRates(rates: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(rates).flatMap(([field, value]) => {
      if (value === undefined) return [];
      return [[field, moneyFields.has(field) ? formatMoney(value) : value]];
    }),
  );
}

function writtenPreference({ rates, premium, discount, ...rest }: PolicyPreference) {
  return given({
    ...rest,
    rates: rates && writtenRates(rates),
    premium: premium && writtenRates(premium),
    discount: discount && writtenRates(discount),
  });
}

function writtenLimit(limit: PolicyLimit) {
  return writtenRates(limit);
}

function writtenTest({ name, given: facts, expect }: PolicyTest) {
  const held = facts.held && writtenRates(facts.held);
  return { name, given: given({ ...facts, held }), expect: writtenExpectation(expect) };
}

function writtenExpectation(expect: PolicyExpectation): unknown {
  if (expect === 'allowed') return expect;
  return given({ ...writtenRates(expect), rates: expect.rates && writtenRates(expect.rates) });
}
