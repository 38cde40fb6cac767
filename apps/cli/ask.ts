import { createInterface } from 'node:readline';
import { Failure } from './failure';
import type { Io } from './io';

const YES = /^y(es)?$/i;

/** Asks a person once. Throws `Failure` when nobody is there, or when the answer is anything but yes. */
export async function confirm({ stdin, stderr }: Io, question: string): Promise<void> {
  if (stdin.isTTY !== true)
    throw new Failure('usage', 'nobody can be asked: standard input is no terminal', {
      remedy: 'give -y to go on without a question',
    });
  stderr.write(`${question} [y/N] `);
  if (YES.test((await firstLine(stdin)).trim())) return;
  throw new Failure('stopped', 'nothing was done');
}

/** Empty when the input ends first. The terminal is left as it is, so that Ctrl-C still ends the command. */
function firstLine(input: Io['stdin']): Promise<string> {
  const lines = createInterface({ input, terminal: false });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => resolve(''));
  });
}
