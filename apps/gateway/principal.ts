import type { ApiKey } from '#libs/storage';
import { Refusal } from './refusal';

/** Who asks, as far as the API is concerned. */
export type Principal = Pick<ApiKey, 'id' | 'name' | 'roles' | 'projects'>;

/** Whether the key sees what belongs to a project. */
export function seesProject({ projects }: Principal, project: string): boolean {
  return projects === null || projects.includes(project);
}

/** Whether everything that a reach of projects takes in is seen by the key; null is all projects. */
export function coversProjects(
  { projects }: Pick<Principal, 'projects'>,
  reach: readonly string[] | null,
): boolean {
  if (projects === null) return true;
  return reach !== null && reach.every((project) => projects.includes(project));
}

/** Refuses what reaches further than the key does, such as another key or, with null, what holds for all projects. */
export function requireReach(principal: Principal, reach: readonly string[] | null): void {
  if (coversProjects(principal, reach)) return;
  throw new Refusal('forbidden', { detail: `the key sees only ${principal.projects?.join(', ')}` });
}

/** Refuses what would be put into a project that the key does not see. */
export function requireProject(principal: Principal, project: string): void {
  if (seesProject(principal, project)) return;
  throw new Refusal('forbidden', { detail: `the key does not see the project ${project}` });
}
