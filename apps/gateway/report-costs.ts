import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';
import {
  Messages,
  type CostDimension,
  type CostReportQuery,
  type CostReportView,
} from '#libs/contracts';
import { MICROS_PER_USD, MS_PER_HOUR } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { requireProject, type Principal } from './principal';
import { Refusal } from './refusal';
import { timeOf } from './views/times';

const MAX_ROWS = 10_000;

/** What was charged, beside what the same work would have cost at the baselines. */
@Injectable()
export class ReportCosts {
  constructor(
    private readonly messages: Messages,
    private readonly clock: Clock,
  ) {}

  async run(query: CostReportQuery, by: Principal): Promise<CostReportView> {
    const nowMs = this.clock.nowMs();
    const fromMs = query.from === undefined ? monthOf(nowMs) : Date.parse(query.from);
    const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
    if (toMs < fromMs) throw new Refusal('malformed-request', { detail: 'to comes before from' });
    const groupBy: readonly CostDimension[] = query.groupBy ?? ['project'];
    const { rows, more } = await this.messages.send('cost.report', {
      fromMs,
      toMs,
      projects: projectsOf(query.project, by),
      providerId: query.provider ?? null,
      groupBy: [...groupBy],
      limit: MAX_ROWS,
    });
    const shown = rows.map(({ group, billed, listCost, baseline, comparable, leaseMs, jobs }) => ({
      group: Object.fromEntries(groupBy.map((name, index) => [name, group[index] ?? null])),
      billedMicroUsd: billed,
      listMicroUsd: listCost,
      baselineMicroUsd: baseline,
      savingMicroUsd: baseline === null ? null : baseline - comparable,
      leaseMs,
      jobs,
    }));
    return {
      from: timeOf(fromMs),
      to: timeOf(toMs),
      groupBy: [...groupBy],
      rows: shown,
      total: totalOf(shown),
      truncated: more,
    };
  }
}

/** The report for a spreadsheet: dollars with all six decimals, hours with as many as it takes. */
export function costCsv({ groupBy, rows }: CostReportView): string {
  const columns = [
    ...groupBy,
    'billed_usd',
    'baseline_usd',
    'saving_usd',
    'lease_hours',
    'jobs',
    'list_usd',
  ];
  const lines = rows.map((row) => [
    ...groupBy.map((name) => harmless(row.group[name] ?? '')),
    dollars(row.billedMicroUsd),
    dollars(row.baselineMicroUsd),
    dollars(row.savingMicroUsd),
    (row.leaseMs / MS_PER_HOUR).toFixed(6),
    String(row.jobs),
    dollars(row.listMicroUsd),
  ]);
  return stringify([columns, ...lines], { record_delimiter: '\r\n' });
}

/** Names come from users, and a spreadsheet would run one that looks like a formula. */
function harmless(text: string): string {
  return /^[\s]*[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
}

function dollars(micros: number | null): string {
  return micros === null ? '' : (micros / MICROS_PER_USD).toFixed(6);
}

function totalOf(rows: CostReportView['rows']): CostReportView['total'] {
  return {
    billedMicroUsd: rows.reduce((sum, row) => sum + row.billedMicroUsd, 0),
    listMicroUsd: rows.reduce((sum, row) => sum + row.listMicroUsd, 0),
    baselineMicroUsd: sumOrNull(rows.map((row) => row.baselineMicroUsd)),
    savingMicroUsd: sumOrNull(rows.map((row) => row.savingMicroUsd)),
  };
}

function sumOrNull(amounts: readonly (number | null)[]): number | null {
  const known = amounts.filter((amount) => amount !== null);
  return known.length === 0 ? null : known.reduce((sum, amount) => sum + amount, 0);
}

function projectsOf(wanted: string | undefined, by: Principal): string[] | null {
  if (wanted === undefined) return by.projects === null ? null : [...by.projects];
  requireProject(by, wanted);
  return [wanted];
}

function monthOf(atMs: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
}
