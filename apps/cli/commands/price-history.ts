import { Option } from 'commander';
import { priceResolutions } from '#libs/contracts';
import type { AddCommand } from '../command';
import { renderPriceHistory } from '../render/price-history';

interface HistoryOptions {
  readonly from?: string;
  readonly to?: string;
  readonly resolution?: string;
}

/** What an offer cost over time. */
export const addPriceHistory: AddCommand = (offers, run) => {
  offers
    .command('history')
    .description('show what an offer cost over time')
    .argument('<offer>', 'its id, for example aws/us-east-1/p5.4xlarge/spot')
    .option('--from <day>', 'from then on; two weeks ago by default')
    .option('--to <day>', 'up to but without then; now by default')
    .addOption(
      new Option('--resolution <what>', 'every change, or the days').choices([...priceResolutions]),
    )
    .action((offer: string, query: HistoryOptions) =>
      run(async ({ api, paint, show }) => {
        const history = await api.prices(offer, { ...query });
        show(history, () => renderPriceHistory(history, paint));
      }),
    );
};
