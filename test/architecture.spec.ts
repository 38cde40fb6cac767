import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { plugins } from '#libs/providers';
import {
  imports,
  isForTests,
  namesOneOf,
  places,
  reads,
  readsTimeOrChance,
  sourcesIn,
  type Source,
} from './architecture/sources';

const FILE_LINES = 400;
const BANNED_WORDS = /(^|[-.])(manager|helper|helpers|util|utils|common|misc)([-.]|$)/;

/** Entries of a lib besides its `index.ts`, each a public face of its own. */
const entries: Readonly<Record<string, string>> = {
  'libs/providers/*/index.ts': 'one plugin per folder, listed in libs/providers/index.ts',
  'libs/provider-kit/testing/index.ts': 'the conformance suite, which only specs load',
  'libs/provider-kit/testing/host/index.ts': 'emulated hosts, which only emulators load',
  'libs/runtime/transport/index.ts':
    'messages between services, which only who sends or answers any loads',
  'libs/storage/embedded/index.ts':
    'the embedded server, which an outside DATABASE_URL never loads',
};

/** Files that are longer than the rest may be, and why. */
const longFiles: Readonly<Record<string, string>> = {};

/** Where the real clock, chance and the environment enter. */
const timeSources = /^(libs\/runtime\/|apps\/cli\/main\.ts$)/;
const environmentReaders = /^(libs\/runtime\/|apps\/cli\/main\.ts$)/;

/** Composition roots, which may name what they compose, and providers, which are what is named. */
const mayNameProviders = /^(libs\/providers\/|apps\/standalone\/|apps\/[^/]+\/main\.ts$)/;
/** Bodies of the example requests and answers in the API description. */
const exampleBodies = 'libs/contracts/examples.ts';

const all = [...sourcesIn('libs'), ...sourcesIn('apps')];
const product = all.filter((source) => !isForTests(source));

describe('the core', () => {
  it('names no provider: what differs between them is in descriptors', () => {
    const ids = plugins.map(({ descriptor }) => descriptor.id);
    const core = product.filter(
      ({ path }) => !mayNameProviders.test(path) && path !== exampleBodies,
    );
    expect(found(core, namesOneOf(ids))).toEqual([]);
  });

  it('reads the environment in the runtime only', () => {
    const others = product.filter(({ path }) => !environmentReaders.test(path));
    expect(found(others, reads('process', 'env'))).toEqual([]);
  });

  it('takes time and chance as arguments', () => {
    const others = product.filter(({ path }) => !timeSources.test(path));
    expect(found(others, readsTimeOrChance)).toEqual([]);
  });

  it('knows BullMQ in libs/queue only', () => {
    const others = product.filter(({ path }) => !path.startsWith('libs/queue/'));
    expect(found(others, imports('bullmq'))).toEqual([]);
  });
});

describe('a lib', () => {
  it.each(foldersIn('libs'))('%s is entered through its index.ts and declared entries', (lib) => {
    const indexes = all.map(({ path }) => path).filter((path) => path.endsWith('/index.ts'));
    const ours = indexes.filter((path) => path.startsWith(`libs/${lib}/`));
    expect(ours).toContain(`libs/${lib}/index.ts`);
    expect(
      ours.filter((path) => path !== `libs/${lib}/index.ts` && !(entryOf(path) in entries)),
    ).toEqual([]);
  });
});

describe('a file', () => {
  it(`has at most ${FILE_LINES} lines unless it is listed here`, () => {
    const long = product.filter(
      ({ path, text }) => lines(text) > FILE_LINES && !(path in longFiles),
    );
    expect(long.map(({ path, text }) => `${path} ${lines(text)}`)).toEqual([]);
  });

  it('is not listed as long when it is not', () => {
    const listed = all.filter(({ path }) => path in longFiles);
    expect(listed.filter(({ text }) => lines(text) <= FILE_LINES)).toEqual([]);
    expect(listed).toHaveLength(Object.keys(longFiles).length);
  });

  it('is named for the thing in it', () => {
    const files = [...all, ...sourcesIn('test')];
    expect(
      files.map(({ path }) => path).filter((path) => BANNED_WORDS.test(basename(path))),
    ).toEqual([]);
  });
});

describe('the finders', () => {
  it.each([
    ['provider id in a comparison', `if (provider === 'acme') stop();`, 1],
    ['provider id as a key', `const quiet = { acme: 60 };`, 1],
    ['a place at the provider', `const where = 'acme/north';`, 1],
    ['a place put together', 'const where = `acme/${region}`;', 1],
    ['a comment', `// acme lags by a minute\nconst quietMs = 60_000;`, 0],
    ['a longer word', `const acmeish = 'acmeish';`, 0],
    ['an example in a schema', `z.string().meta({ examples: ['acme'] });`, 0],
  ])('see a provider in %s', (_reason, text, count) => {
    expect(places(snippet(text), namesOneOf(['acme']))).toHaveLength(count);
  });

  it.each([
    ['the clock', `const nowMs = Date.now();`, 1],
    ['the clock passed on', `const clock = { nowMs: Date.now };`, 1],
    ['a bare date', `const now = new Date();`, 1],
    ['a date of a given moment', `const at = new Date(atMs);`, 0],
    ['chance', `const roll = Math.random();`, 1],
  ])('see time and chance in %s', (_reason, text, count) => {
    expect(places(snippet(text), readsTimeOrChance)).toHaveLength(count);
  });

  it.each([
    ['dotted', `read(process.env);`, 1],
    ['bracketed', `read(process['env']);`, 1],
    ['a name like it', `read(own.env);`, 0],
  ])('see the environment %s', (_reason, text, count) => {
    expect(places(snippet(text), reads('process', 'env'))).toHaveLength(count);
  });

  it.each([
    [`import type { Job } from 'bullmq';`, 1],
    [`const { Queue } = await import('bullmq');`, 1],
    [`type Job = import('bullmq').Job;`, 1],
    [`import type { Job } from '#libs/domain';`, 0],
  ])('see a package in %s', (text, count) => {
    expect(places(snippet(text), imports('bullmq'))).toHaveLength(count);
  });
});

function found(
  sources: readonly Source[],
  finder: Parameters<typeof places>[1],
): readonly string[] {
  return sources.flatMap((source) => places(source, finder));
}

function snippet(text: string): Source {
  return { path: 'snippet.ts', text };
}

function lines(text: string): number {
  return text.split('\n').length - 1;
}

function entryOf(path: string): string {
  return path.replace(/^libs\/providers\/[^/]+\//, 'libs/providers/*/');
}

function foldersIn(folder: string): readonly string[] {
  return readdirSync(join(__dirname, '..', folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
