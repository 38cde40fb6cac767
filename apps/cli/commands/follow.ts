import type { AddCommand } from '../command';
import { followToEnd } from '../follow-to-end';

/** Comes back to a job that was left alone. */
export const addFollow: AddCommand = (program, run) => {
  program
    .command('follow')
    .description('show what happens to a job until it ends; the exit code is that of its workload')
    .argument('<job>', 'id of the job')
    .action((jobId: string) =>
      run(async (session) => followToEnd(session, await session.api.job(jobId))),
    );
};
