import type { CostReportView } from '#libs/contracts';
import { dollars, duration, share } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

type Row = CostReportView['rows'][number];
type Total = CostReportView['total'];

/** What was charged by group, with the baselines and savings, and the total below. */
export function renderCosts(report: CostReportView, paint: Paint): string {
  const { rows, groupBy, total, truncated } = report;
  const period = `${report.from.slice(0, 10)} to ${report.to.slice(0, 10)}`;
  if (rows.length === 0) return `nothing was charged from ${period}`;
  const columns = [
    ...groupBy.map((name) => ({ title: name.toUpperCase() })),
    ...['BILLED', 'BASELINE', 'SAVING', '', 'LEASED', 'JOBS'].map(
      (title) => ({ title, align: 'right' }) as const,
    ),
  ];
  const first = ['total', ...groupBy.slice(1).map(() => '')].slice(0, groupBy.length);
  return [
    paint.faint(period),
    table(columns, [
      ...rows.map((row) => rowOf(row, groupBy, paint)),
      [...first, ...moneyOf(total, paint)],
    ]),
    ...(truncated ? [paint.warn('there are more rows than are shown; the total counts all')] : []),
  ].join('\n');
}

function rowOf(row: Row, groupBy: CostReportView['groupBy'], paint: Paint): readonly string[] {
  return [
    ...groupBy.map((name) => row.group[name] ?? '–'),
    ...moneyOf(row, paint),
    duration(row.leaseMs),
    String(row.jobs),
  ];
}

function moneyOf({ billedMicroUsd, baselineMicroUsd, savingMicroUsd }: Total, paint: Paint) {
  const saved = savingMicroUsd ?? 0;
  const style = saved < 0 ? paint.warn : paint.good;
  return [
    dollars(billedMicroUsd),
    dollars(baselineMicroUsd),
    savingMicroUsd === null ? '–' : style(dollars(savingMicroUsd)),
    baselineMicroUsd === null ? '' : share(saved, baselineMicroUsd),
  ];
}
