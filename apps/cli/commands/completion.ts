import { Argument } from 'commander';
import type { AddCommand } from '../command';
import { completionOf, completionScripts, shells, type Shell } from '../render/completion';

/** A script that completes commands and options in a shell. */
export const addCompletion: AddCommand = (program, run) => {
  program
    .command('completion')
    .description('print a script that completes commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices([...shells]))
    .addHelpText('after', '\nFor bash: source <(fairlead completion bash)')
    .action((shell: Shell) =>
      run(async ({ show }) => {
        const script = completionScripts[shell](completionOf(program));
        show({ shell, script }, () => script);
      }),
    );
};
