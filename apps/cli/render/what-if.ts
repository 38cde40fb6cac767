import type { WhatIfView } from '#libs/contracts';
import { counted, dollars } from './amounts';
import type { Paint } from './paint';
import { printable, table } from './table';

/** How many changed decisions fit on a screen; `--json` has more. */
const SHOWN_CHANGES = 12;

type Totals = WhatIfView['total'];

/** What a draft would have changed: how much, for whom, why, and where. */
export function renderWhatIf(report: WhatIfView, paint: Paint): string {
  const blocks = [
    headOf(report, paint),
    totalsOf(report, paint),
    riskOf(report),
    causesOf(report),
    changesOf(report, paint),
    skippedOf(report),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function headOf({ name, replaces, total, jobs, jobsChanged }: WhatIfView, paint: Paint): string {
  const instead = replaces === null ? 'which is not in force' : `instead of version ${replaces}`;
  return [
    `${counted(total.decisions, 'decision')} for ${counted(jobs, 'job')} made again under ${paint.strong(name)}, ${instead}`,
    `${total.moved} elsewhere, ${total.infeasible} served by no offer any more, ${total.feasible} newly served, ` +
      `${total.same} the same, ${total.unplaced} served by none either way; ${counted(jobsChanged, 'job')} affected`,
  ].join('\n');
}

function totalsOf({ total, projects }: WhatIfView, paint: Paint): string {
  const row = (name: string, totals: Totals): readonly string[] => [
    name,
    String(totals.decisions),
    String(totals.moved),
    String(totals.infeasible),
    String(totals.feasible),
    dollars(totals.expectedBeforeMicroUsd),
    dollars(totals.expectedAfterMicroUsd),
    difference(totals.differenceMicroUsd, paint),
  ];
  const numbers = ['DECISIONS', 'MOVED', 'LOST', 'GAINED', 'EXPECTED', 'WITH DRAFT', 'MORE'];
  return table(
    [{ title: 'PROJECT' }, ...numbers.map((title) => ({ title, align: 'right' as const }))],
    [...projects.map((totals) => row(totals.project, totals)), row('all', total)],
  );
}

function difference(microUsd: number, paint: Paint): string {
  if (microUsd === 0) return dollars(0);
  return microUsd > 0 ? paint.warn(`+${dollars(microUsd)}`) : paint.good(dollars(microUsd));
}

function riskOf({ risk }: WhatIfView): string {
  if (risk.decisions === 0 && risk.deadlinesUnserved === 0) return '';
  const percent = (bps: number): string => `${bps / 100} %`;
  return (
    `deadlines: chance of being late ${percent(risk.latenessBpsBefore)} → ${percent(risk.latenessBpsAfter)} ` +
    `over ${counted(risk.decisions, 'decision')}, ${risk.overTolerance} beyond what is accepted now, ` +
    `${risk.deadlinesUnserved} with no offer any more`
  );
}

function causesOf({ causes }: WhatIfView): string {
  if (causes.length === 0) return '';
  return table(
    [{ title: 'BECAUSE' }, { title: '' }, { title: 'DECISIONS', align: 'right' }],
    causes.map(({ what, does, decisions }) => [what, does, String(decisions)]),
  );
}

function changesOf({ changes, moreChanges, total }: WhatIfView, paint: Paint): string {
  if (changes.length === 0) return '';
  const shown = changes.slice(0, SHOWN_CHANGES);
  const grid = table(
    ['JOB', 'PROJECT', 'FROM', 'TO', 'BECAUSE'].map((title) => ({ title })),
    shown.map(({ jobId, project, from, to, causes }) => [
      jobId,
      project,
      from === null ? paint.bad('nowhere') : from.offerId,
      to === null ? paint.bad('nowhere') : to.offerId,
      causes.map(({ what }) => what).join(', '),
    ]),
  );
  const left = total.moved + total.infeasible + total.feasible - shown.length;
  const hint = moreChanges ? '; --json shows the first 200' : '; --json shows them';
  return left <= 0 ? grid : `${grid}\nand ${left} more${hint}`;
}

function skippedOf({ skipped }: WhatIfView): string {
  const counts = Object.entries(skipped).map(([why, count]) => `${why} ${count}`);
  return counts.length === 0 ? '' : printable(`not made again: ${counts.join(', ')}`);
}
