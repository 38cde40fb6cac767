import { types } from 'node:util';
import { Secret } from './secret';

const MASK = '***';
const DEPTH_LIMIT = 8;
const ITEM_LIMIT = 200;

/** Fields whose values are never written, whatever they hold. */
const hidden =
  /(authorization|cookie|token|secret|password|passphrase|mnemonic|credentials?|(api|private|access)[-_]?key)$|^(env|environment)$/i;

/** What errors of the database quote: rows, parameters and the statement that they belong to. */
const quoting = /^(detail|where|parameters|internalQuery)$/;

/** Secrets inside a text: passwords in addresses, bearer tokens, and values that say what they are. */
const revealing: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi, `$1:${MASK}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${MASK}`],
  [/\b(password|secret|token|api[-_]?key)=[^\s&"']+/gi, `$1=${MASK}`],
];

/** The same fields, fit for a log: nothing secret, nothing endless, errors as plain values. */
export function redacted(fields: Record<string, unknown>): Record<string, unknown> {
  return fieldsOf(fields, 0);
}

/** A text without the secrets that can be recognised in it. */
export function redactedText(text: string): string {
  return revealing.reduce((clean, [pattern, mask]) => clean.replace(pattern, mask), text);
}

function fieldsOf(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, ITEM_LIMIT);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      hidden.test(name) && value != null ? MASK : valueOf(value, depth + 1),
    ]),
  );
}

function valueOf(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactedText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Secret) return MASK;
  if (depth > DEPTH_LIMIT) return '…';
  if (types.isNativeError(value)) return errorOf(value, depth);
  if (value instanceof Date) return value;
  if (Array.isArray(value))
    return value.slice(0, ITEM_LIMIT).map((item) => valueOf(item, depth + 1));
  return fieldsOf(value, depth);
}

function errorOf(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: redactedText(error.message),
    stack: redactedText(error.stack ?? ''),
    ...fieldsOf(withoutQuotes(error), depth),
    ...(error.cause !== undefined && { cause: valueOf(error.cause, depth + 1) }),
  };
}

/** Only in errors: elsewhere such names hold what they say. */
function withoutQuotes(error: Error): object {
  const entries = Object.entries(error).map(([name, value]: [string, unknown]) => {
    return [name, quoting.test(name) && value != null ? MASK : value] as const;
  });
  return Object.fromEntries(entries);
}
