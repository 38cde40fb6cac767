import { workloadClasses, type PolicyDocument } from '#libs/domain';
import type { CompiledDocument, PreferenceParts, RuleParts } from './compile-document';
import type { Clause } from './compile-clause';
import { formulaOf, type Formula } from './policy-formula';
import { problemAt, type PolicyProblem } from './policy-problem';
import { statesOf, together, type Answer, type InState } from './policy-states';

/** States looked at in one analysis; what is not compared by then is said to be so. */
export const MAX_LOOKS = 1_000_000;
/** What it costs, in looks, to find out which states there are. */
const SPACE_LOOKS = 100;

/** What is proven wrong, and what deserves a look. */
export interface Analysis {
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
}

/** Looks that are left; shared by all questions of one analysis. */
interface Budget {
  looks: number;
  isSpent: boolean;
}

/**
 * What follows from the expressions of a document alone: rules that can never apply, can never refuse, refuse everything, repeat
 * another or leave nothing together with another, and rates that never hold. Only what holds in every case is a problem.
 * `others` are documents in force beside it; what is so only because of them is a warning. Bounded by `MAX_LOOKS`.
 */
export function analyse(own: CompiledDocument, others: readonly CompiledDocument[] = []): Analysis {
  const budget: Budget = { looks: MAX_LOOKS, isSpent: false };
  const rules = own.rules.map((rule) => skeletonOf(rule));
  const alone = rules.map((rule) => aloneProblem(rule, budget));
  const sound = rules.filter((_, index) => alone[index] === null);
  const pairs = sound.flatMap((rule, index) =>
    sound.slice(0, index).map((earlier) => pairProblem(rule, earlier, budget)),
  );
  const across = others
    .filter(({ document }) => document.name !== own.document.name)
    .flatMap((other) => acrossWarnings(sound, own.document, other, budget));
  return {
    problems: [
      ...alone.flatMap((problem) => problem ?? []),
      ...pairs.flatMap((found) => found?.problem ?? []),
      ...partProblems(own, budget),
      ...unusedPreferences(own.preferences, budget),
    ],
    warnings: [
      ...pairs.flatMap((found) => found?.warning ?? []),
      ...across,
      ...(budget.isSpent ? [notAllCompared(own.document)] : []),
    ],
  };
}

/** A rule as formulas. */
interface Skeleton {
  readonly rule: RuleParts;
  readonly when: Formula;
  readonly requires: readonly Formula[];
  readonly forbids: readonly Formula[];
  readonly fields: ReadonlySet<string>;
  /** Written as plainly true or false: it is meant to refuse all or nothing. */
  readonly isPlain: boolean;
}

const TRUE: Formula = { is: 'constant', value: true };

function skeletonOf(rule: RuleParts): Skeleton {
  const clauses = [...rule.requires, ...rule.forbids];
  return {
    rule,
    when: rule.when === null ? TRUE : formulaOf(rule.when.ast),
    requires: rule.requires.map(({ ast }) => formulaOf(ast)),
    forbids: rule.forbids.map(({ ast }) => formulaOf(ast)),
    fields: new Set(clauses.flatMap(({ reads }) => [...reads].map(named))),
    isPlain: clauses.every(({ ast }) => ast.op === 'value'),
  };
}

/** `provider.kind` and `offer.kind` are the same fact. */
function named(field: string): string {
  return field.replace(/^provider\.id$/, 'offer.provider').replace(/^provider\./, 'offer.');
}

interface Asked {
  readonly applies: InState;
  readonly refuses: InState;
}

function formulasOf({ when, requires, forbids }: Skeleton): readonly Formula[] {
  return [when, ...requires, ...forbids];
}

function ask({ when, requires, forbids }: Skeleton, compile: (formula: Formula) => InState): Asked {
  const applies = orElse(compile(when), true);
  const must = requires.map((formula) => orElse(compile(formula), false));
  const mustNot = forbids.map((formula) => orElse(compile(formula), true));
  return {
    applies,
    refuses: (state) =>
      must.some((holds) => holds(state) === false) ||
      mustNot.some((holds) => holds(state) === true),
  };
}

/** What fails counts as the caller says, as it does in decisions. */
function orElse(answer: InState, whenFailed: boolean): InState {
  return (state) => {
    const given: Answer = answer(state);
    return given === 'fails' ? whenFailed : given;
  };
}

