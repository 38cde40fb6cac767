import type { AddCommand } from '../command';
import { followToEnd } from '../follow-to-end';
import { renderJobLine } from '../render/job';
import { idempotencyKey } from '../session';

/** Submits what a job was once more, as a new job. */
export const addRetry: AddCommand = (program, run) => {
  program
    .command('retry')
    .description('submit an ended job again, as a new one')
    .argument('<job>', 'id of the job')
    .option('--follow', 'stay until the new job ends; the exit code is that of its workload')
    .action((jobId: string, { follow = false }: { readonly follow?: boolean }) =>
      run(async (session) => {
        const { api, io, paint, show } = session;
        const job = await api.retry(jobId, idempotencyKey(io, { retry: jobId }));
        if (follow) return followToEnd(session, job);
        return show(job, () => renderJobLine(job, paint));
      }),
    );
};
