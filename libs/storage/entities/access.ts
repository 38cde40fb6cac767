import { EntitySchema } from 'typeorm';
import { columns, named, nullable } from './columns';

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
