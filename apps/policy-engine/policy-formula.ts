import { serialize, type ASTNode } from '@marcbachmann/cel-js';
import { childrenOf, fieldsRead } from './policy-bounds';
import { fieldOf, fieldsOf } from './policy-fields';

/** A value that expressions ask about, by a name under which all expressions mean the same. */
export interface Variable {
  readonly key: string;
  /** Whether it is settled by the job and the moment alone. */
  readonly isOfJob: boolean;
}

/** A question about one value. */
export type Atom = Variable &
  (
    | {
        readonly asks: 'compare';
        readonly operator: Comparison;
        readonly constant: string | number;
        readonly type: 'string' | 'double';
        /** The only texts that there can be, where there are such. */
        readonly values: readonly string[] | null;
      }
    | { readonly asks: 'truth' }
    /** Whether a list has a member; `list` names the list. */
    | { readonly asks: 'member'; readonly list: string; readonly member: string }
    /** Anything else: true or false as it likes, or failing. */
    | { readonly asks: 'anything'; readonly mayFail: boolean }
  );

const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof comparisons)[number];

const mirrored: { readonly [C in Comparison]: Comparison } = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** The boolean skeleton of an expression. */
export type Formula =
  | { readonly is: 'constant'; readonly value: boolean }
  | { readonly is: 'atom'; readonly atom: Atom }
  | { readonly is: 'not'; readonly of: Formula }
  | { readonly is: 'and' | 'or'; readonly left: Formula; readonly right: Formula }
  | {
      readonly is: 'if';
      readonly condition: Formula;
      readonly whenTrue: Formula;
      readonly whenFalse: Formula;
    };

/** What an expression says, as far as it is made of comparisons; the rest are questions that may be answered either way. */
export function formulaOf(node: ASTNode): Formula {
  switch (node.op) {
    case 'value':
      return typeof node.args === 'boolean' ? { is: 'constant', value: node.args } : anything(node);
    case '&&':
      return { is: 'and', left: formulaOf(node.args[0]), right: formulaOf(node.args[1]) };
    case '||':
      return { is: 'or', left: formulaOf(node.args[0]), right: formulaOf(node.args[1]) };
    case '!_':
      return { is: 'not', of: formulaOf(node.args) };
    case '?:': {
      const [condition, whenTrue, whenFalse] = node.args.map(formulaOf);
      return condition && whenTrue && whenFalse
        ? { is: 'if', condition, whenTrue, whenFalse }
        : anything(node);
    }
    case 'in':
      return membership(node.args[0], node.args[1]) ?? anything(node);
    case '.':
      return truthOf(node) ?? anything(node);
    default:
      return comparisons.some((operator) => operator === node.op)
        ? (comparisonOf(node) ?? anything(node))
        : anything(node);
  }
}

/** Every atom of a formula. */
export function atomsOf(formula: Formula): readonly Atom[] {
  switch (formula.is) {
    case 'constant':
      return [];
    case 'atom':
      return [formula.atom];
    case 'not':
      return atomsOf(formula.of);
    case 'if':
      return [formula.condition, formula.whenTrue, formula.whenFalse].flatMap(atomsOf);
    default:
      return [...atomsOf(formula.left), ...atomsOf(formula.right)];
  }
}

function comparisonOf(node: ASTNode): Formula | null {
  const [left, right] = node.args as [ASTNode, ASTNode];
  const operator = node.op as Comparison;
  return compared(left, operator, right) ?? compared(right, mirrored[operator], left);
}

function compared(asked: ASTNode, operator: Comparison, to: ASTNode): Formula | null {
  const constant = constantOf(to);
  if (constant === null) return null;
  if (typeof constant === 'boolean') {
    if (operator !== '==' && operator !== '!=') return null;
    const asTrue = formulaOf(asked);
    return (operator === '==') === constant ? asTrue : { is: 'not', of: asTrue };
  }
  const value = scalarOf(asked);
  if (value === null || (value.type === 'string') !== (typeof constant === 'string')) return null;
  return { is: 'atom', atom: { ...value, asks: 'compare', operator, constant } };
}

interface Scalar extends Variable {
  readonly type: 'string' | 'double';
  readonly values: readonly string[] | null;
}

