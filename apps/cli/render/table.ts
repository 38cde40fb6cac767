import Table from 'cli-table3';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Rows under their titles in aligned columns, without lines around them and without blanks at the end. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map(({ title }) => title);
  const grid = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: columns.map(({ align = 'left' }) => align),
  });
  if (titles.some((title) => title !== '')) grid.push(titles);
  for (const row of rows) grid.push([...row].map(oneLine));
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Two columns without titles: what it is, and what it is like. Entries without a value are left out. */
export function facts(entries: readonly (readonly [string, string | null])[]): string {
  const given = entries.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
  return table([{ title: '' }, { title: '' }], given);
}

/** Names come from others: no control character of theirs reaches a terminal, and a row stays a row. */
function oneLine(cell: string): string {
  return printable(cell).replaceAll('\n', ' ');
}

const ESCAPE = '\u001b';
const COLOUR = /^\[\d{1,2}m/;

/** Text without what would command a terminal; colours stay. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control: string, at: number) => {
    const isColour = control === ESCAPE && COLOUR.test(text.slice(at + 1, at + 5));
    return control === '\n' || control === '\t' || isColour ? control : '';
  });
}
