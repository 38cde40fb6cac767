import type { FieldProblem } from '#libs/contracts';
import { exitCodes } from '../exit-codes';
import type { Failure } from '../failure';
import type { Paint } from './paint';
import { printable } from './table';

/** Every problem of a document with its place and remedy. */
export function renderProblems(problems: readonly FieldProblem[], paint: Paint): string {
  return problems
    .map(({ pointer, message, remedy, line, column }) => {
      const place = line === undefined ? '' : ` (line ${line}, column ${column ?? 1} of the file)`;
      const name = paint.strong(pointer === '' ? '(document)' : pointer);
      return printable(`  ${name}: ${message}${place}\n    → ${remedy}`);
    })
    .join('\n');
}

/** What went wrong and what to do about it. */
export function renderFailure({ message, details }: Failure, paint: Paint): string {
  const { remedy = null, problems = [] } = details;
  return [
    `${paint.bad('error:')} ${printable(message)}`,
    ...(problems.length === 0 ? [] : [renderProblems(problems, paint)]),
    ...(remedy === null ? [] : [`  → ${printable(remedy)}`]),
  ].join('\n');
}

/** The same for programs. */
export function failureDocument({ exit, message, details }: Failure): unknown {
  const { remedy = null, problems = [], problem } = details;
  const error = { kind: exit, exitCode: exitCodes[exit].code, message, remedy, problems };
  return { error: problem === undefined ? error : { ...error, problem } };
}
