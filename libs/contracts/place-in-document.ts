import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type Scalar } from 'yaml';
import type { FieldProblem } from './field-problem';
import { MAX_DOCUMENT_BYTES } from './read-document';

/** A place in a text, counted from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/**
 * The same problems with line and column in the text of the document that they are about, as far as the text can be read: of the
 * field that is meant, or of the nearest one around it, and within a text where the problem says so.
 */
export function placedIn(text: string, problems: readonly FieldProblem[]): readonly FieldProblem[] {
  if (problems.length === 0 || text.length > MAX_DOCUMENT_BYTES) return problems;
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  if (document.errors.length > 0 || document.contents === null) return problems;
  const root: Node = document.contents;
  return problems.map((problem) => ({ ...problem, ...positionOf(problem, root, text, lines) }));
}

function positionOf(
  { pointer, within }: FieldProblem,
  root: Node,
  text: string,
  lines: LineCounter,
): Partial<TextPosition> {
  const { node, isWhole } = nodeAt(root, pointer);
  const start = node.range?.[0];
  if (start === undefined) return {};
  const { line, col: column } = lines.linePos(start);
  if (!isWhole || within === undefined || !isScalar(node)) return { line, column };
  return inside(node, { line, column }, within, text, lines);
}

/** The node that a pointer names, or the last one on the way there. */
function nodeAt(root: Node, pointer: string): { readonly node: Node; readonly isWhole: boolean } {
  let node = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const child = childOf(node, name);
    if (child === null) return { node, isWhole: false };
    node = child;
  }
  return { node, isWhole: true };
}

function childOf(node: Node, name: string): Node | null {
  if (!isMap(node) && !isSeq(node)) return null;
  const child: unknown = isSeq(node) ? node.get(Number(name), true) : node.get(name, true);
  return typeof child === 'object' && child !== null && 'range' in child ? (child as Node) : null;
}

/** A place within the text of a scalar, where its lines are the lines of the document; else where the scalar begins. */
function inside(
  node: Scalar,
  at: TextPosition,
  within: TextPosition,
  text: string,
  lines: LineCounter,
): TextPosition {
  if (node.type === 'BLOCK_LITERAL') {
    // The text begins on the line after the sign, indented as its first line that is not empty.
    const body = text.slice(lines.lineStarts[at.line] ?? 0);
    const indent = /^(?: *\r?\n)*( *)/.exec(body)?.[1]?.length ?? 0;
    return { line: at.line + within.line, column: indent + within.column };
  }
  const raw = text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0);
  const isPlain = node.type === 'PLAIN' || node.type === undefined;
  // Escapes and folded lines shift what follows them.
  const isVerbatim = within.line === 1 && !raw.includes('\n') && !/\\|''/.test(raw);
  if (!isVerbatim) return at;
  return { line: at.line, column: at.column + (isPlain ? 0 : 1) + within.column - 1 };
}