/** A text or number of ours, or the size of a list of ours. */
function scalarOf(node: ASTNode): Scalar | null {
  const sized = sizedList(node);
  if (sized !== null) return { ...sized, key: `size ${sized.key}`, type: 'double', values: null };
  const field = ourField(node);
  if (field === null || (field.type !== 'string' && field.type !== 'double')) return null;
  const { key, isOfJob, type, values } = field;
  return { key, isOfJob, type, values };
}

function sizedList(node: ASTNode): Variable | null {
  const over =
    node.op === 'call' && node.args[0] === 'size'
      ? node.args[1][0]
      : node.op === 'rcall' && node.args[0] === 'size'
        ? node.args[1]
        : undefined;
  const field = over === undefined ? null : ourField(over);
  return field?.type === 'list<string>' ? { key: field.key, isOfJob: field.isOfJob } : null;
}

function membership(element: ASTNode, list: ASTNode): Formula | null {
  if (list.op === 'list') return oneOfConstants(element, list.args);
  const field = ourField(list);
  const member = constantOf(element);
  if (field === null || typeof member !== 'string') return null;
  if (field.type !== 'list<string>' && field.type !== 'map<string, string>') return null;
  const { key, isOfJob } = field;
  const name = `${JSON.stringify(member)} in ${key}`;
  return { is: 'atom', atom: { key: name, isOfJob, asks: 'member', list: key, member } };
}

/** `x in [a, b]` is `x == a || x == b`. */
function oneOfConstants(element: ASTNode, list: readonly ASTNode[]): Formula | null {
  const parts = list.map((one) => compared(element, '==', one));
  return parts.reduce<Formula | null>(
    (any, part) => (any === null || part === null ? null : { is: 'or', left: any, right: part }),
    { is: 'constant', value: false },
  );
}

function truthOf(node: ASTNode): Formula | null {
  const field = ourField(node);
  if (field?.type !== 'bool') return null;
  return { is: 'atom', atom: { key: field.key, isOfJob: field.isOfJob, asks: 'truth' } };
}

function anything(node: ASTNode): Formula {
  const isOfJob = [...fieldsRead(node)].every(isJobField);
  const key = serialize(node);
  return { is: 'atom', atom: { key, isOfJob, asks: 'anything', mayFail: mayFail(node) } };
}

/** The same facts under two names. */
const sameAs: Readonly<Record<string, string>> = {
  'provider.kind': 'offer.kind',
  'provider.id': 'offer.provider',
};

function ourField(node: ASTNode) {
  if (node.op !== '.' || node.args[0].op !== 'id') return null;
  const [variable, name] = [node.args[0].args, node.args[1]];
  const declared = fieldOf(variable, name);
  if (declared === undefined) return null;
  const own = `${variable}.${name}`;
  const values = declared.values ?? null;
  return { key: sameAs[own] ?? own, isOfJob: isJobField(own), type: declared.type, values };
}

function isJobField(field: string): boolean {
  return field.startsWith('job') || field.startsWith('now');
}

/** Text, number or truth written out; null for everything else. */
export function constantOf(node: ASTNode): string | number | boolean | null {
  if (node.op === '-_') {
    const positive = constantOf(node.args);
    return typeof positive === 'number' ? -positive : null;
  }
  if (node.op === '!_') {
    const positive = constantOf(node.args);
    return typeof positive === 'boolean' ? !positive : null;
  }
  if (node.op !== 'value') return null;
  const { args } = node;
  if (typeof args === 'bigint') return Number(args);
  return typeof args === 'string' || typeof args === 'number' || typeof args === 'boolean'
    ? args
    : null;
}

/** Whether evaluation can fail: a key that is not there, a number that cannot be read, a division by zero. */
function mayFail(node: ASTNode): boolean {
  if (node.op === '[]' || node.op === '[?]' || node.op === '/' || node.op === '%') return true;
  if (node.op === 'call' && node.args[0] === 'double') return true;
  // `has` is the one way to ask for a key that may be missing.
  if (node.op === 'call' && node.args[0] === 'has') return false;
  if (node.op === '.' && !(node.args[0].op === 'id' && fieldsOf(node.args[0].args) !== undefined))
    return true;
  return childrenOf(node).some(mayFail);
}
