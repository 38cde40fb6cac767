import type { Atom, Comparison, Formula } from './policy-formula';
import { atomsOf } from './policy-formula';

/** More states than this are not looked at: the question stays open then. */
export const MAX_STATES = 20_000;

/** What evaluation comes to; a failure is neither true nor false. */
export type Answer = boolean | 'fails';
/** The answer of a formula in a state: one number for each value that is asked about, an index into its possibilities. */
export type InState = (state: readonly number[]) => Answer;

/** The ways in which one value can be, as far as questions can tell them apart. */
interface Dimension {
  readonly key: string;
  readonly size: number;
  readonly answer: (atom: Atom, at: number) => Answer;
}

/**
 * All ways in which jobs and offers can be, as far as some formulas can tell them apart. Values that are asked about in ways
 * that are not understood are taken to be independent, so that there may be states that cannot occur, but every one that can
 * is among them: what holds in all states holds always.
 */
export interface StateSpace {
  /** What a job and a moment settle; the rest of a state is 0. */
  readonly jobStates: readonly (readonly number[])[];
  /** Every way in which the rest can be; added to a job's state. */
  readonly offerStates: readonly (readonly number[])[];
  readonly compile: (formula: Formula) => InState;
}

/** Null when there are more than `MAX_STATES`. */
export function statesOf(formulas: readonly Formula[]): StateSpace | null {
  const atoms = formulas.flatMap(atomsOf);
  const dimensions = dimensionsOf(atoms);
  const isOfJob = new Map(atoms.map((atom) => [atom.key, atom.isOfJob]));
  const states = dimensions.reduce((product, { size }) => product * size, 1);
  if (states > MAX_STATES) return null;
  const relations = relationsOf(atoms, dimensions);
  const possible = (state: readonly number[]): boolean =>
    relations.every((relation) => relation(state));
  const indexOf = new Map(dimensions.map(({ key }, index) => [key, index]));
  return {
    jobStates: vary(dimensions, ({ key }) => isOfJob.get(key) === true).filter(possible),
    offerStates: vary(dimensions, ({ key }) => isOfJob.get(key) !== true).filter(possible),
    compile: (formula) => compileFormula(formula, dimensions, indexOf),
  };
}

/** Both parts of a state together; each is 0 where the other is not. */
export function together(job: readonly number[], offer: readonly number[]): readonly number[] {
  return job.map((value, index) => value + (offer[index] ?? 0));
}

function vary(
  dimensions: readonly Dimension[],
  isVaried: (dimension: Dimension) => boolean,
): readonly (readonly number[])[] {
  let states: number[][] = [[]];
  for (const dimension of dimensions) {
    const size = isVaried(dimension) ? dimension.size : 1;
    states = states.flatMap((state) => Array.from({ length: size }, (_, at) => [...state, at]));
  }
  return states;
}

function dimensionsOf(atoms: readonly Atom[]): readonly Dimension[] {
  const keys = [...new Set(atoms.map(({ key }) => key))];
  return keys.map((key) => {
    const mine = atoms.filter((atom) => atom.key === key);
    const compared = mine.filter((atom) => atom.asks === 'compare');
    if (compared.length > 0) return scalar(key, compared);
    const fails = mine.some((atom) => atom.asks === 'anything' && atom.mayFail);
    return {
      key,
      size: fails ? 3 : 2,
      answer: (_atom, at) => (at === 2 ? 'fails' : at === 1),
    };
  });
}

type Compared = Extract<Atom, { asks: 'compare' }>;

/** A place on the line of values: on a constant, or in the gap before it. */
interface Place {
  readonly rank: number;
  readonly isConstant: boolean;
}

/** A value falls on one of the constants that it is compared with, or between them; closed vocabularies have no between. */
function scalar(key: string, atoms: readonly Compared[]): Dimension {
  const [first] = atoms;
  const values = first?.values ?? null;
  // Whether a list is empty matters to what is in it.
  const written = [...atoms.map(({ constant }) => constant), ...(isSize(key) ? [0] : [])];
  const line = [...new Set([...written, ...(values ?? [])])].sort(ascending);
  const places = values === null ? openPlaces(line) : closedPlaces(line, values);
  const rankOf = new Map(line.map((constant, rank) => [constant, rank]));
  return {
    key,
    size: Math.max(1, places.length),
    answer: (atom, at) => {
      const place = places[at];
      if (place === undefined || atom.asks !== 'compare') return false;
      const rank = rankOf.get(atom.constant);
      return rank === undefined ? false : holdsAt(place, atom.operator, rank);
    },
  };
}

function isSize(key: string): boolean {
  return key.startsWith('size ');
}

