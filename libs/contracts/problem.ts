import { z } from 'zod';
import { fieldProblemSchema } from './field-problem';

/** Every kind of problem that the API answers with: RFC 9457, `type` is `/problems/<code>`. */
export const problemCatalogue = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'project-required': { status: 400, title: 'The key sees several projects: say which one' },
  unauthenticated: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'The key does not allow this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'key-reused': { status: 409, title: 'The idempotency key came with another body before' },
  'over-budget': { status: 409, title: 'The budget of the project does not allow it' },
  'still-running': { status: 409, title: 'The job has not ended yet' },
  'approval-required': { status: 409, title: 'A second person has to agree first' },
  'second-person-required': { status: 409, title: 'Somebody else has to agree to this' },
  'policy-state': { status: 409, title: 'The policy is not where this can be done' },
  'inputs-gone': { status: 409, title: 'What the decision was made from is no longer kept' },
  'attempt-over': { status: 410, title: 'The attempt is over' },
  'too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body has a type that is not read here' },
  'invalid-job': { status: 422, title: 'The job has problems' },
  'invalid-policy': { status: 422, title: 'The policy has problems' },
  'invalid-price-sheet': { status: 422, title: 'The price sheet has problems' },
  'invalid-request': { status: 422, title: 'The request has problems' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something broke; it has been logged' },
  unavailable: { status: 503, title: 'A part of the router does not answer at the moment' },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>;

export type ProblemCode = keyof typeof problemCatalogue;
export const problemCodes = Object.keys(problemCatalogue) as readonly ProblemCode[];

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Address of the kind of problem, /problems/<code>.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional().meta({ description: 'About this occurrence, for people.' }),
    instance: z.string().optional().meta({ description: 'The request id, as logged.' }),
    problems: z
      .array(fieldProblemSchema)
      .optional()
      .meta({ description: 'Everything wrong with the document that was sent.' }),
    retryAfterMs: z.int().optional(),
  })
  .meta({
    id: 'Problem',
    description: 'What went wrong, after RFC 9457.',
    examples: [
      {
        type: '/problems/invalid-job',
        title: 'The job has problems',
        status: 422,
        problems: [
          {
            pointer: '/imgae',
            code: 'unknown-field',
            message: 'there is no field "imgae"',
            remedy: 'did you mean "image"?',
          },
        ],
      },
    ],
  });
export type Problem = Readonly<z.infer<typeof problemSchema>>;

/** The document for a code; `more` adds what is known of this occurrence. */
export function problem(
  code: ProblemCode,
  more: Partial<Pick<Problem, 'detail' | 'instance' | 'problems' | 'retryAfterMs'>> = {},
): Problem {
  const { status, title } = problemCatalogue[code];
  return { type: `/problems/${code}`, title, status, ...more };
}

/** The code behind a problem's type, or null for a document that is not ours. */
export function problemCodeOf({ type }: Pick<Problem, 'type'>): ProblemCode | null {
  return problemCodes.find((code) => type === `/problems/${code}`) ?? null;
}
