import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from './exit-codes';

const main = join(__dirname, '..', '..', 'dist', 'apps', 'cli', 'main.js');
const LIMIT_MS = 20_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(argv: readonly string[]): Promise<Ended> {
  // What other settings of the surroundings say is no part of the test.
  const env = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(process.execPath, [main, ...argv], { env, timeout: LIMIT_MS });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  child.stdin.end();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...said }));
  });
}

/** Only what has been built can be started; `npm test` builds first. */
const built = existsSync(main) ? it : it.skip;

built('the built command ends with its documented codes', async () => {
  const help = await start(['--help']);
  expect([help.code, help.stderr]).toEqual([exitCodes.ok.code, '']);
  expect(help.stdout).toContain('Exit codes:');
  const usage = await start(['ls', '--nonsense']);
  expect([usage.code, usage.stdout]).toEqual([exitCodes.usage.code, '']);
  const away = await start(['ls', '--url', 'http://127.0.0.1:1', '--json']);
  expect(away.code).toBe(exitCodes.unreachable.code);
  expect(JSON.parse(away.stdout)).toMatchObject({ error: { kind: 'unreachable' } });
});
