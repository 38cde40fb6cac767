import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROVIDER_PAGES, documents } from './documents';
import { duration, table } from './markdown';

const ROOT = join(__dirname, '..', '..');

describe('generated documents', () => {
  it.each([...documents()])('%s says what the tables say (else: npm run docs)', (path, text) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text);
  });

  it('has a page for each provider and no other', () => {
    const wanted = [...documents().keys()].filter((path) => path.startsWith(PROVIDER_PAGES));
    const found = readdirSync(join(ROOT, PROVIDER_PAGES)).map(
      (name) => `${PROVIDER_PAGES}/${name}`,
    );
    expect(found.sort()).toEqual(wanted.sort());
  });
});

describe('a table', () => {
  it('keeps its columns apart when a cell holds a bar', () => {
    expect(table(['a'], [['x|y']])).toBe('| a    |\n| ---- |\n| x\\|y |');
  });
});

describe('a duration', () => {
  it.each([
    [0, '0', 'nothing needs no unit'],
    [60_000, '1 min', 'the largest whole unit'],
    [90_000, '90 s', 'not whole in minutes'],
    [86_400_000, '24 h', 'hours are the largest'],
    [1_500, '1500 ms', 'not whole in seconds'],
  ])('%i ms is %s: %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
