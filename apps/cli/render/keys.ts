import type { ApiKeyView, CreatedApiKeyView } from '#libs/contracts';
import { relative } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** Keys without their secrets, which nobody knows any more. */
export function renderKeys(keys: readonly ApiKeyView[], nowMs: number, paint: Paint): string {
  if (keys.length === 0) return 'no keys';
  return table(
    ['KEY', 'NAME', 'ROLES', 'PROJECTS', 'MADE', ''].map((title) => ({ title })),
    keys.map(({ id, name, roles, projects, createdAt, revokedAt }) => [
      id,
      name,
      roles.join(', '),
      projects === null ? 'all' : projects.join(', '),
      relative(createdAt, nowMs),
      revokedAt === null ? '' : paint.bad(`revoked ${relative(revokedAt, nowMs)}`),
    ]),
  );
}

/** The only time that a key is seen. */
export function renderCreatedKey({ id, key }: CreatedApiKeyView, paint: Paint): string {
  return `${paint.strong(key)}\n${paint.warn('Keep it now: it is not shown again.')} Its id is ${id}.`;
}
