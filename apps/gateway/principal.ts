import type { ApiKey } from '#libs/storage';
import { Refusal } from './refusal';

/** Who asks, as far as the API is concerned. */
export type Principal = Pick<ApiKey, 'id' | 'name' | 'roles' | 'projects'>;

/** Whether the key sees what belongs to a project. */
export function seesProject({ projects }: Principal, project: string): boolean {
  return projects === null || projects.includes(project);
}

/** Refuses what would be put into a project that the key does not see. */
export function requireProject(principal: Principal, project: string): void {
  if (seesProject(principal, project)) return;
  throw new Refusal('forbidden', { detail: `the key does not see the project ${project}` });
}
