import type { FieldProblem } from '#libs/contracts';
import type { PolicyProblem } from './policy-problem';

/** A policy's mistake in the words of the API: a JSON pointer, and the place within the expression in the message. */
export function fieldProblem({ pointer, position, message, remedy }: PolicyProblem): FieldProblem {
  const place = position === null ? '' : ` (line ${position.line}, column ${position.column})`;
  const told = { pointer, code: 'policy-invalid', message: `${message}${place}`, remedy };
  return position === null ? told : { ...told, within: position };
}

/** The same of one among several documents, which the message names. */
export function fieldProblemAmong(problem: PolicyProblem): FieldProblem {
  const told = fieldProblem(problem);
  return { ...told, message: `policy ${problem.policy}: ${told.message}` };
}
