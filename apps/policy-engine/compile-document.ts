import {
  placeMatcher,
  type Applies,
  type CompiledCharge,
  type CompiledLimit,
  type CompiledPreference,
  type CompiledProfile,
  type CompiledRule,
  type FieldsRead,
  type Holds,
  type OfferCharge,
  type PolicyDocument,
  type PolicyLimit,
  type PolicyPreference,
  type PolicyRule,
  type Preferences,
  type WorkloadClass,
} from '#libs/domain';
import { Clauses, type Clause } from './compile-clause';
import type { RuleContexts } from './policy-context';
import { problemAt, type DocumentPlace, type PolicyProblem } from './policy-problem';

/** A rule with the expressions that it was made from. */
export interface RuleParts {
  readonly compiled: CompiledRule;
  readonly when: Clause | null;
  readonly requires: readonly Clause[];
  readonly forbids: readonly Clause[];
}

/** A preference with the expressions that it was made from. */
export interface PreferenceParts {
  readonly compiled: CompiledPreference;
  /** For rates by class: the class that they are for. */
  readonly workload: WorkloadClass | null;
  /** Whether it holds for every job of its class at all times. */
  readonly isUnconditional: boolean;
  readonly place: DocumentPlace;
  readonly when: Clause | null;
  readonly premium: Clause | null;
  readonly discount: Clause | null;
}

export interface LimitParts {
  readonly compiled: CompiledLimit;
  readonly when: Clause | null;
  readonly offers: Clause | null;
}

/** One document, compiled by itself. What does not compile is missing, and among the problems. */
export interface CompiledDocument {
  readonly document: PolicyDocument;
  readonly rules: readonly RuleParts[];
  /** Those of more precedence later. */
  readonly preferences: readonly PreferenceParts[];
  readonly limits: readonly LimitParts[];
  readonly profiles: readonly CompiledProfile[];
  /** Every expression that compiles, also of parts that do not as a whole. */
  readonly clauses: readonly Clause[];
  readonly problems: readonly PolicyProblem[];
}

/** What the parts of one document share. */
interface Parts {
  readonly document: PolicyDocument;
  readonly clauses: Clauses;
  /** Whether the document speaks of a job at a moment at all. */
  readonly speaks: Applies | null;
}

const READS_NOTHING: FieldsRead = new Set();

/** Compile one document. A `when` that fails counts as true, and whatever fails refuses: never taken for consent. */
export function compileDocument(
  document: PolicyDocument,
  contexts: RuleContexts,
): CompiledDocument {
  const clauses = new Clauses(contexts);
  const parts: Parts = { document, clauses, speaks: gateOf(document) };
  const rules = document.rules.map((rule, index) => compileRule(rule, index, parts));
  const prefer = [...(document.prefer ?? []).entries()]
    .map(([index, preference]) => compilePreference(preference, index, parts))
    .sort((a, b) => (a.compiled.id < b.compiled.id ? -1 : 1));
  const limits = (document.limits ?? []).map((limit, index) => compileLimit(limit, index, parts));
  return {
    document,
    rules: rules.flatMap((rule) => rule ?? []),
    preferences: [...tolerances(parts), ...classRates(parts), ...prefer],
    limits,
    profiles: profilesOf(parts),
    clauses: clauses.all,
    problems: [...clauses.problems, ...incomplete(document)],
  };
}

/** Scope and period of a document; null when it speaks always and of everything. */
function gateOf({ scope, effective }: PolicyDocument): Applies | null {
  if (scope === undefined && effective === undefined) return null;
  const projects = scope?.projects.map((glob) => placeMatcher(`project/${glob}`)) ?? null;
  const fromMs = effective?.from == null ? -Infinity : Date.parse(effective.from);
  const untilMs = effective?.until == null ? Infinity : Date.parse(effective.until);
  return ({ spec }, nowMs) =>
    nowMs >= fromMs &&
    nowMs < untilMs &&
    (projects === null || projects.some((matches) => matches(`project/${spec.project}`)));
}

