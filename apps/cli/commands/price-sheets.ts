import { basename } from 'node:path';
import type { AddCommand } from '../command';
import { Failure } from '../failure';
import { readFileDocument, readFileText } from '../read-file';
import { renderSheet, renderSheets } from '../render/price-sheets';

interface ApplyOptions {
  readonly name?: string;
  readonly validFrom?: string;
  readonly validUntil?: string;
}

const CSV = /\.csv$/i;
const EXTENSION = /\.(csv|ya?ml|json)$/i;

/** Price sheets: apply, list, show, remove. */
export const addSheets: AddCommand = (offers, run) => {
  const sheets = offers
    .command('sheet')
    .description('keep price sheets of capacity bought by contract');
  sheets
    .command('ls', { isDefault: true })
    .description('list the price sheets')
    .action(() =>
      run(async ({ api, paint, show }) => {
        const list = await api.priceSheets();
        show(list, () => renderSheets(list.items, paint));
      }),
    );
  sheets
    .command('show')
    .description('show a price sheet')
    .argument('<name>', 'what it is called')
    .action((name: string) =>
      run(async ({ api, paint, show }) => {
        const sheet = await api.priceSheet(name);
        show(sheet, () => renderSheet(sheet, paint));
      }),
    );
  sheets
    .command('apply')
    .description('store or replace a price sheet; its offers are there at once')
    .argument('<file>', 'CSV, YAML or JSON')
    .option('--name <name>', 'what it is called; the name of the file by default')
    .option('--valid-from <day>', 'for CSV: in force from then on; at once by default')
    .option('--valid-until <day>', 'for CSV: in force until just before; for good by default')
    .action((file: string, { name = nameOf(file), ...validity }: ApplyOptions) =>
      run(async ({ api, io, paint, show }) => {
        if (!CSV.test(file) && Object.keys(validity).length > 0)
          throw new Failure('usage', '--valid-from and --valid-until are for CSV', {
            remedy: 'write validFrom and validUntil into the document',
          });
        const content = CSV.test(file)
          ? { csv: await readFileText(io, file) }
          : { body: await readFileDocument(io, file) };
        const sheet = await api.putPriceSheet(name, content, validity);
        show(sheet, () => renderSheet(sheet, paint));
      }),
    );
  sheets
    .command('rm')
    .description('remove a price sheet; its offers have their listed prices again')
    .argument('<name>', 'what it is called')
    .action((name: string) =>
      run(async ({ api, show }) => {
        await api.removePriceSheet(name);
        show({ name, removed: true }, () => `removed ${name}`);
      }),
    );
};

/** `contracts/Reserved 2027.csv` is `reserved-2027`. */
function nameOf(file: string): string {
  const stem = basename(file).replace(EXTENSION, '').toLowerCase();
  return stem.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}
