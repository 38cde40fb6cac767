import type { z } from 'zod';
import { ConfigError, type BaseConfig } from './config';
import type { Log } from './log';
import { redactedText } from './redact';
import { start, type Assembly, type Running, type Runtime, type StartOptions } from './start';

/** How long a process that is broken may take to close. */
const BROKEN_LIMIT_MS = 5_000;

/**
 * What a `main.ts` calls: start, and be a good process. Ends on SIGTERM and SIGINT when all is closed, at once on a
 * second one; ends with code 1 and a reason in the log when the start fails or something was thrown that nobody caught.
 */
export async function run<Schema extends z.ZodObject = z.ZodObject<{}>>(
  assemble: (runtime: Runtime<BaseConfig & z.output<Schema>>) => Promise<Assembly> | Assembly,
  options: StartOptions<Schema>,
): Promise<void> {
  let running: Running | null = null;
  let ending = false;

  const end = async (code: number): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    await running?.close();
    process.exit(code);
  };
  const fail = (error: unknown): void => {
    say(options.name, running?.log, error);
    if (ending) process.exit(1);
    setTimeout(() => process.exit(1), BROKEN_LIMIT_MS);
    void end(1);
  };

  process.on('SIGTERM', () => void end(0));
  process.on('SIGINT', () => void end(0));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  try {
    running = await start(assemble, options);
    running.log.info({ url: running.url }, `${options.name} is ready.`);
  } catch (error) {
    fail(error);
  }
}

/** In the log when there is one. What keeps a process from starting is for a person: standard error, in words. */
function say(name: string, log: Log | undefined, error: unknown): void {
  if (log !== undefined)
    log.fatal({ err: error }, 'The process ends: an error that nobody expected.');
  else if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${name} cannot start: ${redactedText(wordsOf(error))}\n`);
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ${wordsOf(error.cause)}`;
}
