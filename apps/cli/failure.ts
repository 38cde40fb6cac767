import { problemCodeOf, type FieldProblem, type Problem } from '#libs/contracts';
import { reactionTo, type ExitName } from './exit-codes';

interface Details {
  readonly remedy?: string | null;
  /** Everything wrong with a document. */
  readonly problems?: readonly FieldProblem[];
  /** The router's own words. */
  readonly problem?: Problem;
}

/** Why the command cannot do what was asked, and what to do about it; it decides the exit code. */
export class Failure extends Error {
  constructor(
    readonly exit: ExitName,
    message: string,
    readonly details: Details = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'Failure';
  }
}

/** The failure that a problem document of the router amounts to. */
export function failureOf(problem: Problem): Failure {
  const { exit, remedy } = reaction(problem);
  const { problems = [] } = problem;
  return new Failure(exit, titled(problem), { remedy, problems, problem });
}

/** A problem of a kind that is unknown here is judged by its status. */
function reaction(problem: Problem): { readonly exit: ExitName; readonly remedy: string | null } {
  const code = problemCodeOf(problem);
  if (code !== null) return reactionTo[code];
  return problem.status >= 500 ? reactionTo.unavailable : reactionTo['malformed-request'];
}

function titled({ title, detail, instance, status }: Problem): string {
  const text = detail === undefined || detail === title ? title : `${title}: ${detail}`;
  return status >= 500 && instance !== undefined ? `${text} (request ${instance})` : text;
}
