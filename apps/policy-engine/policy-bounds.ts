import type { ASTNode } from '@marcbachmann/cel-js';
import { fieldOf, fieldsOf, policyFields, type PolicyVariable } from './policy-fields';

/** Longest expression in characters, and its largest tree. */
export const MAX_EXPRESSION_LENGTH = 4_000;
export const MAX_NODES = 256;
export const MAX_DEPTH = 24;
export const MAX_LIST_LITERAL = 64;
/** `all`, `exists` and the like within one another. */
export const MAX_NESTED_LOOPS = 2;
/** Upper bound of the nodes visited by one evaluation; about half a millisecond. */
export const MAX_VISITS = 20_000;

/** Something in an expression that a policy may not say, at a character offset. */
export interface Finding {
  readonly at: number;
  readonly message: string;
  readonly remedy: string;
}

const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** All that can be called; everything else is refused, above all `matches`, whose patterns can run for ever. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  ...LOOPS,
  'has',
  'size',
  'double',
  'startsWith',
  'endsWith',
  'contains',
  'lowerAscii',
  'upperAscii',
]);

/** The same, for those who write policies. */
export const policyFunctions: readonly string[] = [...FUNCTIONS].sort();

interface Scope {
  /** Variables that the expression is asked with. */
  readonly variables: readonly PolicyVariable[];
  /** Variables of the loops around. */
  readonly bound: ReadonlySet<string>;
  readonly loops: number;
}

/** Everything in an expression that is unknown or unbounded; an empty list means that evaluating it ends soon. */
export function boundsOf(ast: ASTNode, variables: readonly PolicyVariable[]): readonly Finding[] {
  const findings = findingsIn(ast, { variables, bound: new Set(), loops: 0 });
  const visits = visitsOf(ast, longestList(ast));
  if (findings.length > 0 || visits <= MAX_VISITS) return findings;
  const tooDear: Finding = {
    at: ast.start,
    message: `may take ${visits} steps, the limit is ${MAX_VISITS}`,
    remedy: 'nest fewer loops, or split the rule',
  };
  return [tooDear];
}

function findingsIn(node: ASTNode, scope: Scope): readonly Finding[] {
  const called = functionOf(node);
  if (called !== null && !FUNCTIONS.has(called)) return [functionFinding(node, called)];
  const loop = loopOf(node);
  if (loop === null)
    return [
      ...(own(node, scope) ?? []),
      ...childrenOf(node).flatMap((child) => findingsIn(child, scope)),
    ];
  const inner = {
    ...scope,
    bound: new Set([...scope.bound, loop.variable]),
    loops: scope.loops + 1,
  };
  return [
    ...(inner.loops > MAX_NESTED_LOOPS
      ? [
          finding(
            node,
            `nests loops more than ${MAX_NESTED_LOOPS} deep`,
            'split the rule, or list the values',
          ),
        ]
      : []),
    ...findingsIn(loop.over, scope),
    ...loop.body.flatMap((child) => findingsIn(child, inner)),
  ];
}

/** What is wrong with a node itself, its children aside. */
function own(node: ASTNode, scope: Scope): readonly Finding[] | null {
  switch (node.op) {
    case 'id':
      return variableFinding(node, node.args, scope);
    case '.':
      return fieldFinding(node, scope);
    case '[]':
      return indexFinding(node, scope);
    case '+':
      return scope.loops === 0
        ? null
        : [finding(node, '`+` is not available inside loops', 'compare the parts one by one')];
    case 'map':
      return [finding(node, 'maps cannot be written in rules', 'use a list, or several rules')];
    default:
      return null;
  }
}

function functionOf(node: ASTNode): string | null {
  return node.op === 'call' || node.op === 'rcall' ? node.args[0] : null;
}

function functionFinding(node: ASTNode, name: string): Finding {
  return finding(
    node,
    `the function \`${name}\` is not available in policies`,
    name === 'matches'
      ? 'use startsWith, endsWith, contains or ==; regular expressions may run for ever'
      : `use one of ${policyFunctions.join(', ')}`,
  );
}

function variableFinding(
  node: ASTNode,
  name: string,
  { variables, bound }: Scope,
): readonly Finding[] | null {
  const known: readonly string[] = [...variables, ...bound];
  if (known.includes(name)) return null;
  if (fieldsOf(name) !== undefined)
    return [
      finding(
        node,
        `\`${name}\` is not known here: \`when\` is asked once per job, before there is an offer`,
        'ask it in require or forbid, or in offers',
      ),
    ];
  return [
    finding(node, `unknown variable \`${name}\``, didYouMean(name, known) ?? oneOf('', known)),
  ];
}

/** The field that a node asks of one of our variables, or null when it is another kind of access. */
function variableOf(node: ASTNode, { bound }: Scope): string | null {
  return node.op === 'id' && !bound.has(node.args) && fieldsOf(node.args) !== undefined
    ? node.args
    : null;
}

