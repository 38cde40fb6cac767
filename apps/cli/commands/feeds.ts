import type { AddCommand } from '../command';
import { renderFeeds } from '../render/feeds';

/** Where prices come from, and how reading them goes. */
export const addFeeds: AddCommand = (program, run) => {
  program
    .command('feeds')
    .description('list the sources of prices and rates, how fresh they are and what failed')
    .action(() =>
      run(async ({ api, io, paint, show }) => {
        const list = await api.feeds();
        show(list, () => renderFeeds(list, io.nowMs(), paint));
      }),
    );
};
