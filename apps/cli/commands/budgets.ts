import type { AddCommand } from '../command';
import { Failure } from '../failure';
import { renderBudgets } from '../render/budgets';

/** Budgets: list, set. */
export const addBudgets: AddCommand = (program, run) => {
  const budgets = program.command('budgets').description('list and set the budgets of projects');
  budgets
    .command('ls', { isDefault: true })
    .description('list the budgets and what is gone of them')
    .option('--period <month>', 'a month such as 2026-11; this one by default')
    .action((query: { readonly period?: string }) =>
      run(async ({ api, paint, show }) => {
        const list = await api.budgets(query);
        show(list, () => renderBudgets(list.items, paint));
      }),
    );
  budgets
    .command('set')
    .description('set the monthly limits of a project; a limit that is not given is none')
    .argument('<project>', 'the project')
    .option('--soft <amount>', 'above it an event tells, for example "$400"')
    .option('--hard <amount>', 'above it jobs are refused, for example "$500"')
    .action((project: string, { soft, hard }: { readonly soft?: string; readonly hard?: string }) =>
      run(async ({ api, paint, show }) => {
        if (soft === undefined && hard === undefined)
          throw new Failure('usage', 'no limit is given', {
            remedy: 'give --soft, --hard or both',
          });
        const limits = {
          ...(soft === undefined ? {} : { softLimit: soft }),
          ...(hard === undefined ? {} : { hardLimit: hard }),
        };
        const budget = await api.setBudget(project, limits);
        show(budget, () => renderBudgets([budget], paint));
      }),
    );
};
