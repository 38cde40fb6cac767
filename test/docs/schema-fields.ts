import { z } from 'zod';

/** One field of a document as a row: where it is, what may stand there, and what it means. */
export type FieldRow = readonly [path: string, holds: string, means: string];

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
}

/** A schema that has a name comes as a reference to itself. */
interface Described extends Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** Every field that people may write in a document of a schema, those within others by their path. */
export function fieldRows(schema: z.ZodType): readonly FieldRow[] {
  const described = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as Described;
  const [own] = Object.values(described.$defs ?? {});
  return rowsOf(described.properties === undefined && own !== undefined ? own : described, '');
}

function rowsOf(schema: Schema, path: string): readonly FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`;
    const needed = schema.required?.includes(name) === true ? '' : 'optional ';
    const row: FieldRow = [here, `${needed}${holds(field)}`, field.description ?? ''];
    return [row, ...below(field, here)];
  });
}

/** The fields within a field: of an object, of the entries of a list, of the values by name. */
function below(field: Schema, path: string): readonly FieldRow[] {
  const form = (field.anyOf ?? [field]).find(({ properties }) => properties !== undefined);
  if (field.items !== undefined) return below(field.items, `${path}[]`);
  if (typeof field.additionalProperties === 'object')
    return below(field.additionalProperties, `${path}.*`);
  return form === undefined || isMoney(field) ? [] : rowsOf(form, path);
}

/** Money may be written in two ways, of which the longer need not be shown. */
function isMoney({ anyOf = [] }: Schema): boolean {
  return anyOf.some(({ properties }) => properties?.['currency'] !== undefined);
}

function holds(field: Schema): string {
  if (isMoney(field)) return 'money';
  if (field.const !== undefined) return `\`${String(field.const)}\``;
  if (field.enum !== undefined) return field.enum.map((word) => `\`${String(word)}\``).join(' or ');
  if (field.anyOf !== undefined) return [...new Set(field.anyOf.map(holds))].join(' or ');
  if (field.type === 'array')
    return `list${field.maxItems === undefined ? '' : ` of at most ${field.maxItems}`}`;
  if (field.type === 'integer') return `whole number${range(field)}`;
  return names[field.type ?? ''] ?? 'value';
}

const names: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
};

function range({ minimum, maximum }: Schema): string {
  return minimum === undefined || maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
    ? ''
    : `, ${minimum} to ${maximum}`;
}
