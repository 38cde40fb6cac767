import { parseArgs } from 'node:util';
import { Endings } from './bench';
import { renderReport } from './report';
import { rowNames, runBenchmarks } from './run-benchmarks';

const USAGE = 'npm run bench [-- --json] [-- --only NAME]';
const INTERRUPTED = 130;

/** A problem with how the command was called, in words for the caller. */
class UsageError extends Error {}

const endings = new Endings();
let isInterrupted = false;

/** Prints a table, or one JSON object with `--json`; what is said besides goes to stderr then. */
async function main(): Promise<void> {
  const { only, isJson } = readOptions(process.argv.slice(2));
  const report = await runBenchmarks(only, endings).finally(() => endings.close());
  if (!isJson) return void process.stdout.write(`${renderReport(report)}\n`);
  process.stderr.write(report.notes.map((note) => `${note}\n`).join(''));
  process.stdout.write(`${JSON.stringify({ rows: report.rows })}\n`);
}

function readOptions(args: string[]): { readonly only: string | null; readonly isJson: boolean } {
  const { only = null, json = false } = readArguments(args);
  const isKnown = only === null || rowNames.some((name) => `${name}.`.startsWith(`${only}.`));
  if (!isKnown) throw new UsageError(`no row is called ${only}; there are ${rowNames.join(', ')}`);
  return { only, isJson: json };
}

function readArguments(args: string[]): { only?: string; json?: boolean } {
  try {
    const options = { json: { type: 'boolean' }, only: { type: 'string' } } as const;
    return parseArgs({ args, options }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function say(error: unknown): void {
  const isUsage = error instanceof UsageError;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(isUsage ? `${error.message}\n${USAGE}\n` : `${text}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isInterrupted = true;
    process.stderr.write('stopping what was started\n');
    const end = (): never => process.exit(INTERRUPTED);
    void endings.close().catch(say).then(end);
  });
}

main().catch((error: unknown) => {
  // What is under way when everything is stopped fails; that is no news.
  if (isInterrupted) return;
  say(error);
  process.exitCode = 2;
});
