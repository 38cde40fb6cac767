import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError, tell } from './errors.mjs';
import { alone, isAlive, lifeOf, readNote } from './lock.mjs';

const TRIES = 2;
const RETRY_PAUSE_MS = 3_000;
const END_LIMIT_MS = 10_000;
const END_LOOK_MS = 100;
const NETWORK_FAILURE =
  /ECONNRESET|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ENETUNREACH|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT|socket hang up|network|\b50[234]\b/i;

/** Make node_modules what package-lock.json says. Costs one hash when it already is. */
export async function ensureInstalled(root) {
  if (isInstalled(root)) return;
  await alone(join(root, '.fairlead', 'setup.lock'), async () => {
    if (!isInstalled(root)) await install(root);
  });
}

function isInstalled(root) {
  const wanted = stampOf(root);
  const file = stampFile(root);
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return true;
  if (!isComplete(root)) return false;
  writeFileSync(file, wanted);
  return true;
}

function stampFile(root) {
  return join(root, 'node_modules', '.fairlead-installed');
}

function stampOf(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

/** Whether npm itself, run by hand, has put there what the lock file says. It notes what it did when it is done. */
function isComplete(root) {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const there = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === null || there === null) return false;
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    const found = there[path];
    if (found === undefined) return path === '' || optional === true || devOptional === true;
    return found.version === version;
  });
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
}

async function install(root) {
  await endOrphan(root);
  tell('installing packages, which takes a minute or two the first time …');
  const beganAt = Date.now();
  for (let tried = 1; ; tried += 1) {
    const { code, said } = await npmCi(root);
    if (code === 0) break;
    if (tried === TRIES || !NETWORK_FAILURE.test(said)) {
      throw new SetupError(`${said}\nfairlead: "npm ci" failed (exit code ${code}); see above.`);
    }
    tell('the network failed us; trying once more …');
    await pause(RETRY_PAUSE_MS);
  }
  writeFileSync(stampFile(root), stampOf(root));
  tell(`packages installed in ${Math.round((Date.now() - beganAt) / 1000)} s`);
}

/** A killed setup leaves its npm at work, and two of them in one folder ruin it. */
async function endOrphan(root) {
  const npm = readNote(npmNote(root));
  if (npm === null) return;
  for (let waitedMs = 0; isAlive(npm) && waitedMs < END_LIMIT_MS; waitedMs += END_LOOK_MS) {
    process.kill(npm.pid, 'SIGKILL');
    await pause(END_LOOK_MS);
  }
  rmSync(npmNote(root), { force: true });
}

function npmNote(root) {
  return join(root, '.fairlead', 'npm.pid');
}

/** Without install scripts: nothing here needs one, and none of them should run on your machine. */
function npmCi(root) {
  const args = [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--include=dev',
    '--include=optional',
  ];
  const { npm_execpath: npm, npm_node_execpath: node = process.execPath } = process.env;
  const [file, words] = npm?.endsWith('.js') ? [node, [npm, ...args]] : ['npm', args];
  return new Promise((resolve) => {
    const child = spawn(file, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    writeFileSync(npmNote(root), `${child.pid}\n${lifeOf(child.pid)}\n`);
    const said = [];
    child.stdout.on('data', (chunk) => said.push(chunk));
    child.stderr.on('data', (chunk) => said.push(chunk));
    const stop = () => child.kill('SIGTERM');
    process.once('SIGTERM', stop);
    const done = (code) => {
      process.removeListener('SIGTERM', stop);
      rmSync(npmNote(root), { force: true });
      resolve({ code, said: Buffer.concat(said).toString() });
    };
    child.on('error', (error) => {
      said.push(Buffer.from(error.message));
      done(1);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}
