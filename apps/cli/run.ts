import { Command, CommanderError, Option } from 'commander';
import { allCommands } from './all-commands';
import type { RunAction } from './command';
import { exitCodes } from './exit-codes';
import { Failure } from './failure';
import type { Io } from './io';
import { renderExitCodes } from './render/exit-codes';
import { failureDocument, renderFailure } from './render/failure';
import { createPaint } from './render/paint';
import { DEFAULT_URL, isColoured, openSession, type GlobalOptions } from './session';

/** Runs one command line, without the program's own name, and resolves with its exit code. Throws only when broken itself. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.ok.code;
  const program = createProgram(io);
  const runAction: RunAction = async (action) => {
    const session = openSession(io, program.opts<GlobalOptions>());
    exitCode = (await action(session)) ?? exitCode;
  };
  for (const add of allCommands) add(program, runAction);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return exitAfter(error, program, argv, io);
  }
}

function createProgram(io: Io): Command {
  return new Command('fairlead')
    .description('Submits compute jobs, shows where they run and why, and what they cost.')
    .option('--url <url>', `address of the router (FAIRLEAD_URL, else ${DEFAULT_URL})`)
    .addOption(new Option('--key <key>', 'API key (FAIRLEAD_API_KEY)'))
    .option('--json', 'print one JSON document and nothing else on stdout')
    .option('--no-color', 'print without colours (NO_COLOR)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Told once, where all failures are.
      outputError: () => undefined,
    })
    .addHelpText('after', () => `\n${renderExitCodes()}`)
    .showSuggestionAfterError()
    .exitOverride();
}

function exitAfter(error: unknown, program: Command, argv: readonly string[], io: Io): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok.code;
  const failure = error instanceof CommanderError ? usageFailure(error) : error;
  if (!(failure instanceof Failure)) throw error;
  // A command line that cannot be read has no options yet.
  const json = program.opts<GlobalOptions>().json ?? argv.includes('--json');
  const { color } = program.opts<GlobalOptions>();
  if (json) io.stdout.write(`${JSON.stringify(failureDocument(failure), null, 2)}\n`);
  else io.stderr.write(`${renderFailure(failure, createPaint(isColoured(io, { color })))}\n`);
  return exitCodes[failure.exit].code;
}

/** Commander's messages begin with a word that ours add themselves. */
function usageFailure({ code, message }: CommanderError): Failure {
  const text = code === 'commander.help' ? 'a command is missing' : message;
  const [first = '', ...suggestions] = text.replace(/^error: /, '').split('\n');
  return new Failure('usage', first, {
    remedy: suggestions.join(' ').replace(/^\(|\)$/g, '') || 'see `fairlead --help`',
  });
}
