import * as files from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MAX_APPLIED_POLICIES, writeDocument } from '#libs/contracts';
import { Failure } from './failure';
import type { Io } from './io';
import { readFileDocument } from './read-file';

const DOCUMENT = /\.(ya?ml|json)$/i;

/** One policy as it is written, and where. */
export interface PolicyFile {
  readonly file: string;
  readonly document: unknown;
}

/** The policies of a folder in the order of their names, or the one of a file. Other files and folders within are left alone. */
export async function readPolicyFiles(io: Io, path: string): Promise<readonly PolicyFile[]> {
  const names = await documentsIn(io, path);
  if (names === null) return [{ file: path, document: await readFileDocument(io, path) }];
  if (names.length > MAX_APPLIED_POLICIES)
    throw new Failure('usage', `${path} has more than ${MAX_APPLIED_POLICIES} policies`, {
      remedy: 'apply them in several folders, without --prune',
    });
  const read: PolicyFile[] = [];
  for (const name of names) {
    const file = join(path, name);
    read.push({ file, document: await readFileDocument(io, file) });
  }
  return read;
}

/** Null for what is no folder. */
async function documentsIn(io: Io, path: string): Promise<readonly string[] | null> {
  try {
    const entries = await files.readdir(resolve(io.cwd, path), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && DOCUMENT.test(entry.name) && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  } catch {
    return null;
  }
}

/** What the router says of a document by its place among all, with the file in its stead. */
export async function withFileNames<T>(read: readonly PolicyFile[], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const problems = (error.details.problems ?? []).map((problem) => ({
      ...problem,
      pointer: named(problem.pointer, read),
    }));
    throw new Failure(error.exit, error.message, { ...error.details, problems }, { cause: error });
  }
}

function named(pointer: string, read: readonly PolicyFile[]): string {
  const [, index, rest = ''] = /^\/documents\/(\d+)(.*)$/s.exec(pointer) ?? [];
  const file = index === undefined ? undefined : read[Number(index)]?.file;
  return file === undefined ? pointer : `${file}${rest === '' ? '' : `:${rest}`}`;
}

/** Writes each policy into a file of its name; the same policies give the same bytes. Returns the files. */
export async function writePolicyFiles(
  io: Io,
  folder: string,
  policies: readonly { readonly name: string; readonly document: unknown }[],
): Promise<readonly string[]> {
  const target = resolve(io.cwd, folder);
  try {
    await files.mkdir(target, { recursive: true });
    for (const { name, document } of policies)
      await files.writeFile(join(target, `${name}.yaml`), writeDocument(document));
  } catch (error) {
    const remedy = 'name a folder that you may write to';
    throw new Failure('usage', `cannot write to ${target}`, { remedy }, { cause: error });
  }
  return policies.map(({ name }) => join(folder, `${name}.yaml`));
}
