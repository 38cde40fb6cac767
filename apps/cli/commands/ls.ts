import type { AddCommand } from '../command';
import { collect, DEFAULT_ENTRIES, readEntries } from '../pages';
import { renderJobs } from '../render/job';

interface LsOptions {
  readonly project?: string;
  readonly state?: string;
  readonly workload?: string;
  readonly label?: string;
  readonly limit: number;
}

/** Jobs, newest first. */
export const addLs: AddCommand = (program, run) => {
  program
    .command('ls')
    .description('list jobs, newest first')
    .option('--project <project>', 'only of this project')
    .option('--state <states>', 'only in these states, separated by commas')
    .option('--workload <class>', 'only of this workload class')
    .option('--label <name=value>', 'only with this label')
    .option('-n, --limit <count>', 'how many', readEntries, DEFAULT_ENTRIES)
    .action(({ limit, ...filters }: LsOptions) =>
      run(async ({ api, io, paint, show }) => {
        const page = await collect(limit, (wished) => api.jobs({ ...filters, ...wished }));
        const left = page.next === null ? '' : `\n${paint.faint('there are more: see --limit')}`;
        show(page, () => `${renderJobs(page.items, io.nowMs(), paint)}${left}`);
      }),
    );
};
