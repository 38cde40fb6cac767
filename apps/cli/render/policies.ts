import type { SavedPolicy } from '../api-client';
import { relative } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** Versions in the order in which they came, with a tick at those in force. */
export function renderPolicies(
  policies: readonly SavedPolicy[],
  nowMs: number,
  paint: Paint,
): string {
  if (policies.length === 0) return 'no policies';
  return table(
    ['', 'POLICY', 'VERSION', 'SAVED', 'BY'].map((title) => ({ title })),
    policies.map(({ active, name, version, createdAt, createdBy }) => [
      active ? paint.good('✓') : '',
      name,
      String(version),
      relative(createdAt, nowMs),
      createdBy,
    ]),
  );
}

/** A version that was saved, and how to put it in force. */
export function renderPolicyVersion({ name, version }: SavedPolicy, paint: Paint): string {
  return [
    `saved ${paint.strong(`${name} version ${version}`)}, not in force yet`,
    `put it in force: fairlead policies activate ${name} ${version}`,
  ].join('\n');
}
