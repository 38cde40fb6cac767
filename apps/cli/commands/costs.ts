import { InvalidArgumentError } from 'commander';
import { costDimensions } from '#libs/contracts';
import type { AddCommand } from '../command';
import { Failure } from '../failure';
import { renderCosts } from '../render/costs';

interface CostOptions {
  readonly by: string;
  readonly from?: string;
  readonly to?: string;
  readonly project?: string;
  readonly provider?: string;
  readonly csv?: boolean;
}

/** What was charged, what the baselines would have cost, and the saving. */
export const addCosts: AddCommand = (program, run) => {
  program
    .command('costs')
    .description(
      'report what was charged, what it would have cost at the baselines, and the saving',
    )
    .option(
      '--by <dimensions>',
      `one or several of ${costDimensions.join(', ')}, separated by commas`,
      readDimensions,
      'project',
    )
    .option('--from <day>', 'from this day on; the first of this month by default')
    .option('--to <day>', 'up to but without this day; now by default')
    .option('--project <project>', 'only of this project')
    .option('--provider <id>', 'only of this provider')
    .option('--csv', 'print a table for a spreadsheet')
    .action(({ csv = false, by, ...filters }: CostOptions) =>
      run(async ({ api, io, json, paint, show }) => {
        if (csv && json) throw new Failure('usage', '--csv and --json exclude each other');
        const query = { ...filters, groupBy: by };
        if (csv) {
          io.stdout.write(await api.costsCsv(query));
          return;
        }
        const report = await api.costs(query);
        show(report, () => renderCosts(report, paint));
      }),
    );
};

function readDimensions(text: string): string {
  const known: readonly string[] = costDimensions;
  if (text.split(',').every((part) => known.includes(part.trim()))) return text;
  throw new InvalidArgumentError(`choose from ${costDimensions.join(', ')}.`);
}
