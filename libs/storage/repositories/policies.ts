import type { PolicyDocument } from '#libs/domain';
import type { Policies, PolicyVersion } from '../ports';
import { json, type Database, type Sql } from '../transaction';

interface PolicyRow {
  readonly document: PolicyDocument;
  readonly version: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly active: boolean;
}

const policyColumns = 'document, version, created_at_ms, created_by, active';

export class PostgresPolicies implements Policies {
  constructor(private readonly database: Database) {}

  async create(document: PolicyDocument, createdBy: string, nowMs: number): Promise<PolicyVersion> {
    return this.database.transaction(async (sql) => {
      await lockName(sql, document.name);
      const [row] = await sql.rows<{ version: number }>(
        `INSERT INTO policy_version (name, version, document, created_at_ms, created_by, active)
         SELECT $1, coalesce(max(version), 0) + 1, $2::json, $3::bigint, $4, false
         FROM policy_version WHERE name = $1
         RETURNING version`,
        [document.name, json(document), nowMs, createdBy],
      );
      if (row === undefined) throw new Error(`policy ${document.name} was not stored`);
      return { document, version: row.version, createdAtMs: nowMs, createdBy, active: false };
    });
  }

  list(): Promise<readonly PolicyVersion[]> {
    return this.select('ORDER BY name, version DESC');
  }

  active(): Promise<readonly PolicyVersion[]> {
    return this.select('WHERE active ORDER BY name');
  }

  async activate(name: string, version: number | null, nowMs: number): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      await lockName(sql, name);
      const known = await sql.rows<{ version: number }>(
        'SELECT version FROM policy_version WHERE name = $1 AND version = coalesce($2, version)',
        [name, version],
      );
      if (known.length === 0) return false;
      await sql.rows(
        `UPDATE policy_version SET active = false
         WHERE name = $1 AND active AND version IS DISTINCT FROM $2::integer`,
        [name, version],
      );
      await sql.rows(
        `UPDATE policy_version SET active = true, activated_at_ms = $3
         WHERE name = $1 AND version = $2 AND NOT active`,
        [name, version, nowMs],
      );
      return true;
    });
  }

  private async select(rest: string): Promise<readonly PolicyVersion[]> {
    const text = `SELECT ${policyColumns} FROM policy_version ${rest}`;
    return (await this.database.rows<PolicyRow>(text)).map((row) => ({
      document: row.document,
      version: row.version,
      createdAtMs: row.created_at_ms,
      createdBy: row.created_by,
      active: row.active,
    }));
  }
}

/** Versions of one name are numbered and activated one after the other. */
async function lockName(sql: Sql, name: string): Promise<void> {
  const key = `fairlead.policy.${name}`;
  await sql.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
}
