import { checkDocument } from '#apps/policy-engine/check-policy';
import { Endings } from './bench';
import {
  besideDefinition,
  median,
  percentile,
  rateRow,
  sizeRow,
  timeRow,
  timeTogether,
} from './measure';
import { syntheticBook } from './offer-books';
import { renderReport } from './report';
import { ruleSet } from './rule-sets';
import { rowNames, runBenchmarks } from './run-benchmarks';

it('measures only the rows that are asked for, each beside its limit', async () => {
  const endings = new Endings();
  const report = await runBenchmarks('decide.1k', endings);
  await endings.close();
  const names = ['decide.1k', 'decide.1k.10-rules', 'decide.1k.200-rules'];
  expect(report.rows.map(({ name }) => name)).toEqual(
    names.flatMap((name) => [name, `${name}.p99`, `${name}.first`]),
  );
  for (const { unit, value, limit, ratio, definition = 0, equal } of report.rows) {
    expect([unit, equal]).toEqual(['ms', true]);
    for (const figure of [value, limit, ratio, definition]) expect(figure).toBeGreaterThan(0);
  }
  expect(report.notes).toHaveLength(1);
  expect(renderReport(report)).toMatch(/^row .*\ndecide\.1k .*\ndecide\.1k\.p99 /);
});

it('measures policies beside the bare parsing of their expressions', async () => {
  const endings = new Endings();
  const { rows } = await runBenchmarks('policy', endings);
  await endings.close();
  expect(rows.map(({ name }) => name)).toEqual(['policy.compile', 'policy.save']);
  for (const { value, limit } of rows) expect([value > 0, limit > 0]).toEqual([true, true]);
});

it('has a name of its own for each row', () => {
  expect(new Set(rowNames).size).toBe(rowNames.length);
  expect(rowNames).toEqual(expect.arrayContaining(['intake.rate', 'end-to-end.rate']));
});

it('gives 1 to what is as good as its limit and less to what is worse', () => {
  expect(rateRow('a', 'jobs/s', 500, 1_000).ratio).toBe(0.5);
  expect(timeRow('a', 4, 1)).toEqual({ name: 'a', value: 4, unit: 'ms', limit: 1, ratio: 0.25 });
});

it('shows what stands beside a figure', () => {
  const plain = sizeRow('a', 4, 2);
  expect(plain).toEqual({ name: 'a', value: 4, unit: 'MiB', limit: 2, ratio: 0.5 });
  const row = besideDefinition(timeRow('b', 1, 1), { definitionMs: 20, equal: true, aim: 5 });
  expect(row).toMatchObject({ value: 1, definition: 20, equal: true, aim: 5 });
  const [header, first, second] = renderReport({ rows: [plain, row], notes: [] }).split('\n');
  expect(header).toMatch(/ratio +aim +definition +equal$/);
  expect(first).toMatch(/MiB +0\.5$/);
  expect(second).toMatch(/ms +1 +5 +20 +true$/);
});

it('has policies of any size whose rules can all be saved', () => {
  for (const size of [1, 10, 200]) {
    const document = ruleSet(size);
    expect(document.rules).toHaveLength(size);
    expect(checkDocument(document).problems).toEqual([]);
  }
});

it('finds percentiles in values of any order', () => {
  const values = Array.from({ length: 200 }, (_, n) => (n * 77) % 200);
  expect([median(values), percentile(values, 0.99), percentile(values, 1)]).toEqual([99, 197, 199]);
  expect(() => median([])).toThrow(RangeError);
});

it('keeps as many calls under way as it is told, one at a time in each lane', async () => {
  const underWay = new Set<number>();
  let most = 0;
  const timing = await timeTogether(20, 4, async (lane) => {
    expect(underWay.has(lane)).toBe(false);
    underWay.add(lane);
    most = Math.max(most, underWay.size);
    await Promise.resolve();
    underWay.delete(lane);
  });
  expect([timing.count, timing.latenciesMs.length, most]).toEqual([20, 20, 4]);
});

it('makes books of any size in which no offer is twice, always the same', () => {
  const book = syntheticBook(500);
  expect(new Set(book.map(({ id }) => id)).size).toBe(500);
  expect(syntheticBook(500)).toEqual(book);
  expect(new Set(book.map(({ pricePerHour }) => pricePerHour)).size).toBeGreaterThan(100);
});

it('ends what was started in reverse order, once, whatever fails on the way', async () => {
  const endings = new Endings();
  const ended: string[] = [];
  endings.add(async () => void ended.push('first'));
  endings.add(async () => {
    throw new Error('stuck');
  });
  endings.add(async () => void ended.push('last'));
  await expect(endings.close()).rejects.toThrow('could not be ended');
  await endings.close().catch(() => undefined);
  expect(ended).toEqual(['last', 'first']);
});
