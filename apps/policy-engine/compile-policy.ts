import type {
  CompiledPolicy,
  CompiledRule,
  PolicyDocument,
  PolicyRule,
  Preferences,
  WorkloadClass,
} from '#libs/domain';
import { RuleContexts } from './policy-context';
import { compileExpression, type Ask, type Subject } from './policy-expression';

/** A policy in force: the document and the version under which it is stored. */
export interface VersionedPolicy {
  readonly document: PolicyDocument;
  readonly version: number;
}

/** One mistake in one policy, in words for its author. */
export interface PolicyProblem {
  readonly policy: string;
  /** Null when it concerns the policy as a whole. */
  readonly ruleId: string | null;
  readonly field: 'name' | 'id' | 'when' | 'require' | 'forbid';
  /** Counted from 1; null when no place in an expression is meant. */
  readonly position: { readonly line: number; readonly column: number } | null;
  readonly message: string;
  readonly remedy: string;
}

/** What the names of the policies that are shipped begin with. */
export const BUILTIN_PREFIX = 'builtin-';

export type PolicyCompilation =
  | { readonly ok: true; readonly policy: CompiledPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/**
 * Compile the policies in force into one, or report every mistake in them. The order of documents means nothing: rules only
 * ever refuse, and preferences for the same workload are merged field by field, those of built-in policies giving way to all
 * others and the others to later names.
 *
 * A rule whose evaluation fails (a missing label, a list beyond its limit) refuses the offer, be it `require` or `forbid`,
 * and a `when` that fails counts as true: a policy that cannot be asked is never taken for consent.
 */
export function compilePolicies(documents: readonly VersionedPolicy[]): PolicyCompilation {
  const contexts = new RuleContexts();
  const results = documents.flatMap(({ document }) =>
    document.rules.map((rule) => compileRule(document.name, rule, contexts)),
  );
  const problems = [
    ...duplicates(documents),
    ...results.flatMap((result) => ('problems' in result ? result.problems : [])),
  ];
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    policy: {
      version: documents
        .map(({ document, version }) => `${document.name}@${version}`)
        .sort()
        .join(','),
      rules: results.flatMap((result) => ('rule' in result ? [result.rule] : [])),
      preferences: mergePreferences(documents),
    },
  };
}

type RuleCompilation =
  { readonly rule: CompiledRule } | { readonly problems: readonly PolicyProblem[] };

function compileRule(policy: string, rule: PolicyRule, contexts: RuleContexts): RuleCompilation {
  const problem = (
    field: PolicyProblem['field'],
    message: string,
    remedy: string,
    position: PolicyProblem['position'] = null,
  ): PolicyProblem => ({ policy, ruleId: rule.id, field, position, message, remedy });

  const compile = (field: 'when' | 'require' | 'forbid', subject: Subject) => {
    const source = rule[field];
    if (source === undefined) return { ask: null, problems: [] };
    const compiled = compileExpression(source, subject);
    if (compiled.ok) return { ask: compiled.ask, problems: [] };
    const problems = compiled.findings.map(({ at, message, remedy }) =>
      problem(field, message, remedy, positionOf(source, at)),
    );
    return { ask: null, problems };
  };

  const when = compile('when', 'job');
  const require = compile('require', 'job-and-offer');
  const forbid = compile('forbid', 'job-and-offer');
  const problems = [...when.problems, ...require.problems, ...forbid.problems];
  if ((rule.require === undefined) === (rule.forbid === undefined))
    problems.push(problem('require', 'has not exactly one of require and forbid', 'keep one'));
  const ask = require.ask ?? forbid.ask;
  if (problems.length > 0 || ask === null) return { problems };
  const effect = require.ask === null ? 'forbid' : 'require';
  return { rule: ruleOf(policy, rule, { effect, when: when.ask, ask }, contexts) };
}

interface Asked {
  readonly effect: CompiledRule['effect'];
  readonly when: Ask | null;
  readonly ask: Ask;
}

function ruleOf(
  policy: string,
  { id, because }: PolicyRule,
  { effect, when, ask }: Asked,
  contexts: RuleContexts,
): CompiledRule {
  const whenFailed = effect === 'forbid';
  return {
    id: `${policy}/${id}`,
    because,
    effect,
    applies: (job) => when === null || when(() => contexts.ofJob(job), true),
    holds: (job, offer) => ask(() => contexts.of(job, offer), whenFailed),
  };
}

function positionOf(source: string, at: number): { line: number; column: number } {
  const before = source.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Names and ids that occur twice would make a refusal ambiguous. */
function duplicates(documents: readonly VersionedPolicy[]): readonly PolicyProblem[] {
  const about = { position: null, remedy: 'give each its own' };
  const names = repeated(documents.map(({ document }) => document.name)).map((name) => ({
    ...about,
    policy: name,
    ruleId: null,
    field: 'name' as const,
    message: `several policies are called ${name}`,
  }));
  const ids = documents.flatMap(({ document }) =>
    repeated(document.rules.map(({ id }) => id)).map((id) => ({
      ...about,
      policy: document.name,
      ruleId: id,
      field: 'id' as const,
      message: `several rules are called ${id}`,
    })),
  );
  return [...names, ...ids];
}

function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function mergePreferences(documents: readonly VersionedPolicy[]): CompiledPolicy['preferences'] {
  const merged = new Map<WorkloadClass, Partial<Preferences>>();
  for (const { document } of [...documents].sort(byPrecedence)) {
    for (const [workload, preferences] of Object.entries(document.preferences) as [
      WorkloadClass,
      Partial<Preferences>,
    ][])
      merged.set(workload, { ...merged.get(workload), ...preferences });
  }
  return Object.fromEntries(merged);
}

function byPrecedence({ document: a }: VersionedPolicy, { document: b }: VersionedPolicy): number {
  const shipped =
    Number(b.name.startsWith(BUILTIN_PREFIX)) - Number(a.name.startsWith(BUILTIN_PREFIX));
  return shipped || (a.name < b.name ? -1 : 1);
}
