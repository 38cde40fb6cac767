import type { Finding } from './policy-bounds';

/** One mistake in one policy, in words for its author. */
export interface PolicyProblem {
  readonly policy: string;
  /** Id of the rule, limit or preference; null when it concerns the policy as a whole. */
  readonly ruleId: string | null;
  /** The field of the document, or of the rule, that is meant. */
  readonly field: string;
  /** JSON pointer (RFC 6901) to that field in the document. */
  readonly pointer: string;
  /** Within the value there, counted from 1; null when no place in an expression is meant. */
  readonly position: { readonly line: number; readonly column: number } | null;
  readonly message: string;
  readonly remedy: string;
}

/** A place in a document that problems can be about. */
export interface DocumentPlace {
  readonly policy: string;
  readonly ruleId: string | null;
  readonly field: string;
  readonly pointer: string;
}

/** A problem with a place as a whole. */
export function problemAt(place: DocumentPlace, message: string, remedy: string): PolicyProblem {
  return { ...place, position: null, message, remedy };
}

/** What was found in an expression, as a problem of the place that it stands at. */
export function problemIn(
  place: DocumentPlace,
  source: string,
  { at, message, remedy }: Finding,
): PolicyProblem {
  return { ...place, position: positionOf(source, at), message, remedy };
}

function positionOf(source: string, at: number): { line: number; column: number } {
  const before = source.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
