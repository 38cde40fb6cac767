import { Injectable } from '@nestjs/common';
import { DEFAULT_PAGE, type JobQuery } from '#libs/contracts';
import type { Job } from '#libs/domain';
import { Jobs, type JobFilter, type Page } from '#libs/storage';
import { requireProject, type Principal } from './principal';
import { Refusal } from './refusal';

/** A page of the jobs that a key sees. */
@Injectable()
export class ListJobs {
  constructor(private readonly jobs: Jobs) {}

  async run(query: JobQuery, by: Principal): Promise<Page<Job>> {
    const filter = filterOf(query, by);
    const { cursor = null, limit = DEFAULT_PAGE } = query;
    try {
      return await this.jobs.list(filter, cursor, limit);
    } catch (error) {
      if (error instanceof RangeError)
        throw new Refusal('malformed-request', { detail: 'cursor is none of this list' });
      throw error;
    }
  }
}

function filterOf({ project, state, workload, label }: JobQuery, by: Principal): JobFilter {
  return {
    project: projectOf(project, by),
    states: state ?? [],
    workload: workload ?? null,
    label: labelOf(label),
  };
}

/** A key for one project means that one; with several it has to be said. */
function projectOf(wanted: string | undefined, by: Principal): string | null {
  if (wanted !== undefined) {
    requireProject(by, wanted);
    return wanted;
  }
  if (by.projects === null) return null;
  const [only, ...others] = by.projects;
  if (only !== undefined && others.length === 0) return only;
  throw new Refusal('project-required', { detail: `one of ${by.projects.join(', ')}` });
}

function labelOf(text: string | undefined): JobFilter['label'] {
  if (text === undefined) return null;
  const split = text.indexOf('=');
  return { name: text.slice(0, split), value: text.slice(split + 1) };
}