function aloneProblem(skeleton: Skeleton, budget: Budget): PolicyProblem | null {
  const space = spaceOf(formulasOf(skeleton), budget);
  if (space === null) return null;
  const { applies, refuses } = ask(skeleton, space.compile);
  const jobs = space.jobStates.filter((job) => applies(job) === true);
  const { when, requires, forbids } = skeleton.rule;
  if (jobs.length === 0 && when !== null)
    return problemAt(when.place, 'is never true, so that the rule can never apply', 'correct it');
  const [clause] = [...requires, ...forbids];
  if (skeleton.isPlain || clause === undefined) return null;
  const answers = new Set(
    jobs.flatMap((job) => space.offerStates.map((offer) => refuses(together(job, offer)) === true)),
  );
  if (!answers.has(false))
    return problemAt(
      clause.place,
      'refuses every offer there can be, for every job that the rule is about',
      clause.place.field === 'forbid'
        ? 'write "true" if that is meant'
        : 'write "false" if that is meant',
    );
  return answers.has(true)
    ? null
    : problemAt(clause.place, 'can never refuse an offer', 'correct it, or remove the rule');
}

interface PairFinding {
  readonly problem?: PolicyProblem;
  readonly warning?: PolicyProblem;
}

/** What two rules say together; null when nothing is to be told. */
function compare(
  one: Skeleton,
  other: Skeleton,
  budget: Budget,
): { readonly repeats: boolean; readonly repeated: boolean; readonly clash: Clash } | null {
  if (one.isPlain || other.isPlain) return null;
  if (![...one.fields].some((field) => other.fields.has(field))) return null;
  const space = spaceOf([...formulasOf(one), ...formulasOf(other)], budget);
  if (space === null) return null;
  const [a, b] = [ask(one, space.compile), ask(other, space.compile)];
  let [repeats, repeated] = [true, true];
  const shared = { jobs: 0, dead: 0, onlyA: false, onlyB: false };
  for (const job of space.jobStates) {
    const [isA, isB] = [a.applies(job) === true, b.applies(job) === true];
    if (!isA && !isB) continue;
    if (!isA) shared.onlyB = true;
    if (!isB) shared.onlyA = true;
    let [isDead, deadByA, deadByB] = [isA && isB, isA, isB];
    for (const offer of space.offerStates) {
      const state = together(job, offer);
      const byA = isA && a.refuses(state) === true;
      const byB = isB && b.refuses(state) === true;
      if (byA && !byB) repeats = false;
      if (byB && !byA) repeated = false;
      if (!byA) deadByA = false;
      if (!byB) deadByB = false;
      if (!byA && !byB) isDead = false;
    }
    // What one of them refuses all by itself is not for both to answer for.
    if (isA && isB && !deadByA && !deadByB) shared.jobs += 1;
    if (isDead && !deadByA && !deadByB) shared.dead += 1;
  }
  return { repeats, repeated, clash: clashOf(shared) };
}

/** Whether two rules leave nothing: for all jobs of one of them, for some jobs, or never. */
type Clash = 'always' | 'sometimes' | 'never';

function clashOf(shared: {
  readonly jobs: number;
  readonly dead: number;
  readonly onlyA: boolean;
  readonly onlyB: boolean;
}): Clash {
  if (shared.dead === 0) return 'never';
  const isWhole = !shared.onlyA || !shared.onlyB;
  return isWhole && shared.dead === shared.jobs ? 'always' : 'sometimes';
}

function pairProblem(later: Skeleton, earlier: Skeleton, budget: Budget): PairFinding | null {
  const found = compare(later, earlier, budget);
  if (found === null) return null;
  const [id, earlierId] = [idOf(later), idOf(earlier)];
  if (found.clash === 'always')
    return {
      problem: problemAt(
        placeOf(later),
        `contradicts ${earlierId}: together they refuse every offer there can be`,
        'keep one of them, or let them be about different jobs',
      ),
    };
  if (found.repeats) return { problem: shadowed(later, earlierId) };
  if (found.repeated) return { problem: shadowed(earlier, id) };
  if (found.clash === 'never') return null;
  return {
    warning: problemAt(
      placeOf(later),
      `leaves no offer there can be for jobs that ${earlierId} is about as well`,
      'make sure that there are no such jobs',
    ),
  };
}

function shadowed(rule: Skeleton, by: string): PolicyProblem {
  return problemAt(
    placeOf(rule),
    `is shadowed: whatever it refuses is refused by ${by} already`,
    'remove it, or make it say more',
  );
}

function acrossWarnings(
  own: readonly Skeleton[],
  document: PolicyDocument,
  other: CompiledDocument,
  budget: Budget,
): readonly PolicyProblem[] {
  const isEverywhere = !isGated(other.document);
  if (!isEverywhere && isGated(document)) return [];
  const theirs = other.rules.map((rule) => skeletonOf(rule));
  return own.flatMap((rule) =>
    theirs.flatMap((their) => {
      const found = compare(rule, their, budget);
      if (found === null) return [];
      const name = their.rule.compiled.id;
      if (found.clash !== 'never')
        return [
          problemAt(
            placeOf(rule),
            `leaves no offer there can be for ${found.clash === 'always' ? 'the' : 'some'} jobs that ${name} is about as well`,
            'make sure that this is meant',
          ),
        ];
      return found.repeats && isEverywhere
        ? [
            problemAt(
              placeOf(rule),
              `has no effect while ${name} is in force, which refuses all that it does`,
              'keep it if it shall outlive that policy',
            ),
          ]
        : [];
    }),
  );
}

