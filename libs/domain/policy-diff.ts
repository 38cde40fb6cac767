import { canonicalJson } from './canonical';

/** One place at which two documents differ. */
export interface DocumentChange {
  /** JSON pointer (RFC 6901); entries of lists that have an `id` are named by it instead of their position. */
  readonly pointer: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Null where nothing was. */
  readonly before: unknown;
  /** Null where nothing is. */
  readonly after: unknown;
}

/** What is told of one comparison at most; more is cut off, and `more` says so. */
export const MAX_DOCUMENT_CHANGES = 500;

export interface DocumentDiff {
  readonly changes: readonly DocumentChange[];
  readonly more: boolean;
}

/**
 * How one JSON document differs from another, place by place in the order of their names. Absence is null for a whole
 * document. Entries of a list that carry an `id` are compared by it, so that moving one is no change; other lists are
 * compared as wholes, since half a list means nothing.
 */
export function diffDocuments(before: unknown, after: unknown): DocumentDiff {
  const changes = diffAt('', before ?? undefined, after ?? undefined);
  return {
    changes: changes.slice(0, MAX_DOCUMENT_CHANGES),
    more: changes.length > MAX_DOCUMENT_CHANGES,
  };
}

function diffAt(pointer: string, before: unknown, after: unknown): readonly DocumentChange[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined) return [{ pointer, kind: 'added', before: null, after }];
  if (after === undefined) return [{ pointer, kind: 'removed', before, after: null }];
  const was = partsOf(before);
  const is = partsOf(after);
  if (was === null || is === null)
    return canonicalJson(before) === canonicalJson(after)
      ? []
      : [{ pointer, kind: 'changed', before, after }];
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  return names.flatMap((name) =>
    diffAt(`${pointer}/${escaped(name)}`, was.get(name), is.get(name)),
  );
}

/** The named parts of an object or of a list whose entries have ids of their own; null for everything that is compared whole. */
function partsOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const entries: readonly unknown[] = value;
  const named = entries.map((entry) => [idOf(entry), entry] as const);
  const ids = named.flatMap(([id]) => (id === null ? [] : [id]));
  if (ids.length !== entries.length || new Set(ids).size !== ids.length) return null;
  return new Map(named.map(([id, entry]) => [id ?? '', entry]));
}

function idOf(entry: unknown): string | null {
  if (typeof entry !== 'object' || entry === null || !('id' in entry)) return null;
  return typeof entry.id === 'string' ? entry.id : null;
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
