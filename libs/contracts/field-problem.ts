import { z } from 'zod';
import { closest } from './syntax/suggest';

/** One thing that is wrong with a document: where, what, and what to do about it. */
export const fieldProblemSchema = z
  .object({
    pointer: z.string().meta({ description: 'JSON pointer (RFC 6901) to the field.' }),
    code: z.string().meta({ description: 'Stable word for programs.' }),
    message: z.string().meta({ description: 'What is wrong, for people.' }),
    remedy: z.string().meta({ description: 'What to write instead.' }),
    within: z
      .object({ line: z.int(), column: z.int() })
      .meta({ description: 'Place within the text that the pointer names, counted from 1.' })
      .optional(),
    line: z
      .int()
      .meta({ description: 'In the document as it was sent, counted from 1.' })
      .optional(),
    column: z
      .int()
      .meta({ description: 'In the document as it was sent, counted from 1.' })
      .optional(),
  })
  .meta({ id: 'FieldProblem', description: 'One thing that is wrong with a document.' });
export type FieldProblem = Readonly<z.infer<typeof fieldProblemSchema>>;

type Path = readonly PropertyKey[];

/** A path as a JSON pointer. */
export function pointerTo(path: Path): string {
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

/** Every issue of a failed parse, in words, in the order of the schema. */
export function fieldProblems(schema: z.ZodType, error: z.ZodError): readonly FieldProblem[] {
  return error.issues.flatMap((issue) => problemsOf(schema, issue, []));
}

function problemsOf(
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  base: Path,
): readonly FieldProblem[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path);
    return issue.keys.map((key) => unknownField([...path, key], key, known));
  }
  if (issue.code === 'invalid_union') {
    const deeper = deepestBranch(issue.errors);
    if (deeper !== null) return deeper.flatMap((inner) => problemsOf(schema, inner, path));
  }
  return [{ pointer: pointerTo(path), ...worded(schemaAt(schema, path), issue) }];
}

function unknownField(path: Path, key: string, known: readonly string[]): FieldProblem {
  const guess = closest(key, known);
  return {
    pointer: pointerTo(path),
    code: 'unknown-field',
    message: `there is no field ${JSON.stringify(key.slice(0, 60))}`,
    remedy:
      guess === null ? `remove it; known are ${known.join(', ')}` : `did you mean "${guess}"?`,
  };
}

/** Of the forms that a value may take, the one that it almost has: where the complaint is about its inside. */
function deepestBranch(
  errors: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | null {
  return errors.find((issues) => issues.every(isInside)) ?? null;
}

function isInside(issue: z.core.$ZodIssue): boolean {
  if (issue.path.length > 0) return true;
  if (issue.code === 'invalid_union') return deepestBranch(issue.errors) !== null;
  return issue.code !== 'invalid_type';
}

type Worded = Pick<FieldProblem, 'code' | 'message' | 'remedy'>;

function worded(schema: z.ZodType | null, issue: z.core.$ZodIssue): Worded {
  const remedy = exampleRemedy(schema);
  switch (issue.code) {
    case 'custom':
      return {
        code: String(issue.params?.['code'] ?? 'invalid'),
        message: issue.message,
        remedy: String(issue.params?.['remedy'] ?? remedy),
      };
    case 'invalid_type':
    case 'invalid_union':
      return isMissing(issue)
        ? { code: 'required', message: 'this field is required', remedy }
        : { code: 'wrong-type', message: `must be ${kindOf(schema)}`, remedy };
    case 'invalid_value': {
      const values = issue.values.map((value) => String(value)).join(', ');
      return isMissing(issue)
        ? { code: 'required', message: 'this field is required', remedy: `use ${values}` }
        : { code: 'not-allowed', message: 'this value is not known here', remedy: `use ${values}` };
    }
    case 'too_big':
      return { code: 'too-large', message: bound('at most', issue.maximum, issue.origin), remedy };
    case 'too_small':
      return { code: 'too-small', message: bound('at least', issue.minimum, issue.origin), remedy };
    default:
      return { code: 'invalid', message: issue.message, remedy };
  }
}

/** The parse was given the input, so a missing value is told by its absence there. */
function isMissing(issue: z.core.$ZodIssue): boolean {
  return 'input' in issue && issue.input === undefined;
}

function bound(word: string, limit: number | bigint, origin: string): string {
  if (origin === 'array') return `${word} ${limit} entries are allowed`;
  return `must be ${word} ${limit}${origin === 'string' ? ' characters long' : ''}`;
}

function exampleRemedy(schema: z.ZodType | null): string {
  const examples = schema === null ? [] : examplesOf(schema);
  const shown = examples.slice(0, 3).map((example) => JSON.stringify(example));
  return shown.length === 0
    ? 'see the description of the field'
    : `write for example ${shown.join(' or ')}`;
}

function examplesOf(schema: z.ZodType): readonly unknown[] {
  const chain = wrappers(schema);
  return chain.flatMap((layer) => layer.meta()?.examples ?? []);
}

/** What a value of the schema is called by people. */
function kindOf(schema: z.ZodType | null): string {
  const inner = schema === null ? null : wrappers(schema).at(-1);
  if (inner instanceof z.ZodUnion)
    return [...new Set(inner.options.map((option) => kindOf(option as z.ZodType)))].join(' or ');
  const kind = kinds.find(({ is }) => inner instanceof is);
  return kind?.name ?? 'something else';
}

const kinds = [
  { is: z.ZodString, name: 'text' },
  { is: z.ZodNumber, name: 'a number' },
  { is: z.ZodBoolean, name: 'true or false' },
  { is: z.ZodArray, name: 'a list' },
  { is: z.ZodObject, name: 'an object' },
  { is: z.ZodRecord, name: 'an object' },
  { is: z.ZodEnum, name: 'one of the known words' },
  { is: z.ZodLiteral, name: 'the known word' },
] as const;

/** A schema and what it wraps, outermost first: optional, default and the written side of a reading. */
function wrappers(schema: z.ZodType): readonly z.ZodType[] {
  const chain = [schema];
  for (let inner = unwrapped(schema); inner !== null; inner = unwrapped(inner)) chain.push(inner);
  return chain;
}

function unwrapped(schema: z.ZodType): z.ZodType | null {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodDefault
  )
    return schema.unwrap() as z.ZodType;
  return schema instanceof z.ZodPipe ? (schema.in as z.ZodType) : null;
}

/** The schema of the value at a path, or null where the path leaves what is described. */
function schemaAt(root: z.ZodType, path: Path): z.ZodType | null {
  let here: z.ZodType | null = root;
  for (const part of path) here = here === null ? null : childOf(here, part);
  return here;
}

function childOf(schema: z.ZodType, part: PropertyKey): z.ZodType | null {
  const inner = wrappers(schema).at(-1);
  if (inner instanceof z.ZodObject) return (inner.shape[String(part)] as z.ZodType) ?? null;
  if (inner instanceof z.ZodArray) return inner.element as z.ZodType;
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
  if (inner instanceof z.ZodUnion) {
    const children = inner.options.map((option) => childOf(option as z.ZodType, part));
    return children.find((child) => child !== null) ?? null;
  }
  return null;
}

/** The fields that may stand at a path. */
function fieldsAt(root: z.ZodType, path: Path): readonly string[] {
  const schema = schemaAt(root, path);
  const inner = schema === null ? null : wrappers(schema).at(-1);
  const options = inner instanceof z.ZodUnion ? inner.options : [inner];
  return options.flatMap((option) =>
    option instanceof z.ZodObject ? Object.keys(option.shape) : [],
  );
}
