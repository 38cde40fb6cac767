// Everything that can be known without running the product: format, lint, types, import rules and cycles.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const folders = ['apps', 'examples', 'libs', 'test', 'tools'].filter((folder) =>
  existsSync(folder),
);

const gates = {
  format: [
    'node_modules/prettier/bin/prettier.cjs',
    '--check',
    '--log-level=warn',
    '--no-error-on-unmatched-pattern',
    ...folders.map((folder) => `${folder}/**/*.{ts,js,mjs,cjs}`),
    '*.{js,cjs,json}',
    '.*.{js,cjs,json}',
  ],
  lint: ['node_modules/oxlint/bin/oxlint', '--deny-warnings', ...folders],
  types: [
    'node_modules/typescript7/bin/tsc',
    '-p',
    'tsconfig.json',
    '--noEmit',
    '--incremental',
    'false',
  ],
  imports: [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'err',
    ...folders.filter((folder) => folder !== 'tools'),
  ],
};

function run(name, args) {
  const beganAt = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    child.stdout.on('data', (chunk) => said.push(chunk));
    child.stderr.on('data', (chunk) => said.push(chunk));
    child.on('close', (status) => {
      const seconds = ((Date.now() - beganAt) / 1000).toFixed(1);
      resolve({ name, passed: status === 0, seconds, said: Buffer.concat(said).toString().trim() });
    });
  });
}

const results = await Promise.all(Object.entries(gates).map(([name, args]) => run(name, args)));
for (const { name, passed, seconds, said } of results) {
  if (!passed) console.log(`${said}\n`);
  console.log(`${passed ? '✓' : '✗'} ${name} (${seconds} s)`);
}
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
