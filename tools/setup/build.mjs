import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SetupError, tell } from './errors.mjs';
import { alone } from './lock.mjs';

const SOURCES = ['apps', 'libs', 'test'];
const SETTINGS = ['tsconfig.json', 'package.json', 'package-lock.json'];

/** Make dist what the sources say. Costs one look at each file's size and time when it already is. */
export async function ensureBuilt(root, node) {
  if (isBuilt(root)) return;
  await alone(join(root, '.fairlead', 'setup.lock'), () => {
    if (!isBuilt(root)) build(root, node);
  });
}

function isBuilt(root) {
  const file = stampFile(root);
  return existsSync(file) && readFileSync(file, 'utf8') === stampOf(root);
}

function stampFile(root) {
  return join(root, 'dist', '.fairlead-built');
}

function stampOf(root) {
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...sourcesOf(root)]) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function sourcesOf(root) {
  return SOURCES.flatMap((folder) => filesIn(root, folder)).filter((file) =>
    /\.(ts|json)$/.test(file),
  );
}

function filesIn(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.name === 'node_modules') return [];
      return entry.isDirectory() ? filesIn(root, path) : [path];
    });
}

/** The stamp is taken first: a source that changes during the build is built again the next time. */
function build(root, node) {
  const stamp = stampOf(root);
  const beganAt = Date.now();
  removeOrphans(root);
  // Without a stamp nobody knows what dist holds, and the compiler must not believe its own notes about it.
  if (!existsSync(stampFile(root)))
    rmSync(join(root, 'dist', 'tsconfig.tsbuildinfo'), { force: true });
  const args = ['node_modules/typescript7/bin/tsc', '-p', 'tsconfig.json'];
  const { status, stdout, stderr, error } = spawnSync(node, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) {
    const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim();
    throw new SetupError(`${said}\nfairlead: the build failed; see above.`);
  }
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampFile(root), stamp);
  tell(`built in ${((Date.now() - beganAt) / 1000).toFixed(1)} s`);
}

/** What the sources no longer have must not be found in dist. */
function removeOrphans(root) {
  for (const file of SOURCES.flatMap((folder) => filesIn(root, `dist/${folder}`))) {
    const source = file.replace(/^dist\//, '').replace(/\.js(\.map)?$/, '.ts');
    if (!existsSync(join(root, source))) rmSync(join(root, file), { force: true });
  }
}
