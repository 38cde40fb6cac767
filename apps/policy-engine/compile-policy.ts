import type {
  CompiledPolicy,
  CompiledPreference,
  PolicyDocument,
  Preferences,
  WorkloadClass,
} from '#libs/domain';
import { compileDocument, type CompiledDocument, type PreferenceParts } from './compile-document';
import { RuleContexts } from './policy-context';
import type { PolicyProblem } from './policy-problem';
import { RuleVocabulary } from './rule-vocabulary';

export type { PolicyProblem } from './policy-problem';

/** A policy in force: the document and the version under which it is stored. */
export interface VersionedPolicy {
  readonly document: PolicyDocument;
  readonly version: number;
}

/** What the names of the policies that are shipped begin with. */
export const BUILTIN_PREFIX = 'builtin-';

export type PolicyCompilation =
  | { readonly ok: true; readonly policy: CompiledPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/**
 * Compile the policies in force into one, or report every mistake in them. The order of documents and of what is in them means
 * nothing: rules and limits only ever refuse, and exchange rates and profiles are merged field by field, the one with more
 * precedence winning (see `byPrecedence`).
 *
 * A rule whose evaluation fails (a missing label, a list beyond its limit) refuses the offer, be it `require` or `forbid`,
 * and a `when` that fails counts as true: a policy that cannot be asked is never taken for consent.
 */
export function compilePolicies(documents: readonly VersionedPolicy[]): PolicyCompilation {
  const contexts = new RuleContexts();
  const compiled = [...documents]
    .sort((a, b) => byPrecedence(a.document, b.document))
    .map(({ document }) => compileDocument(document, contexts));
  const problems = [...duplicates(documents), ...compiled.flatMap((document) => document.problems)];
  if (problems.length > 0) return { ok: false, problems };
  const policy = joined(compiled, versionsOf(documents));
  return { ok: true, policy: { ...policy, vocabulary: new RuleVocabulary(contexts) } };
}

/** Names and versions of policies, sorted: what a compiled policy is called. */
export function versionsOf(documents: readonly VersionedPolicy[]): string {
  return documents
    .map(({ document, version }) => `${document.name}@${version}`)
    .sort()
    .join(',');
}

/** One policy out of compiled documents, those of more precedence later. */
export function joined(documents: readonly CompiledDocument[], version: string): CompiledPolicy {
  return {
    version,
    rules: documents.flatMap(({ rules }) => rules.map(({ compiled }) => compiled)),
    ...ratesOf(documents.flatMap(({ preferences }) => preferences)),
    limits: documents.flatMap(({ limits }) => limits.map(({ compiled }) => compiled)),
    profiles: documents.flatMap(({ profiles }) => profiles),
  };
}

/** The rates that hold whatever comes before the first conditional one are merged now; from there on it depends on the job. */
function ratesOf(
  parts: readonly PreferenceParts[],
): Pick<CompiledPolicy, 'preferences'> & { readonly prefer: readonly CompiledPreference[] } {
  const merged = new Map<WorkloadClass, Partial<Preferences>>();
  const firstOpen = parts.findIndex(
    ({ workload, isUnconditional }) => workload === null || !isUnconditional,
  );
  const settled = firstOpen < 0 ? parts : parts.slice(0, firstOpen);
  for (const { workload, compiled } of settled)
    if (workload !== null) merged.set(workload, { ...merged.get(workload), ...compiled.rates });
  return {
    preferences: Object.fromEntries(merged),
    prefer: parts.slice(settled.length).map(({ compiled }) => compiled),
  };
}

/** Less precedence first: shipped policies before all others, then by priority, then by name. */
export function byPrecedence(a: PolicyDocument, b: PolicyDocument): number {
  const shipped = Number(isShipped(b)) - Number(isShipped(a));
  return shipped || (a.priority ?? 0) - (b.priority ?? 0) || (a.name < b.name ? -1 : 1);
}

function isShipped({ name }: PolicyDocument): boolean {
  return name.startsWith(BUILTIN_PREFIX);
}

/** Names and ids that occur twice would make a refusal ambiguous. */
function duplicates(documents: readonly VersionedPolicy[]): readonly PolicyProblem[] {
  const about = { position: null, remedy: 'give each its own' };
  const names = repeated(documents.map(({ document }) => document.name)).map((name) => ({
    ...about,
    policy: name,
    ruleId: null,
    field: 'name',
    pointer: '/name',
    message: `several policies are called ${name}`,
  }));
  return [...names, ...documents.flatMap(({ document }) => repeatedIds(document))];
}

function repeatedIds({ name, rules, limits = [], prefer = [] }: PolicyDocument) {
  const places = Object.entries({ rules, limits, prefer }).flatMap(([list, entries]) =>
    entries.map(({ id }, index) => ({ id, pointer: `/${list}/${index}/id` })),
  );
  const twice = new Set(repeated(places.map(({ id }) => id)));
  return places
    .filter(({ id }, index) => twice.has(id) && places.findIndex((p) => p.id === id) !== index)
    .map(({ id, pointer }) => ({
      policy: name,
      ruleId: id,
      field: 'id',
      pointer,
      position: null,
      message: `several rules are called ${id}`,
      remedy: 'give each its own',
    }));
}

function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
