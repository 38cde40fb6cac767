import type { SheetView } from '#libs/contracts';
import type { Paint } from './paint';
import { facts, table } from './table';

/** Price sheets by name. */
export function renderSheets(sheets: readonly SheetView[], paint: Paint): string {
  if (sheets.length === 0)
    return 'no price sheets; store one with `fairlead offers sheet apply FILE`';
  return table(
    [
      { title: '' },
      { title: 'SHEET' },
      { title: 'FROM' },
      { title: 'UNTIL' },
      { title: 'ROWS', align: 'right' },
      { title: 'BY' },
    ],
    sheets.map((sheet) => [
      sheet.inForce ? paint.good('●') : paint.faint('○'),
      sheet.name,
      dayOf(sheet.validFrom),
      dayOf(sheet.validUntil),
      String(sheet.rows.length),
      sheet.uploadedBy,
    ]),
  );
}

/** One price sheet with its rows. */
export function renderSheet(sheet: SheetView, paint: Paint): string {
  const head = facts([
    ['sheet', sheet.name],
    ['in force', sheet.inForce ? paint.good('yes') : paint.warn('no')],
    ['from', dayOf(sheet.validFrom)],
    ['until', dayOf(sheet.validUntil)],
    ['stored by', sheet.uploadedBy],
  ]);
  const rows = table(
    [
      { title: 'OFFER' },
      { title: 'PER HOUR', align: 'right' },
      { title: '' },
      { title: 'MACHINES', align: 'right' },
    ],
    sheet.rows.map((row) => [
      `${row.provider}/${row.region}/${row.instanceType}/${row.market ?? 'on-demand'}`,
      String(row.pricePerHour),
      row.currency ?? 'USD',
      row.quantity === undefined ? '' : String(row.quantity),
    ]),
  );
  return `${head}\n\n${rows}`;
}

function dayOf(moment: string | null): string {
  return moment === null ? 'for good' : moment.replace('T00:00:00.000Z', '');
}
