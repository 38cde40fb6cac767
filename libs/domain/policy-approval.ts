import { placeMatcher } from './constraints';
import type { PolicyScope } from './policy';

/** Whether changes of policies need a second person: for everything (null), or for what speaks of one project. */
export interface ApprovalSetting {
  readonly project: string | null;
  readonly requireApproval: boolean;
}

/** Whether a policy speaks of a project; one without a scope speaks of all. */
export function scopeCovers(scope: PolicyScope | undefined, project: string): boolean {
  if (scope === undefined) return true;
  // The slash keeps the name whole: what matches is a name, not the first part of a place.
  return scope.projects.some((glob) => placeMatcher(`project/${glob}`)(`project/${project}`));
}

/**
 * Whether a change needs a second person: where the installation asks for one, or a project that the policy speaks of,
 * before or after the change.
 */
export function approvalNeeded(
  settings: readonly ApprovalSetting[],
  scopes: readonly (PolicyScope | undefined)[],
): boolean {
  return settings.some(
    ({ project, requireApproval }) =>
      requireApproval && (project === null || scopes.some((scope) => scopeCovers(scope, project))),
  );
}
