import type { AddCommand } from '../command';
import { exitCodes } from '../exit-codes';
import { readJobDocument } from '../read-file';
import { renderPlan } from '../render/plan';

/** Where a job would run and what it would cost; nothing is stored. */
export const addPlan: AddCommand = (program, run) => {
  program
    .command('plan')
    .description('say where a job would run and what it would cost; nothing is stored')
    .argument('<file>', 'the job as YAML or JSON; - for standard input')
    .option('--all', 'show every offer')
    .action((file: string, { all = false }: { readonly all?: boolean }) =>
      run(async ({ api, io, paint, show }) => {
        const plan = await api.plan(await readJobDocument(io, file));
        show(plan, () => renderPlan(plan, paint, { all }));
        return exitCodes[plan.rankedCount === 0 ? 'no-offer' : 'ok'].code;
      }),
    );
};