function openPlaces(line: readonly (string | number)[]): readonly Place[] {
  const places = line.flatMap((_, rank) => [
    { rank, isConstant: false },
    { rank, isConstant: true },
  ]);
  return [...places, { rank: line.length, isConstant: false }].filter(
    ({ rank, isConstant }) => !isBelowLeast(line[rank], isConstant),
  );
}

/** No text is before "", and no number of ours is negative. */
function isBelowLeast(constant: string | number | undefined, isConstant: boolean): boolean {
  if (constant === undefined) return false;
  if (typeof constant === 'string') return !isConstant && constant === '';
  return isConstant ? constant < 0 : constant <= 0;
}

function closedPlaces(
  line: readonly (string | number)[],
  values: readonly string[],
): readonly Place[] {
  return line.flatMap((constant, rank) =>
    values.some((value) => value === constant) ? [{ rank, isConstant: true }] : [],
  );
}

function holdsAt({ rank, isConstant }: Place, operator: Comparison, at: number): boolean {
  const isEqual = isConstant && rank === at;
  const isLess = isConstant ? rank < at : rank <= at;
  const answers: { readonly [C in Comparison]: boolean } = {
    '==': isEqual,
    '!=': !isEqual,
    '<': isLess,
    '<=': isLess || isEqual,
    '>': !isLess && !isEqual,
    '>=': !isLess,
  };
  return answers[operator];
}

function ascending(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Relation = (state: readonly number[]) => boolean;

/** What is known of values that depend on one another. */
function relationsOf(
  atoms: readonly Atom[],
  dimensions: readonly Dimension[],
): readonly Relation[] {
  const indexOf = (key: string): number => dimensions.findIndex((one) => one.key === key);
  const members = atoms.filter((atom) => atom.asks === 'member');
  return members.flatMap(({ key, list, member, isOfJob }) => {
    const at = indexOf(key);
    const relations: Relation[] = [];
    const size = indexOf(`size ${list}`);
    if (size >= 0) {
      // A list with a member is not empty.
      const isPositive = positive(`size ${list}`, isOfJob);
      relations.push((state) => state[at] !== 1 || isPositive(dimensions[size], state[size] ?? 0));
    }
    const whole = indexOf('job.dataClass');
    if (list === 'job.dataClasses' && whole >= 0) {
      // The class of the job as a whole is among the classes of its data.
      const isMember = equal('job.dataClass', member);
      relations.push((state) => state[at] === 1 || !isMember(dimensions[whole], state[whole] ?? 0));
    }
    return relations;
  });
}

function positive(key: string, isOfJob: boolean) {
  return asking({
    key,
    isOfJob,
    asks: 'compare',
    operator: '>',
    constant: 0,
    type: 'double',
    values: null,
  });
}

function equal(key: string, constant: string) {
  return asking({
    key,
    isOfJob: true,
    asks: 'compare',
    operator: '==',
    constant,
    type: 'string',
    values: null,
  });
}

function asking(atom: Atom) {
  return (dimension: Dimension | undefined, at: number): boolean =>
    dimension?.answer(atom, at) === true;
}

function compileFormula(
  formula: Formula,
  dimensions: readonly Dimension[],
  indexOf: ReadonlyMap<string, number>,
): InState {
  const compile = (part: Formula): InState => compileFormula(part, dimensions, indexOf);
  switch (formula.is) {
    case 'constant':
      return () => formula.value;
    case 'atom': {
      const index = indexOf.get(formula.atom.key) ?? 0;
      const dimension = dimensions[index];
      const answers = Array.from({ length: dimension?.size ?? 1 }, (_, at) =>
        dimension === undefined ? false : dimension.answer(formula.atom, at),
      );
      return (state) => answers[state[index] ?? 0] ?? false;
    }
    case 'not': {
      const of = compile(formula.of);
      return (state) => {
        const answer = of(state);
        return answer === 'fails' ? answer : !answer;
      };
    }
    case 'if': {
      const [condition, whenTrue, whenFalse] = [
        compile(formula.condition),
        compile(formula.whenTrue),
        compile(formula.whenFalse),
      ];
      return (state) => {
        const answer = condition(state);
        return answer === 'fails' ? answer : (answer ? whenTrue : whenFalse)(state);
      };
    }
    default: {
      // In CEL a side that settles the answer does so even when the other side fails.
      const settles = formula.is === 'or';
      const [left, right] = [compile(formula.left), compile(formula.right)];
      return (state) => {
        const one = left(state);
        if (one === settles) return settles;
        const other = right(state);
        if (other === settles) return settles;
        return one === 'fails' || other === 'fails' ? 'fails' : !settles;
      };
    }
  }
}