function fieldFinding(node: ASTNode & { op: '.' }, scope: Scope): readonly Finding[] | null {
  const [receiver, field] = node.args;
  const variable = variableOf(receiver, scope);
  if (variable === null || fieldOf(variable, field) !== undefined) return null;
  const own = Object.keys(fieldsOf(variable) ?? {});
  const elsewhere = Object.entries(policyFields).find(([, fields]) => Object.hasOwn(fields, field));
  const remedy =
    elsewhere === undefined
      ? (didYouMean(field, own, `${variable}.`) ?? oneOf(`${variable}.`, own))
      : `did you mean \`${elsewhere[0]}.${field}\`?`;
  const at = { start: node.end - field.length };
  return [finding(at, `unknown field \`${variable}.${field}\``, remedy)];
}

function indexFinding(node: ASTNode & { op: '[]' }, scope: Scope): readonly Finding[] | null {
  const variable = variableOf(node.args[0], scope);
  if (variable === null) return null;
  return [
    finding(
      node,
      `\`${variable}\` cannot be indexed`,
      `name the field: \`${variable}.workload\`, for example`,
    ),
  ];
}

function finding({ start }: { readonly start: number }, message: string, remedy: string): Finding {
  return { at: start, message, remedy };
}

/** The fields of our variables that an expression can depend on, such as `offer.country`; a variable alone means all of it. */
export function fieldsRead(node: ASTNode, bound: ReadonlySet<string> = new Set()): Set<string> {
  const scope: Scope = { variables: [], bound, loops: 0 };
  if (node.op === '.') {
    const variable = variableOf(node.args[0], scope);
    if (variable !== null) return new Set([`${variable}.${node.args[1]}`]);
  }
  const whole = variableOf(node, scope);
  if (whole !== null) return new Set([whole]);
  const loop = loopOf(node);
  if (loop === null) return merged(childrenOf(node).map((child) => fieldsRead(child, bound)));
  const inner = new Set([...bound, loop.variable]);
  return merged([
    fieldsRead(loop.over, bound),
    ...loop.body.map((child) => fieldsRead(child, inner)),
  ]);
}

function merged(sets: readonly ReadonlySet<string>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

/** A call of `all`, `exists` and the like. */
export interface Loop {
  readonly over: ASTNode;
  readonly variable: string;
  readonly body: readonly ASTNode[];
}

export function loopOf(node: ASTNode): Loop | null {
  if (node.op !== 'rcall' || !LOOPS.has(node.args[0])) return null;
  const [, over, [variable, ...body]] = node.args;
  return variable?.op === 'id' ? { over, variable: variable.args, body } : null;
}

/** The nodes directly below a node. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** Upper bound of the nodes visited: a loop body counts once for each element of the longest list there can be. */
function visitsOf(node: ASTNode, listLength: number): number {
  const visits = (children: readonly ASTNode[]): number =>
    children.reduce((total, child) => total + visitsOf(child, listLength), 0);
  const loop = loopOf(node);
  if (loop !== null) return 1 + visits([loop.over]) + listLength * (1 + visits(loop.body));
  const search = node.op === 'in' && node.args[1].op !== 'list' ? listLength : 0;
  return 1 + search + visits(childrenOf(node));
}

/** The longest list that an expression can make: lists grow by `+` only, and that only outside loops. */
function longestList(ast: ASTNode): number {
  const nodes = allNodes(ast);
  const lengths = nodes.map((node) => {
    if (node.op === 'list') return node.args.length;
    if (node.op !== '.' || node.args[0].op !== 'id') return 0;
    return fieldOf(node.args[0].args, node.args[1])?.limit ?? 0;
  });
  const sums = nodes.filter(({ op }) => op === '+').length;
  return Math.max(1, ...lengths) * (1 + sums);
}

function allNodes(node: ASTNode): readonly ASTNode[] {
  return [node, ...childrenOf(node).flatMap(allNodes)];
}

/** At most this many edits apart, a name is taken for a misspelling. */
const MAX_EDITS = 3;

/** The known name that was probably meant, as a question; null when none is near. */
export function didYouMean(name: string, known: readonly string[], prefix = ''): string | null {
  const [best] = known
    .map((candidate) => ({ candidate, edits: editsBetween(name, candidate) }))
    .sort((a, b) => a.edits - b.edits);
  if (best === undefined || best.edits > Math.min(MAX_EDITS, name.length - 1)) return null;
  return `did you mean \`${prefix}${best.candidate}\`?`;
}

function oneOf(prefix: string, known: readonly string[]): string {
  return `use one of ${known.map((name) => `\`${prefix}${name}\``).join(', ')}`;
}

/** Levenshtein distance, ignoring case. */
function editsBetween(a: string, b: string): number {
  const left = a.toLowerCase();
  const right = b.toLowerCase();
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const swap = (above[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[right.length] ?? 0;
}
