/** A Markdown table with aligned columns, so that the files read well as plain text too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) =>
    Math.max(3, ...all.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [first = [], ...rest] = all;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join(
    '\n',
  );
}

/** Inline code, or nothing for nothing. */
export function code(text: string | null): string {
  return text === null ? '' : `\`${text}\``;
}

/** A duration in the largest unit that leaves it whole. */
export function duration(ms: number): string {
  const units = [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  if (ms === 0) return '0';
  const unit = units.find(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms} ms` : `${ms / unit[1]} ${unit[0]}`;
}

/** Says at the head of a file that it is not written by hand. */
export function generatedFrom(sources: string): string {
  return `<!-- Generated from ${sources} by \`npm run docs\`; edits are overwritten. -->`;
}
