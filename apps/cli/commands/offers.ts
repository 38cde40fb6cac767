import { Option } from 'commander';
import { offerViewSchema } from '#libs/contracts';
import type { AddCommand } from '../command';
import { collect, DEFAULT_ENTRIES, readEntries } from '../pages';
import { renderOffers } from '../render/offers';
import { addPriceHistory } from './price-history';
import { addSheets } from './price-sheets';

const { options: markets } = offerViewSchema.shape.market;

interface OfferOptions {
  readonly gpu?: string;
  readonly provider?: string;
  readonly region?: string;
  readonly country?: string;
  readonly market?: string;
  readonly maxPrice?: string;
  readonly available?: true;
  readonly limit: number;
}

/** What can be bought now, cheapest first. */
export const addOffers: AddCommand = (program, run) => {
  const offers = program
    .command('offers')
    .description('list what can be bought now, cheapest first; history and price sheets');
  addPriceHistory(offers, run);
  addSheets(offers, run);
  offers
    .command('ls', { isDefault: true })
    .description('list what can be bought now, cheapest first')
    .option('--gpu <model>', 'only with this GPU, for example H100')
    .option('--provider <id>', 'only of this provider')
    .option('--region <region>', 'only in this region')
    .option('--country <code>', 'only in this country')
    .addOption(new Option('--market <market>', 'only of this market').choices([...markets]))
    .option('--max-price <price>', 'no dearer per hour, for example "$2.50"')
    .option('--available', 'leave out what is sold out')
    .option('-n, --limit <count>', 'how many', readEntries, DEFAULT_ENTRIES)
    .action(({ limit, maxPrice, ...filters }: OfferOptions) =>
      run(async ({ api, paint, show }) => {
        const query = { ...filters, maxPricePerHour: maxPrice };
        const page = await collect(limit, (wished) => api.offers({ ...query, ...wished }));
        const left = page.next === null ? '' : `\n${paint.faint('there are more: see --limit')}`;
        show(page, () => `${renderOffers(page.items, paint)}${left}`);
      }),
    );
};
