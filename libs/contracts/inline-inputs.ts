import type { FieldProblem } from './field-problem';
import { MAX_LIST_ENTRIES } from './job-spec-fields';
import { MAX_INLINE_BYTES } from './job-spec-rules';
import type { ReadDocument } from './read-document';
import { quoted, read, refuse, type Reading } from './syntax/reading';

/** What is asked of a file system; `node:fs/promises` can do it. All of it rejects for what does not exist. */
export interface LocalFiles {
  /** The absolute path with all links followed. */
  realpath(path: string): Promise<string>;
  stat(path: string): Promise<{ readonly size: number; isFile(): boolean }>;
  readFile(path: string): Promise<Uint8Array>;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const REMEDY = 'write a path such as "./data/train.csv", counted from the file of the job';

/**
 * Replaces inputs that are named by a path, such as `./train.py`, by `data:` addresses that hold their bytes, so that a job can
 * be sent away. Paths count from `folder`, where the document lies; nothing outside of it is read, not even through a link.
 * Everything else stays as it is, to be judged by `parseJobSpec`. Rejects only when `folder` itself does not exist.
 */
export async function inlineInputs(
  document: unknown,
  folder: string,
  files: LocalFiles,
): Promise<ReadDocument> {
  const inputs = inputsOf(document);
  if (!inputs.some((input) => localPathOf(input) !== null)) return { ok: true, value: document };
  const root = await files.realpath(folder);
  const inlined: unknown[] = [];
  const problems: FieldProblem[] = [];
  let leftBytes = MAX_INLINE_BYTES;
  for (const [index, input] of inputs.entries()) {
    const path = localPathOf(input);
    const bytes = path === null ? null : await bytesBelow(root, path, leftBytes, files);
    if (bytes === null) inlined.push(input);
    else if (bytes.ok) {
      leftBytes -= bytes.value.length;
      inlined.push({ ...objectOf(input), uri: dataUri(bytes.value) });
    } else {
      const { message, remedy } = bytes;
      problems.push({ pointer: `/inputs/${index}/uri`, code: 'unreadable', message, remedy });
    }
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { ...objectOf(document), inputs: inlined } };
}

/** The inputs as written; none where that is no list, or one that is refused for its length anyway. */
function inputsOf(document: unknown): readonly unknown[] {
  const inputs = objectOf(document)['inputs'];
  return Array.isArray(inputs) && inputs.length <= MAX_LIST_ENTRIES ? inputs : [];
}

function localPathOf(input: unknown): string | null {
  const uri = objectOf(input)['uri'];
  return typeof uri === 'string' && uri !== '' && !SCHEME.test(uri) ? uri : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value)) : {};
}

/** The size is asked for first, so that a large file is refused without being read. */
async function bytesBelow(
  root: string,
  path: string,
  maxBytes: number,
  files: LocalFiles,
): Promise<Reading<Uint8Array>> {
  if (path.startsWith('/')) return refuse(`${quoted(path)} is an absolute path`, REMEDY);
  try {
    const real = await files.realpath(`${root}/${path}`);
    if (!real.startsWith(root.endsWith('/') ? root : `${root}/`))
      return refuse(
        `${quoted(path)} lies outside the folder of the job`,
        'copy the file into that folder',
      );
    const { size, isFile } = await statOf(real, files);
    if (!isFile) return refuse(`${quoted(path)} is not a file`, 'name single files');
    return size > maxBytes ? tooLarge(path) : await bounded(path, files.readFile(real), maxBytes);
  } catch {
    return refuse(`there is no file ${quoted(path)} that can be read`, REMEDY);
  }
}

async function statOf(
  path: string,
  files: LocalFiles,
): Promise<{ readonly size: number; readonly isFile: boolean }> {
  const stats = await files.stat(path);
  return { size: stats.size, isFile: stats.isFile() };
}

/** A file may have grown since it was asked for its size. */
async function bounded(
  path: string,
  reading: Promise<Uint8Array>,
  maxBytes: number,
): Promise<Reading<Uint8Array>> {
  const bytes = await reading;
  return bytes.length > maxBytes ? tooLarge(path) : read(bytes);
}

function tooLarge(path: string): Reading<never> {
  return refuse(
    `with ${quoted(path)} the files of this job hold more than ${MAX_INLINE_BYTES} bytes`,
    'put large files behind an https: address',
  );
}

function dataUri(bytes: Uint8Array): string {
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return `data:application/octet-stream;base64,${btoa(characters)}`;
}
