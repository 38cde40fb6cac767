// Runs `startEmbeddedPostgres` in a process of its own that a test can kill. Prints one line of JSON when ready.
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

const { startEmbeddedPostgres } = require('../server.ts');
const options = JSON.parse(process.argv[2]);

startEmbeddedPostgres({ ...options, log: () => undefined }).then(
  (server) => {
    console.log(JSON.stringify({ url: server.url, pid: server.pid() }));
    process.on('SIGTERM', () => server.stop().then(() => process.exit(0)));
  },
  (error) => {
    console.log(JSON.stringify({ error: error.message }));
    process.exit(1);
  },
);
