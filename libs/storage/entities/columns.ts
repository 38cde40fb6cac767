import type { EntitySchemaColumnOptions } from 'typeorm';

/**
 * The few kinds of columns that exist. Times are `bigint` epoch milliseconds, the same integer that the domain works with:
 * nothing is converted, rounded or shifted by a time zone on the way, and an index on it is as good as on a timestamp.
 * Money is `bigint` micro-dollars. Both are read as safe integers (see `int8Types`). Text is compared byte by byte, so that
 * an order made here is the order that JavaScript makes, whatever the language of the server.
 */
export const columns = {
  id: { type: 'text', primary: true, collation: 'C' },
  text: { type: 'text', collation: 'C' },
  int: { type: 'integer' },
  bigint: { type: 'bigint' },
  boolean: { type: 'boolean' },
  json: { type: 'jsonb' },
  bytes: { type: 'bytea' },
  texts: { type: 'text', array: true },
} as const satisfies Record<string, EntitySchemaColumnOptions>;

/** The same column, which may also be empty. */
export function nullable(column: EntitySchemaColumnOptions): EntitySchemaColumnOptions {
  return { ...column, nullable: true };
}

/** The same column under its name in the database. */
export function named(name: string, column: EntitySchemaColumnOptions): EntitySchemaColumnOptions {
  return { ...column, name };
}

/** A check that a column holds one of the words of a closed list, or nothing. */
export function oneOf(column: string, words: readonly string[]): string {
  return `"${column}" = ANY (ARRAY[${words.map((word) => `'${word}'`).join(', ')}]::text[])`;
}
