import { isAlias, isMap, isScalar, isSeq, Lexer, parseDocument, type Document } from 'yaml';
import type { FieldProblem } from './field-problem';

/** A job or policy as text may not be longer. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;
/** YAML may refer to an earlier part this often before it is taken for a bomb. */
const MAX_ALIASES = 100;
/** Keys and values in a YAML document. */
export const MAX_YAML_NODES = 50_000;
/** Words and signs of a YAML document, counted before anything is built from them. */
const MAX_YAML_TOKENS = 4 * MAX_YAML_NODES;
/** Lists and maps within each other. */
export const MAX_YAML_DEPTH = 100;

export const documentFormats = ['json', 'yaml'] as const;
export type DocumentFormat = (typeof documentFormats)[number];

export type ReadDocument =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const readers: { readonly [F in DocumentFormat]: (text: string) => ReadDocument } = {
  json: (text) => ({ ok: true, value: JSON.parse(text) }),
  yaml: readYaml,
};

/** JSON or YAML text as a plain value. Never throws; duplicate keys, alias bombs and endless YAML are refused. */
export function readDocument(text: string, format: DocumentFormat): ReadDocument {
  if (new TextEncoder().encode(text).length > MAX_DOCUMENT_BYTES)
    return unreadable('too-large', `larger than ${MAX_DOCUMENT_BYTES} bytes`, 'make it smaller');
  try {
    return readers[format](text);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    return unreadable(
      'not-readable',
      `not valid ${format.toUpperCase()}: ${reason}`,
      'correct the text',
    );
  }
}

/** The parser's own search for duplicate keys compares each key with each other one, so it is left to `problemsIn`. */
function readYaml(text: string): ReadDocument {
  if (hasTooManyTokens(text)) return tooManyNodes();
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const refused = problemsIn(document);
  if (refused !== null) return refused;
  return { ok: true, value: document.toJS({ maxAliasCount: MAX_ALIASES }) };
}

function hasTooManyTokens(text: string): boolean {
  let tokens = 0;
  for (const _token of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MAX_YAML_TOKENS) return true;
  }
  return false;
}

interface Place {
  readonly node: unknown;
  readonly pointer: string;
  readonly depth: number;
}

/** Looks at each node once, without recursion; null when the document may be used. */
function problemsIn(document: Document.Parsed): ReadDocument | null {
  const places: Place[] = [{ node: document.contents, pointer: '', depth: 0 }];
  const problems: FieldProblem[] = [];
  let nodes = 0;
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (place.depth > MAX_YAML_DEPTH)
      return unreadable('too-deep', `nested more than ${MAX_YAML_DEPTH} deep`, 'make it flatter');
    const below = childrenOf(place, problems);
    nodes += 1 + below.keys;
    if (nodes > MAX_YAML_NODES) return tooManyNodes();
    for (const child of below.children) places.push(child);
  }
  return problems.length === 0 ? null : { ok: false, problems };
}

/** What lies in a list or map. Keys that are lists or maps, and keys that come twice, are added to the problems. */
function childrenOf(
  { node, pointer, depth }: Place,
  problems: FieldProblem[],
): { readonly keys: number; readonly children: readonly Place[] } {
  if (isSeq(node)) {
    const children = node.items.map((item, index) => ({
      node: item,
      pointer: `${pointer}/${index}`,
      depth: depth + 1,
    }));
    return { keys: 0, children };
  }
  if (!isMap(node)) return { keys: 0, children: [] };
  const seen = new Set<string>();
  const children: Place[] = [];
  for (const { key, value } of node.items) {
    const name = nameOf(key);
    const at = name === null ? pointer : `${pointer}/${escaped(name)}`;
    if (name === null) problems.push(strangeKey(pointer));
    else if (seen.has(name)) problems.push(duplicateKey(at));
    else seen.add(name);
    children.push({ node: value, pointer: at, depth: depth + 1 });
  }
  return { keys: node.items.length, children };
}

/** A key as it will be called in the value, or null for one that is no single word. */
function nameOf(key: unknown): string | null {
  if (key === null) return '';
  if (isAlias(key) || !isScalar(key)) return null;
  return key.value === null ? '' : String(key.value);
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function duplicateKey(pointer: string): FieldProblem {
  const message = 'the key is there more than once';
  return { pointer, code: 'duplicate-key', message, remedy: 'keep one of them' };
}

function strangeKey(pointer: string): FieldProblem {
  const message = 'a key is not a plain text';
  return { pointer, code: 'not-readable', message, remedy: 'write a word before the colon' };
}

function tooManyNodes(): ReadDocument {
  return unreadable(
    'too-large',
    `more than ${MAX_YAML_NODES} keys and values`,
    'make it smaller, or put the bytes into one text',
  );
}

function unreadable(code: string, message: string, remedy: string): ReadDocument {
  return { ok: false, problems: [{ pointer: '', code, message, remedy }] };
}
