import { checkGroups } from '#libs/provider-kit/testing';
import type { CheckGroup, CheckOutcome, CheckStatus } from '#libs/provider-kit/testing';

export type Tally = { readonly [S in CheckStatus]: number };

/** A check that did not pass, and why. */
export interface Remark {
  readonly group: CheckGroup;
  readonly name: string;
  readonly reason: string;
}

export interface ProviderReport extends Tally {
  readonly name: string;
  readonly groups: Readonly<Partial<Record<CheckGroup, Tally>>>;
  readonly failures: readonly Remark[];
  readonly skips: readonly Remark[];
}

/** What the checks of one provider amount to. */
export function reportOn(name: string, outcomes: readonly CheckOutcome[]): ProviderReport {
  const groups = checkGroups
    .map((group) => [group, outcomes.filter((outcome) => outcome.group === group)] as const)
    .filter(([, ofGroup]) => ofGroup.length > 0)
    .map(([group, ofGroup]) => [group, tallyOf(ofGroup)] as const);
  return {
    name,
    ...tallyOf(outcomes),
    groups: Object.fromEntries(groups),
    failures: remarksOn(outcomes, 'failed'),
    skips: remarksOn(outcomes, 'skipped'),
  };
}

/** Provider by check group, then every failure and every skip with its reason. */
export function renderReports(reports: readonly ProviderReport[]): string {
  const rows = reports.flatMap((report) => [
    ...checkGroups.flatMap((group) => {
      const tally = report.groups[group];
      return tally === undefined ? [] : [row(report.name, group, tally)];
    }),
    row(report.name, 'all', report),
  ]);
  const header = ['provider', 'group', 'passed', 'failed', 'skipped'];
  const remarks = reports.flatMap(({ name, failures, skips }) => [
    ...failures.map((remark) => remarkLine(name, 'failed', remark)),
    ...skips.map((remark) => remarkLine(name, 'skipped', remark)),
  ]);
  return [...alignColumns([header, ...rows]), '', ...remarks, '', closingLine(reports)].join('\n');
}

function closingLine(reports: readonly ProviderReport[]): string {
  const total = (status: CheckStatus): number => reports.reduce((sum, r) => sum + r[status], 0);
  return `${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`;
}

function tallyOf(outcomes: readonly CheckOutcome[]): Tally {
  const count = (status: CheckStatus): number =>
    outcomes.filter((outcome) => outcome.status === status).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

function remarksOn(outcomes: readonly CheckOutcome[], status: CheckStatus): readonly Remark[] {
  return outcomes
    .filter((outcome) => outcome.status === status)
    .map(({ group, name, reason }) => ({ group, name, reason: reason ?? '' }));
}

function row(name: string, group: string, { passed, failed, skipped }: Tally): readonly string[] {
  return [name, group, `${passed}`, `${failed}`, `${skipped}`];
}

function remarkLine(provider: string, status: CheckStatus, remark: Remark): string {
  return `${status}: ${provider} ${remark.group}: ${remark.name}: ${remark.reason}`;
}

function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return rows.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
