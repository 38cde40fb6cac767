import { firstRow, type Database } from '../transaction';
import type { ApiKey, ApiKeys } from '../workload-ports';

interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly projects: readonly string[] | null;
  readonly secret_digest: string;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly revoked_at_ms: number | null;
}

const keyColumns =
  'id, name, roles, projects, secret_digest, created_at_ms, created_by, revoked_at_ms';

export class PostgresApiKeys implements ApiKeys {
  constructor(private readonly database: Database) {}

  async create(key: ApiKey): Promise<void> {
    await this.database.rows(
      `INSERT INTO api_key (${keyColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        key.id,
        key.name,
        key.roles,
        key.projects,
        key.secretDigest,
        key.createdAtMs,
        key.createdBy,
        key.revokedAtMs,
      ],
    );
  }

  async get(id: string): Promise<ApiKey | null> {
    const text = `SELECT ${keyColumns} FROM api_key WHERE id = $1`;
    const row = await firstRow<ApiKeyRow>(this.database, text, [id]);
    return row === null ? null : keyOf(row);
  }

  async list(): Promise<readonly ApiKey[]> {
    const text = `SELECT ${keyColumns} FROM api_key ORDER BY created_at_ms DESC, id DESC`;
    return (await this.database.rows<ApiKeyRow>(text)).map(keyOf);
  }

  async revoke(id: string, nowMs: number): Promise<boolean> {
    const row = await firstRow(
      this.database,
      'UPDATE api_key SET revoked_at_ms = coalesce(revoked_at_ms, $2) WHERE id = $1 RETURNING id',
      [id, nowMs],
    );
    return row !== null;
  }
}

function keyOf(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    roles: row.roles,
    projects: row.projects,
    secretDigest: row.secret_digest,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    revokedAtMs: row.revoked_at_ms,
  };
}
