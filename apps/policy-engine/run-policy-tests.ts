import {
  chargedPerHour,
  chargesFor,
  formatUsd,
  limitRefusals,
  limitsFor,
  NO_USAGE,
  preferencesFor,
  profileFor,
  type CompiledPolicy,
  type LimitUsages,
  type MicroUsd,
  type PolicyDocument,
  type PolicyTest,
  type Preferences,
} from '#libs/domain';
import { problemAt, type PolicyProblem } from './policy-problem';
import { factProblems } from './policy-test-fields';
import { subjectOf, TEST_NOW, type TestSubject } from './policy-test-facts';

/** Run the tests of a document against itself alone. Empty when all of them pass. */
export function runPolicyTests(
  document: PolicyDocument,
  policy: CompiledPolicy,
): readonly PolicyProblem[] {
  return [...(document.tests ?? []).entries()].flatMap(([index, test]) => {
    const misread = factProblems(document.name, test, index);
    if (misread.length > 0) return misread;
    return failuresOf(document, policy, test).map((failure) =>
      problemAt(
        { policy: document.name, ruleId: null, field: 'tests', pointer: `/tests/${index}` },
        `the test ${JSON.stringify(test.name)} fails: ${failure}`,
        'correct the policy, or what the test expects',
      ),
    );
  });
}

/** What came out instead of what was expected. */
function failuresOf(
  document: PolicyDocument,
  policy: CompiledPolicy,
  { given, expect }: PolicyTest,
): readonly string[] {
  const subject = subjectOf({
    ...given,
    job: { project: projectOf(document), ...given.job },
    now: given.now ?? document.effective?.from ?? TEST_NOW,
  });
  const refusals = refusalsOf(document, policy, given.held, subject);
  const expected = expect === 'allowed' ? [] : expect.refusedBy;
  const told =
    expected === undefined || sameIds(refusals, expected) ? [] : [tell(expected, refusals)];
  return expect === 'allowed' ? told : [...told, ...rateFailures(policy, subject, expect)];
}

/** A project that the document is about. */
function projectOf({ scope }: PolicyDocument): string {
  return scope?.projects[0]?.replaceAll('*', 'x') ?? 'example';
}

interface Refusal {
  readonly id: string;
  readonly because: string;
}

function refusalsOf(
  { name }: PolicyDocument,
  policy: CompiledPolicy,
  held: PolicyTest['given']['held'],
  { job, offer, around }: TestSubject,
): readonly Refusal[] {
  const rules = policy.rules.filter(
    (rule) =>
      rule.applies(job, around.nowMs) &&
      rule.holds(job, offer, around) !== (rule.effect === 'require'),
  );
  const limits = limitsFor(policy, job, around.nowMs);
  const usage: LimitUsages = Object.fromEntries(
    limits.map(({ id }) => [id, { ...NO_USAGE, ...held }]),
  );
  const profile = profileFor(policy, job, around.nowMs);
  const others = limitRefusals(offer, { job, around, limits, usage, profile }).flatMap((reason) =>
    'ruleId' in reason ? [{ id: reason.ruleId, because: reason.because }] : [],
  );
  return [...rules, ...others].map(({ id, because }) => ({
    id: id.slice(name.length + 1),
    because,
  }));
}

function sameIds(refusals: readonly Refusal[], expected: readonly string[]): boolean {
  const ids = [...new Set(refusals.map(({ id }) => id))].sort();
  return ids.join('\n') === [...new Set(expected)].sort().join('\n');
}

function tell(expected: readonly string[], refusals: readonly Refusal[]): string {
  const wanted =
    expected.length === 0 ? 'the offer is allowed' : `${expected.join(' and ')} to refuse`;
  const got =
    refusals.length === 0
      ? 'the offer is allowed'
      : refusals.map(({ id, because }) => `${id} refuses it (${because})`).join('; ');
  return `expected ${wanted.replace('the offer is', 'the offer to be')}, but ${got}`;
}

function rateFailures(
  policy: CompiledPolicy,
  { job, offer, around }: TestSubject,
  expect: Exclude<PolicyTest['expect'], 'allowed'>,
): readonly string[] {
  const rates = preferencesFor(policy, job, around.nowMs);
  const wrong = (Object.entries(expect.rates ?? {}) as [keyof Preferences, number][])
    .filter(([field, value]) => rates[field] !== value)
    .map(
      ([field, value]) =>
        `expected ${field} to be ${amount(field, value)}, but it is ${amount(field, rates[field])}`,
    );
  if (expect.chargedPerHour === undefined) return wrong;
  const charged = chargedPerHour(offer, job, chargesFor(policy, job, around.nowMs), around);
  return charged === expect.chargedPerHour
    ? wrong
    : [
        ...wrong,
        `expected the offer to be charged ${formatUsd(expect.chargedPerHour)}/h, but it is charged ${formatUsd(charged)}/h`,
      ];
}

function amount(field: string, value: number): string {
  return field.endsWith('Bps') ? `${value}` : formatUsd(value as MicroUsd);
}
