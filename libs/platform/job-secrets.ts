/** The secrets that jobs may refer to by name, each for the projects that are listed for it and no others. */
export interface JobSecrets {
  /** Whether jobs of the project may name the secret. Tells nothing about whether it has a value. */
  allows(project: string, name: string): boolean;
  /** The value, or null when there is none for the project. */
  secretOf(project: string, name: string): string | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/** One spelling for each variable, so that no two names share one. */
const NAME = /^[a-z0-9][a-z0-9-]*$/;
const LIST_ENDING = '_PROJECTS';
const EVERY_PROJECT = '*';

/** Secrets from `FAIRLEAD_SECRET_<NAME>`, for the projects in `FAIRLEAD_SECRET_<NAME>_PROJECTS`; without that list, for none. */
export function jobSecrets(env: Env): JobSecrets {
  const allows = (project: string, name: string): boolean => {
    const variable = variableOf(name);
    if (variable === null) return false;
    const projects = listOf(env[`${variable}${LIST_ENDING}`]);
    return projects.includes(EVERY_PROJECT) || projects.includes(project);
  };
  return {
    allows,
    secretOf: (project, name) => {
      const variable = variableOf(name);
      return variable !== null && allows(project, name) ? (env[variable] ?? null) : null;
    },
  };
}

/** `hf-token` is in `FAIRLEAD_SECRET_HF_TOKEN`; null for what is no name, or would be the list of another secret. */
function variableOf(name: string): string | null {
  const variable = `FAIRLEAD_SECRET_${name.toUpperCase().replaceAll('-', '_')}`;
  return NAME.test(name) && !variable.endsWith(LIST_ENDING) ? variable : null;
}

function listOf(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
