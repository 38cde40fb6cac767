// The one way to run anything of Fairlead: `node tools/run.mjs <command> [arguments]`.
// Works on a fresh clone with Node 20 and nothing installed. It installs when package-lock.json changed, builds when
// sources changed, and then becomes the command, run by the Node that the clone brings. What it has to say goes to
// stderr, so that the output of a command stays its own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './setup/build.mjs';
import { ensureInstalled } from './setup/install.mjs';
import { SetupError } from './setup/errors.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const WANTED_NODE = [24, 9];

const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];

/** What each command runs, and whether it needs the build. */
const commands = {
  demo: { run: ['dist/apps/standalone/demo.js'], built: true },
  start: { run: ['dist/apps/standalone/main.js'], built: true },
  sim: { run: ['dist/test/simulation/main.js'], built: true },
  conformance: { run: ['dist/test/conformance/main.js'], built: true },
  docs: { run: ['dist/test/docs/generate.js'], built: true },
  bench: { run: ['dist/test/benchmarks/main.js'], built: true },
  'bench:decisions': { run: ['dist/test/decisions/main.js'], built: true },
  fairlead: { run: ['dist/apps/cli/main.js'], built: true },
  test: { run: jest, built: true },
  jest: { run: jest, built: false },
  check: { run: ['tools/check.mjs'], built: false },
  build: { run: null, built: true },
};

async function main([name = '', ...args]) {
  const command = Object.hasOwn(commands, name) ? commands[name] : null;
  if (command === null) {
    throw new SetupError(
      `Usage: node tools/run.mjs ${Object.keys(commands).join('|')} [arguments]`,
    );
  }
  await ensureInstalled(root);
  const node = productNode();
  if (command.built) await ensureBuilt(root, node);
  if (command.run !== null) become(node, [...followParent(), ...command.run, ...args]);
}

/** The Node that npm installed with the clone, or the one at hand when it is new enough. */
function productNode() {
  const installed = join(
    root,
    'node_modules',
    `node-${process.platform}-${process.arch}`,
    'bin',
    'node',
  );
  if (existsSync(installed)) return installed;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > WANTED_NODE[0] || (major === WANTED_NODE[0] && minor >= WANTED_NODE[1]))
    return process.execPath;
  throw new SetupError(
    `Fairlead needs Node ${WANTED_NODE.join('.')} or newer and this is ${process.version}. ` +
      `On ${process.platform}-${process.arch} npm cannot bring it along: install it from https://nodejs.org.`,
  );
}

/** The command ends with whoever started it: npm, or this process when it has to stay. */
function followParent() {
  const started = process.env.npm_lifecycle_event !== undefined || process.execve === undefined;
  return started ? ['--require', join(root, 'tools', 'setup', 'follow-parent.cjs')] : [];
}

/** Turn into the command where Node can do that, which saves a process; else run it and pass everything on. */
function become(file, args) {
  process.chdir(root);
  if (typeof process.execve === 'function') {
    process.removeAllListeners('warning');
    process.execve(file, [file, ...args], process.env);
  }
  const child = spawn(file, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to the child as well; twice would mean "at once".
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  child.on('error', (error) => fail(new SetupError(`${file} cannot be run: ${error.message}`)));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}

main(process.argv.slice(2)).catch(fail);
