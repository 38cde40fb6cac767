import type { Row } from './measure';
import type { Report } from './run-benchmarks';

const header = ['row', 'value', 'limit', 'unit', 'ratio', 'aim', 'definition', 'equal'];
const GAP = '  ';

/** The rows as a table, and below it what has to be known to read them. */
export function renderReport({ rows, notes }: Report): string {
  const cells = [header, ...rows.map(cellsOf)];
  const widths = header.map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  return [...lines, '', 'A ratio of 1 is as good as the limit.', ...notes].join('\n');
}

function cellsOf({ name, value, limit, unit, ratio, ...beside }: Row): readonly string[] {
  const { aim = '', definition = '', equal = '' } = beside;
  return [name, `${value}`, `${limit}`, unit, `${ratio}`, `${aim}`, `${definition}`, `${equal}`];
}
