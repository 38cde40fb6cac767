import { InvalidArgumentError } from 'commander';
import type { AddCommand } from '../command';
import { exitCodes } from '../exit-codes';
import { followLogs } from '../follow-logs';
import { untilInterrupted } from '../follow-to-end';
import type { Session } from '../session';

interface LogOptions {
  readonly follow?: boolean;
  readonly attempt?: number;
}

/** What the workload printed, as it was printed. */
export const addLogs: AddCommand = (program, run) => {
  program
    .command('logs')
    .description('print what the workload of a job printed')
    .argument('<job>', 'id of the job')
    .option('-f, --follow', 'go on until the job ends')
    .option('--attempt <number>', 'of this attempt; the latest by default', readAttempt)
    .action((jobId: string, options: LogOptions) =>
      run((session) => logs(session, jobId, options)),
    );
};

async function logs(session: Session, jobId: string, options: LogOptions): Promise<number | void> {
  const { io, json, show } = session;
  const decoder = new TextDecoder();
  const kept: string[] = [];
  const print = (text: string) => (json ? kept.push(text) : io.stdout.write(text));
  const done = await untilInterrupted(session, jobId, async (signal) => {
    for await (const bytes of outputOf(session, jobId, options, signal))
      print(decoder.decode(bytes, { stream: true }));
    return true;
  });
  print(decoder.decode());
  if (json) show({ jobId, attempt: options.attempt ?? null, log: kept.join('') }, () => '');
  if (done === null) return exitCodes.stopped.code;
}

function outputOf(
  { api, io, paint }: Session,
  jobId: string,
  { follow = false, attempt }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!follow) return api.logs(jobId, { attempt }, signal);
  return followLogs({
    api,
    sleep: io.sleep,
    jobId,
    attempt: attempt ?? null,
    signal,
    onAttempt: ({ number, offerId }) =>
      io.stderr.write(`${paint.faint(`--- attempt ${number} at ${offerId}`)}\n`),
  });
}

function readAttempt(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('write the number of an attempt, from 1 on.');
}
