import type { AddCommand } from '../command';
import { renderJobLine } from '../render/job';

/** Asks for the end of a job. */
export const addCancel: AddCommand = (program, run) => {
  program
    .command('cancel')
    .description('ask for the end of a job; repeatable')
    .argument('<job>', 'id of the job')
    .action((jobId: string) =>
      run(async ({ api, paint, show }) => {
        const job = await api.cancel(jobId);
        show(job, () => renderJobLine(job, paint));
      }),
    );
};
