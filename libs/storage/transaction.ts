import { createHash } from 'node:crypto';
import { DatabaseError, type PoolClient } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';

/** A statement that each connection parses and plans once. Only for texts that are written out in the code: they are kept. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** Something that runs SQL: a pool, or the one connection of a transaction. */
export interface Sql {
  /** The rows of one statement. `Row` states what its column list says; nothing is checked. */
  rows<Row>(statement: Prepared | string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

export function prepared(text: string): Prepared {
  return { name: createHash('sha256').update(text).digest('hex').slice(0, 32), text };
}

/** SQL on the pool of a data source; each statement on its own commits on its own. */
export class Database implements Sql {
  constructor(readonly dataSource: DataSource) {}

  async rows<Row>(
    statement: Prepared | string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return await run<Row>(runner, statement, values);
    } finally {
      await runner.release();
    }
  }

  /** Runs `work` in one READ COMMITTED transaction: committed when it resolves, rolled back when it throws. */
  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return await this.dataSource.transaction('READ COMMITTED', async ({ queryRunner }) => {
      if (queryRunner === undefined) throw new Error('a transaction has no connection');
      return await work({ rows: (statement, values = []) => run(queryRunner, statement, values) });
    });
  }
}

/** Past the query method of TypeORM, which knows no prepared statements; they more than double the rate of intake. */
async function run<Row>(
  runner: QueryRunner,
  statement: Prepared | string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const client: PoolClient = await runner.connect();
  const config = typeof statement === 'string' ? { text: statement } : statement;
  const result = await client.query<Row & object>({ ...config, values: [...values] });
  return result.rows;
}

/** The first row, or null. */
export async function firstRow<Row>(
  sql: Sql,
  statement: Prepared | string,
  values: readonly unknown[],
): Promise<Row | null> {
  return (await sql.rows<Row>(statement, values))[0] ?? null;
}

/** The condition that the database reports for an error (SQLSTATE), with the constraint that was violated, if any. */
export function conditionOf(error: unknown): {
  readonly code: string | null;
  readonly constraint: string | null;
} {
  if (!(error instanceof DatabaseError)) return { code: null, constraint: null };
  return { code: error.code ?? null, constraint: error.constraint ?? null };
}

export const UNIQUE_VIOLATION = '23505';

/** What Postgres cannot store in JSON: the character zero, and halves of surrogate pairs. */
const UNSTORABLE = /\\u(0000|d[89a-f][0-9a-f]{2})/i;

/** JSON for a parameter. Characters that Postgres refuses become U+FFFD, so that no foreign text can block a row. */
export function json(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value);
  return UNSTORABLE.test(text)
    ? JSON.stringify(value, (_, part: unknown) =>
        typeof part === 'string' ? storableText(part) : part,
      )
    : text;
}

export function storableText(text: string): string {
  return text.replace(/\p{Surrogate}|\0/gu, '\uFFFD');
}
