import { InvalidArgumentError } from 'commander';
import { WHAT_IF_DEFAULT, WHAT_IF_MAX } from '#libs/contracts';
import type { AddCommand } from '../command';
import { readFileDocument } from '../read-file';
import { renderWhatIf } from '../render/what-if';
import { readMoment } from './policy-options';

interface WhatIfOptions {
  readonly last: number;
  readonly project?: string;
  readonly from?: string;
  readonly to?: string;
}

/** What the last decisions would have been under a draft. */
export const addWhatIf: AddCommand = (policies, run) => {
  policies
    .command('what-if')
    .description('make the last decisions again under a draft, and say what comes out differently')
    .argument('<file>', 'the draft as YAML or JSON; - for standard input')
    .option(
      '--last <count>',
      `how many decisions, at most ${WHAT_IF_MAX}`,
      readCount,
      WHAT_IF_DEFAULT,
    )
    .option('--project <project>', 'only decisions for its jobs')
    .option('--from <time>', 'only decisions made then or later', readMoment)
    .option('--to <time>', 'only decisions made before', readMoment)
    .action((file: string, { last, project, from, to }: WhatIfOptions) =>
      run(async ({ api, io, paint, show }) => {
        const document = await readFileDocument(io, file);
        const report = await api.whatIf(document, { last, project, from, to });
        show(report, () => renderWhatIf(report, paint));
      }),
    );
};

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= WHAT_IF_MAX) return count;
  throw new InvalidArgumentError(`write a number from 1 to ${WHAT_IF_MAX}.`);
}
