import type { AddCommand } from '../command';
import { renderWhy } from '../render/why';

/** Where a job is and why, what it cost, and what it waits for. */
export const addWhy: AddCommand = (program, run) => {
  program
    .command('why')
    .description('say where a job is and why, what it cost, and what it waits for')
    .argument('<job>', 'id of the job')
    .action((jobId: string) =>
      run(async ({ api, io, paint, show }) => {
        const why = await api.why(jobId);
        show(why, () => renderWhy(why, io.nowMs(), paint));
      }),
    );
};
