import * as files from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { inlineInputs, MAX_DOCUMENT_BYTES, readDocument, type ReadDocument } from '#libs/contracts';
import { Failure } from './failure';
import type { Io } from './io';

/** Stands for standard input where a file is named. */
const STDIN = '-';

/** A job or policy as it is written in a file; only the router judges what it says. */
export async function readFileDocument(io: Io, name: string): Promise<unknown> {
  return (await readTextAndDocument(io, name)).document;
}

/** As `readFileDocument`, with the text that it was read from. */
export async function readTextAndDocument(
  io: Io,
  name: string,
): Promise<{ readonly text: string; readonly document: unknown }> {
  const text = await readFileText(io, name);
  // JSON is YAML too, but says better what is wrong with JSON.
  const reading = readDocument(text, name.endsWith('.json') ? 'json' : 'yaml');
  return { text, document: valueOf(name, reading) };
}

/** A file as it is written, for a router that reads it by itself. */
export async function readFileText(io: Io, name: string): Promise<string> {
  return name === STDIN ? textOf(io.stdin) : textIn(resolve(io.cwd, name));
}

/** As `readFileDocument`, with the bytes of inputs that lie beside the file. */
export async function readJobDocument(io: Io, name: string): Promise<unknown> {
  const document = await readFileDocument(io, name);
  const folder = name === STDIN ? io.cwd : dirname(resolve(io.cwd, name));
  return valueOf(name, await inlineInputs(document, folder, files));
}

function valueOf(name: string, reading: ReadDocument): unknown {
  if (reading.ok) return reading.value;
  throw new Failure('refused', `${name} has problems`, { problems: reading.problems });
}

async function textIn(path: string): Promise<string> {
  try {
    return await files.readFile(path, 'utf8');
  } catch (error) {
    const remedy = 'name a file that you may read, or - for standard input';
    throw new Failure('usage', `cannot read ${path}`, { remedy }, { cause: error });
  }
}

/** Stops as soon as it is more than a document may be. */
async function textOf(stdin: Io['stdin']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk);
    chunks.push(part);
    bytes += part.length;
    if (bytes > MAX_DOCUMENT_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
