import { listParts, quoted, read, readEach, refuse, type Reading } from './reading';

/** Where a job may and may not run: globs over `provider/region`. */
export interface InfraLists {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export const MAX_INFRA_ENTRIES = 100;
const GLOB = /^[a-z0-9*][a-z0-9*._-]*(?:\/[a-z0-9*._-]+)?$/;
const MAX_GLOB_CHARACTERS = 100;
const REMEDY = 'write provider/region with * as wildcard, for example "aws/us-*" or "!akash"';

/** One glob such as `aws/us-*` or `akash`, in lower case. */
export function readGlob(text: string): Reading<string> {
  const glob = text.trim().toLowerCase();
  return GLOB.test(glob) && glob.length <= MAX_GLOB_CHARACTERS
    ? read(glob)
    : refuse(`${quoted(text)} is not a place`, REMEDY);
}

/** The short form: a list, or one text with commas, in which `!` excludes. */
export function readInfra(written: string | readonly string[]): Reading<InfraLists> {
  const texts = typeof written === 'string' ? listParts(written) : written;
  const entries = readEach(texts, (text) => {
    const excluded = text.trim().startsWith('!');
    const glob = readGlob(excluded ? text.trim().slice(1) : text);
    return glob.ok ? read({ excluded, glob: glob.value }) : glob;
  });
  if (!entries.ok) return entries;
  if (entries.value.length > MAX_INFRA_ENTRIES)
    return refuse(`more than ${MAX_INFRA_ENTRIES} places`, 'use wildcards to list fewer');
  return read({
    include: entries.value.filter(({ excluded }) => !excluded).map(({ glob }) => glob),
    exclude: entries.value.filter(({ excluded }) => excluded).map(({ glob }) => glob),
  });
}
