import type { z } from 'zod';
import {
  fieldProblems,
  parseJobSpec,
  parsePolicyDocument,
  type ProblemCode,
} from '#libs/contracts';
import type { JobSpec, PolicyDocument } from '#libs/domain';
import { placed } from './document-text';
import { Refusal } from './refusal';

/** A query or body as its schema reads it, or a refusal with everything that is wrong. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: ProblemCode = 'invalid-request',
): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new Refusal(code, { problems: [...fieldProblems(schema, result.error)] });
}

/** A job as people write it, or a refusal with all of its problems. */
export function parseJob(body: unknown): JobSpec {
  const parsed = parseJobSpec(body);
  if (parsed.ok) return parsed.spec;
  throw new Refusal('invalid-job', { problems: [...parsed.problems] });
}

/** A policy as people write it, or a refusal with all of its problems. */
export function parsePolicy(body: unknown): PolicyDocument {
  const parsed = parsePolicyDocument(body);
  if (parsed.ok) return parsed.document;
  throw new Refusal('invalid-policy', { problems: placed(parsed.problems, body) });
}

const INDEX = /^\d{1,4}$/;

/** A position in a path, or null for what is none. */
export function indexOf(text: string): number | null {
  return INDEX.test(text) ? Number(text) : null;
}