function compileRule(rule: PolicyRule, index: number, parts: Parts): RuleParts | null {
  const { clauses } = parts;
  const at = placer(parts.document.name, rule.id, `/rules/${index}`);
  const when = clauses.compile(rule.when, 'job', at('when'));
  const requires = compileEach(rule.require, 'require', at, clauses);
  const forbids = compileEach(rule.forbid, 'forbid', at, clauses);
  const holds = holdsAll(requires, forbids, clauses);
  if (holds === null) return null;
  const compiled: CompiledRule = {
    id: `${parts.document.name}/${rule.id}`,
    because: rule.because,
    effect: requires.length > 0 ? 'require' : 'forbid',
    applies: appliesOf(when, parts),
    holds,
    reads: union([...requires, ...forbids]),
    whenReads: whenReadsOf(when, parts.document),
  };
  return { compiled, when, requires, forbids };
}

/** With requirements, what must hold; of prohibitions alone, what must not. */
function holdsAll(
  requires: readonly Clause[],
  forbids: readonly Clause[],
  clauses: Clauses,
): Holds | null {
  const must = requires.map((clause) => clauses.holdsBy(clause, false));
  const mustNot = forbids.map((clause) => clauses.holdsBy(clause, true));
  const [first] = must;
  const [firstForbidden] = mustNot;
  if (first === undefined && firstForbidden === undefined) return null;
  if (must.length === 1 && mustNot.length === 0 && first !== undefined) return first;
  if (must.length === 0 && mustNot.length === 1 && firstForbidden !== undefined)
    return firstForbidden;
  const isForbidden: Holds = (job, offer, around) =>
    mustNot.some((holds) => holds(job, offer, around));
  if (must.length === 0) return isForbidden;
  return (job, offer, around) =>
    must.every((holds) => holds(job, offer, around)) && !isForbidden(job, offer, around);
}

function compileEach(
  sources: string | readonly string[] | undefined,
  field: 'require' | 'forbid',
  at: (field: string) => DocumentPlace,
  clauses: Clauses,
): readonly Clause[] {
  if (sources === undefined) return [];
  const places =
    typeof sources === 'string'
      ? [[sources, at(field)] as const]
      : sources.map((source, index) => [source, at(`${field}/${index}`)] as const);
  return places.flatMap(([source, place]) => clauses.compile(source, 'job-and-offer', place) ?? []);
}

function compilePreference(
  { id, when: condition, rates, premium, discount }: PolicyPreference,
  index: number,
  parts: Parts,
): PreferenceParts {
  const { clauses, document } = parts;
  const at = placer(document.name, id, `/prefer/${index}`);
  const compile = (charge: OfferCharge | undefined, field: string): Clause | null =>
    clauses.compile(charge?.offers, 'job-and-offer', at(`${field}/offers`));
  const when = clauses.compile(condition, 'job', at('when'));
  const dearer = compile(premium, 'premium');
  const cheaper = compile(discount, 'discount');
  const named = `${document.name}/${id}`;
  const charges = [
    ...chargeOf(named, premium, dearer, (clause) => clauses.holdsBy(clause, true)),
    ...chargeOf(named, discount, cheaper, (clause) => not(clauses.holdsBy(clause, false))),
  ];
  return {
    compiled: { id: named, applies: appliesOf(when, parts), rates: rates ?? {}, charges },
    workload: null,
    isUnconditional: when === null && parts.speaks === null,
    place: at('rates'),
    when,
    premium: dearer,
    discount: cheaper,
  };
}

function chargeOf(
  id: string,
  charge: OfferCharge | undefined,
  clause: Clause | null,
  holdsBy: (clause: Clause) => Holds,
): readonly CompiledCharge[] {
  if (charge === undefined || clause === null) return [];
  return [{ id, perHour: charge.perHour, holds: holdsBy(clause), reads: clause.reads }];
}

