import * as files from 'node:fs/promises';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inlineInputs } from './inline-inputs';
import { MAX_INLINE_BYTES } from './job-spec-rules';
import { parseJobSpec } from './parse-job-spec';

let above: string;
let folder: string;

beforeAll(() => {
  above = mkdtempSync(join(tmpdir(), 'fairlead-inline-'));
  folder = join(above, 'jobs');
  mkdirSync(join(folder, 'deep'), { recursive: true });
  mkdirSync(join(above, 'jobs-beside'));
  writeFileSync(join(folder, 'deep', 'bytes.bin'), Buffer.from([0, 255, 128, 10, 61]));
  writeFileSync(join(folder, 'empty.txt'), '');
  writeFileSync(join(folder, 'half.bin'), Buffer.alloc(MAX_INLINE_BYTES / 2 + 1));
  writeFileSync(join(folder, 'huge.bin'), Buffer.alloc(MAX_INLINE_BYTES + 1));
  writeFileSync(join(above, 'secret.txt'), 'secret');
  writeFileSync(join(above, 'jobs-beside', 'near.txt'), 'near');
  symlinkSync(join(above, 'secret.txt'), join(folder, 'link-out.txt'));
  symlinkSync(above, join(folder, 'deep', 'folder-out'));
  symlinkSync('deep/bytes.bin', join(folder, 'link-within.bin'));
});
afterAll(() => rmSync(above, { recursive: true, force: true }));

const job = (...uris: readonly unknown[]) => ({
  name: 'copy',
  image: 'alpine:3.22',
  command: ['true'],
  inputs: uris.map((uri, index) => ({ path: `in-${index}`, uri })),
});

async function problemsOf(...uris: readonly unknown[]): Promise<readonly string[]> {
  const result = await inlineInputs(job(...uris), folder, files);
  return result.ok ? [] : result.problems.map(({ pointer, message }) => `${pointer} ${message}`);
}

it('puts the bytes of files into the job, which is then complete', async () => {
  const inlined = await inlineInputs(
    job('./deep/bytes.bin', 'link-within.bin', './deep/../empty.txt', 'data:,kept'),
    folder,
    files,
  );
  if (!inlined.ok) throw new Error(JSON.stringify(inlined.problems));
  const parsed = parseJobSpec(inlined.value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const prefix = 'data:application/octet-stream;base64,';
  expect(parsed.spec.inputs.map(({ path, uri }) => [path, uri])).toEqual([
    ['in-0', `${prefix}AP+ACj0=`],
    ['in-1', `${prefix}AP+ACj0=`],
    ['in-2', prefix],
    ['in-3', 'data:,kept'],
  ]);
});

const refused: readonly (readonly [reason: string, uri: string, message: RegExp])[] = [
  ['an absolute path', '/etc/hostname', /absolute/],
  ['a path upwards', '../secret.txt', /outside/],
  ['a folder whose name begins alike', '../jobs-beside/near.txt', /outside/],
  ['a link that leads out', './link-out.txt', /outside/],
  ['a file behind a folder that leads out', './deep/folder-out/secret.txt', /outside/],
  ['a folder', './deep', /is not a file/],
  ['the folder of the job', '.', /outside/],
  ['a file that is missing', './nothing.csv', /no file/],
  ['a name that no file can have', './nul\0', /no file/],
  ['a file that is too large', './huge.bin', /more than 262144 bytes/],
];
it.each(refused)('refuses %s', async (_reason, uri, message) => {
  const problems = await problemsOf('data:,fine', uri);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^\/inputs\/1\/uri /);
  expect(problems[0]).toMatch(message);
});

it('counts all files of a job together, and tells all problems at once', async () => {
  expect(await problemsOf('./half.bin')).toEqual([]);
  const problems = await problemsOf('./half.bin', './half.bin', './nothing.csv');
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
    '/inputs/1/uri',
    '/inputs/2/uri',
  ]);
});

const untouched: readonly (readonly [reason: string, document: unknown])[] = [
  ['addresses', job('https://example.com/a', 'data:,a', 'file:///etc/passwd')],
  ['what is no text', job(7, null, '')],
  ['a job without inputs', { name: 'x' }],
  ['inputs that are no list', { inputs: { uri: './deep/bytes.bin' } }],
  ['inputs that are no objects', { inputs: ['./deep/bytes.bin', null] }],
  ['more inputs than a job may have', job(...Array(65).fill('./deep/bytes.bin'))],
  ['no job at all', 'text'],
];
it.each(untouched)('leaves %s to be judged by the schema', async (_reason, document) => {
  expect(await inlineInputs(document, folder, files)).toEqual({ ok: true, value: document });
});
