import { parse } from 'yaml';
import type { FieldProblem } from './field-problem';

/** A job or policy as text may not be longer. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;
/** YAML may refer to an earlier part this often before it is taken for a bomb. */
const MAX_ALIASES = 100;

export const documentFormats = ['json', 'yaml'] as const;
export type DocumentFormat = (typeof documentFormats)[number];

export type ReadDocument =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const readers: { readonly [F in DocumentFormat]: (text: string) => unknown } = {
  json: (text): unknown => JSON.parse(text),
  yaml: (text): unknown =>
    parse(text, { maxAliasCount: MAX_ALIASES, uniqueKeys: true, logLevel: 'error' }),
};

/** JSON or YAML text as a plain value. Never throws; duplicate keys and alias bombs in YAML are refused. */
export function readDocument(text: string, format: DocumentFormat): ReadDocument {
  if (new TextEncoder().encode(text).length > MAX_DOCUMENT_BYTES)
    return unreadable('too-large', `larger than ${MAX_DOCUMENT_BYTES} bytes`, 'make it smaller');
  try {
    return { ok: true, value: readers[format](text) };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    return unreadable(
      'not-readable',
      `not valid ${format.toUpperCase()}: ${reason}`,
      'correct the text',
    );
  }
}

function unreadable(code: string, message: string, remedy: string): ReadDocument {
  return { ok: false, problems: [{ pointer: '', code, message, remedy }] };
}
