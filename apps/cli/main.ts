#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exitCodes } from './exit-codes';
import type { Io } from './io';
import { run } from './run';

const RANDOM_BYTES = 9;

/** npm changes into the folder of the package and keeps where it was called from. */
const startedIn =
  process.env['npm_lifecycle_event'] === 'fairlead' ? process.env['INIT_CWD'] : undefined;

const cwd = startedIn ?? process.cwd();

/** In the folder of an installation, its first key serves where no other is given; it never goes to another machine. */
function localKey(): string | undefined {
  if (
    process.env['FAIRLEAD_URL'] !== undefined ||
    process.argv.some((word) => word.startsWith('--url'))
  )
    return undefined;
  try {
    return readFileSync(join(cwd, '.fairlead', 'admin-key'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

const io: Io = {
  env: { ...process.env, FAIRLEAD_API_KEY: process.env['FAIRLEAD_API_KEY'] ?? localKey() },
  cwd,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  fetch: globalThis.fetch,
  nowMs: () => Date.now(),
  randomText: () => randomBytes(RANDOM_BYTES).toString('base64url'),
  // An abort ends the wait; whoever waits looks at the signal.
  sleep: (durationMs, signal) =>
    delay(durationMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
  onInterrupt: (listener) => {
    process.on('SIGINT', listener);
    return () => process.off('SIGINT', listener);
  },
};

/** `fairlead ls | head` closes our output early, which is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : exitCodes.broken.code);
});

run(process.argv.slice(2), io).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = exitCodes.broken.code;
  },
);
