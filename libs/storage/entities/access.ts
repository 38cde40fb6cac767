import { EntitySchema } from 'typeorm';
import { columns, named, nullable } from './columns';

export const policyVersionEntity = new EntitySchema({
  name: 'policy_version',
  columns: {
    name: columns.id,
    version: { ...columns.int, primary: true },
    // Plain `json`: people wrote it, and get it back as they wrote it.
    document: { type: 'json' },
    createdAtMs: named('created_at_ms', columns.bigint),
    createdBy: named('created_by', columns.text),
    active: columns.boolean,
    activatedAtMs: named('activated_at_ms', nullable(columns.bigint)),
  },
  indices: [{ name: 'policy_version_active', columns: ['name'], unique: true, where: '"active"' }],
});

export const apiKeyEntity = new EntitySchema({
  name: 'api_key',
  columns: {
    id: columns.id,
    name: columns.text,
    roles: columns.texts,
    projects: nullable(columns.texts),
    secretDigest: named('secret_digest', columns.text),
    createdAtMs: named('created_at_ms', columns.bigint),
    createdBy: named('created_by', columns.text),
    revokedAtMs: named('revoked_at_ms', nullable(columns.bigint)),
  },
});
