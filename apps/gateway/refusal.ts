import { problem, type Problem, type ProblemCode } from '#libs/contracts';

/** A request that is answered with a problem document. The filter turns it into the answer; nothing else catches it. */
export class Refusal extends Error {
  readonly statusCode: number;

  constructor(
    readonly code: ProblemCode,
    readonly more: Partial<Pick<Problem, 'detail' | 'problems' | 'retryAfterMs'>> = {},
  ) {
    super(more.detail ?? code);
    this.name = 'Refusal';
    this.statusCode = problem(code).status;
  }
}

/** The value, or a refusal as not found: absent and invisible things are told alike. */
export function found<T>(value: T | null | undefined, what: string): T {
  if (value == null) throw new Refusal('not-found', { detail: `there is no such ${what}` });
  return value;
}