function isGated({ scope, effective }: PolicyDocument): boolean {
  return scope !== undefined || effective !== undefined;
}

/** Conditions of preferences and limits that are never true, and charges that never make a difference. */
function partProblems(own: CompiledDocument, budget: Budget): readonly PolicyProblem[] {
  const questions: readonly Question[] = [
    ...own.preferences.flatMap(({ when, premium, discount }) => [
      { clause: when, never: 'is never true, so that the preference never holds' },
      { clause: premium, never: 'matches no offer there can be' },
      {
        clause: discount,
        never: 'matches no offer there can be',
        always: 'matches every offer there can be, so that it makes no difference',
      },
    ]),
    ...own.limits.flatMap(({ when, offers }) => [
      { clause: when, never: 'is never true, so that the limit can never apply' },
      { clause: offers, never: 'matches no offer there can be' },
    ]),
  ];
  return questions.flatMap((question) => answered(question, budget));
}

interface Question {
  readonly clause: Clause | null;
  /** What to say when it is false in all states. */
  readonly never: string;
  readonly always?: string;
}

function answered({ clause, never, always }: Question, budget: Budget): readonly PolicyProblem[] {
  if (clause === null) return [];
  const formula = formulaOf(clause.ast);
  const space = spaceOf([formula], budget);
  if (space === null) return [];
  const asks = space.compile(formula);
  const answers = new Set<Answer>(
    space.jobStates.flatMap((job) => space.offerStates.map((offer) => asks(together(job, offer)))),
  );
  if (answers.size !== 1) return [];
  if (answers.has(false)) return [problemAt(clause.place, never, 'correct it, or remove it')];
  return answers.has(true) && always !== undefined
    ? [problemAt(clause.place, always, 'correct it, or remove it')]
    : [];
}

/** Rates of a document that are overruled by others of the same document whenever they would hold. */
function unusedPreferences(
  preferences: readonly PreferenceParts[],
  budget: Budget,
): readonly PolicyProblem[] {
  return preferences.flatMap((preference, index) => {
    const fields = Object.keys(preference.compiled.rates);
    if (fields.length === 0) return [];
    const by = preferences
      .slice(index + 1)
      .find(
        (later) =>
          fields.every((field) => field in later.compiled.rates) &&
          covers(later, preference, budget),
      );
    return by === undefined
      ? []
      : [
          problemAt(
            preference.place,
            `never holds: ${by.compiled.id} overrules it whenever it would`,
            'remove it, or make the other say less',
          ),
        ];
  });
}

/** Whether one preference holds wherever another does. */
function covers(wide: PreferenceParts, narrow: PreferenceParts, budget: Budget): boolean {
  const whenOf = ({ when, workload }: PreferenceParts): Formula =>
    when !== null ? formulaOf(when.ast) : workload === null ? TRUE : isOfClass(workload);
  const [outer, inner] = [whenOf(wide), whenOf(narrow)];
  const space = spaceOf([outer, inner], budget);
  if (space === null) return false;
  const [holdsWide, holdsNarrow] = [
    orElse(space.compile(outer), true),
    orElse(space.compile(inner), true),
  ];
  return space.jobStates.every((job) => holdsNarrow(job) !== true || holdsWide(job) === true);
}

function isOfClass(workload: string): Formula {
  return {
    is: 'atom',
    atom: {
      key: 'job.workload',
      isOfJob: true,
      asks: 'compare',
      operator: '==',
      constant: workload,
      type: 'string',
      values: workloadClasses,
    },
  };
}

/** The states that tell the formulas apart, or null when there are too many or too much was looked at already. */
function spaceOf(formulas: readonly Formula[], budget: Budget) {
  if (budget.looks <= 0) {
    budget.isSpent = true;
    return null;
  }
  const space = statesOf(formulas);
  budget.looks -=
    SPACE_LOOKS + (space === null ? 0 : space.jobStates.length * space.offerStates.length);
  return space;
}

function placeOf({ rule }: Skeleton) {
  const [clause] = [...rule.requires, ...rule.forbids];
  const place = clause?.place ?? rule.when?.place;
  if (place === undefined) throw new Error(`rule ${rule.compiled.id} says nothing`);
  return place;
}

function idOf({ rule }: Skeleton): string {
  return rule.compiled.id.slice(rule.compiled.id.indexOf('/') + 1);
}

function notAllCompared({ name }: PolicyDocument): PolicyProblem {
  return problemAt(
    { policy: name, ruleId: null, field: 'rules', pointer: '/rules' },
    'has more rules than can be compared with one another',
    'split the policy to have all of them checked against each other',
  );
}
