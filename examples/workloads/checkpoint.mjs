// Saving progress so that an interrupted job goes on where it was: a whole file or none at any moment.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What was saved last, or null in a job that starts from the beginning. */
export function load(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

/** Writes beside the file and renames, so that nobody ever sees half a checkpoint. */
export function save(path, state) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(state));
  renameSync(`${path}.new`, path);
}

/** SIGTERM means that the machine goes away: save and leave. 143 tells that the work is not done. */
export function saveOnTerm(saveNow) {
  process.once('SIGTERM', () => {
    saveNow();
    process.exit(143);
  });
}
