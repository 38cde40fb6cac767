import type { JobSpec } from '#libs/domain';
import { fieldProblems, type FieldProblem } from './field-problem';
import { jobSpecSchema, type WrittenJobSpec } from './job-spec';
import { contradictions } from './job-spec-rules';
import { normaliseJobSpec } from './normalise-job-spec';

export type ParsedJobSpec =
  | { readonly ok: true; readonly spec: JobSpec }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** Problems beyond this number add nothing for the reader. */
const MAX_PROBLEMS = 100;

/** Reads a job as people write it. Never throws; reports all problems at once, each with a pointer and a remedy. */
export function parseJobSpec(input: unknown): ParsedJobSpec {
  const result = jobSpecSchema.safeParse(input, { reportInput: true });
  const broken = result.success ? [] : fieldProblems(jobSpecSchema, result.error);
  const between = contradictions(result.success ? result.data : readableFields(input));
  const problems = [...broken, ...between].slice(0, MAX_PROBLEMS);
  if (!result.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, spec: normaliseJobSpec(result.data) };
}

/** The fields that can be read for themselves, so that what contradicts between them is told together with the rest. */
function readableFields(input: unknown): Partial<WrittenJobSpec> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return {};
  const given = new Map<string, unknown>(Object.entries(input));
  const fields = Object.entries(jobSpecSchema.shape).flatMap(([name, schema]) => {
    const field = schema.safeParse(given.get(name));
    return field.success ? [[name, field.data] as const] : [];
  });
  return Object.fromEntries(fields) as Partial<WrittenJobSpec>;
}
