// Works on the queue `decide` in a process of its own, which a test can kill. Prints a line for each message:
// "got <id>" before and "did <id>" after holding it for as long as it is told to.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};

const { openQueues } = require('../index.ts');
const { backend, prefix, lockMs, holdMs } = JSON.parse(process.argv[2]);

async function main() {
  const log = { warn: () => undefined, error: () => undefined };
  const queues = await openQueues({ backend, prefix, lockMs, log, nowMs: () => Date.now() });
  await queues.reconcile('decide', async (id) => {
    console.log(`got ${id}`);
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    console.log(`did ${id}`);
  });
  console.log('ready');
  // The test has died.
  process.stdin.on('end', () => process.exit(0)).resume();
}

void main();
