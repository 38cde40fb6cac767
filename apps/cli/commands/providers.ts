import type { AddCommand } from '../command';
import { renderProviders } from '../render/providers';

/** The providers and how they have been doing. */
export const addProviders: AddCommand = (program, run) => {
  program
    .command('providers')
    .description('list the providers and how they have been doing')
    .action(() =>
      run(async ({ api, io, paint, show }) => {
        const list = await api.providers();
        show(list, () => renderProviders(list.items, io.nowMs(), paint));
      }),
    );
};