function compileLimit(
  { id, when: condition, offers: covered, because, ...maxima }: PolicyLimit,
  index: number,
  parts: Parts,
): LimitParts {
  const at = placer(parts.document.name, id, `/limits/${index}`);
  const when = parts.clauses.compile(condition, 'job', at('when'));
  const offers = parts.clauses.compile(covered, 'job-and-offer', at('offers'));
  const compiled: CompiledLimit = {
    id: `${parts.document.name}/${id}`,
    because,
    applies: appliesOf(when, parts),
    covers: offers === null ? () => true : parts.clauses.holdsBy(offers, true),
    maxima,
    reads: offers?.reads ?? READS_NOTHING,
  };
  return { compiled, when, offers };
}

function profilesOf({ document, speaks }: Parts): readonly CompiledProfile[] {
  return entriesOf(document.profiles ?? {}).map(([workload, profile]) => ({
    id: `${document.name}/profiles/${workload}`,
    workload,
    applies: speaks ?? always,
    profile,
  }));
}

/** The tolerances of the profiles, as exchange rates. */
function tolerances(parts: Parts): readonly PreferenceParts[] {
  return entriesOf(parts.document.profiles ?? {}).flatMap(([workload, profile]) =>
    profile.latenessToleranceBps === undefined
      ? []
      : [
          byClass(workload, 'profiles', parts, {
            latenessToleranceBps: profile.latenessToleranceBps,
          }),
        ],
  );
}

function classRates(parts: Parts): readonly PreferenceParts[] {
  return entriesOf(parts.document.preferences).map(([workload, rates]) =>
    byClass(workload, 'preferences', parts, rates),
  );
}

function byClass(
  workload: WorkloadClass,
  field: 'preferences' | 'profiles',
  { document, speaks }: Parts,
  rates: Partial<Preferences>,
): PreferenceParts {
  const pointer = `/${field}/${workload}`;
  const isOfClass: Applies = (job, nowMs) =>
    job.spec.workload === workload && (speaks === null || speaks(job, nowMs));
  return {
    compiled: { id: `${document.name}${pointer}`, applies: isOfClass, rates, charges: [] },
    workload,
    isUnconditional: speaks === null,
    place: { policy: document.name, ruleId: null, field, pointer },
    when: null,
    premium: null,
    discount: null,
  };
}

function always(): boolean {
  return true;
}

function not(holds: Holds): Holds {
  return (job, offer, around) => !holds(job, offer, around);
}

function appliesOf(when: Clause | null, { clauses, speaks }: Parts): Applies {
  if (when === null) return speaks ?? always;
  const holds = clauses.appliesBy(when, true);
  return speaks === null ? holds : (job, nowMs) => speaks(job, nowMs) && holds(job, nowMs);
}

function whenReadsOf(when: Clause | null, { scope, effective }: PolicyDocument): FieldsRead {
  return new Set([
    ...(when?.reads ?? []),
    ...(scope === undefined ? [] : ['job.project']),
    ...(effective === undefined ? [] : ['now.timestamp']),
  ]);
}

function union(clauses: readonly Clause[]): FieldsRead {
  return new Set(clauses.flatMap(({ reads }) => [...reads]));
}

function placer(policy: string, ruleId: string, pointer: string) {
  return (field: string): DocumentPlace => ({
    policy,
    ruleId,
    field: field.split('/')[0] ?? field,
    pointer: `${pointer}/${field}`,
  });
}

/** What the shape of a document should have kept out, for documents that came another way. */
function incomplete({ name, rules }: PolicyDocument): readonly PolicyProblem[] {
  return [...rules.entries()].flatMap(([index, { id, require, forbid }]) =>
    require === undefined && forbid === undefined
      ? [
          problemAt(
            placer(name, id, `/rules/${index}`)('require'),
            'has neither require nor forbid',
            'add the one that is missing',
          ),
        ]
      : [],
  );
}

function entriesOf<T>(
  record: Readonly<Partial<Record<WorkloadClass, T>>>,
): readonly [WorkloadClass, T][] {
  return Object.entries(record) as [WorkloadClass, T][];
}
