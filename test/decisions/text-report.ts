import type { GoldenCheck } from './golden';
import {
  causalPolicies,
  compare,
  OURS,
  verdictsOn,
  type Comparison,
  type Results,
} from './results';
import { gapPct, type S1Result, type S1Setting } from './s1';
import { meanSingleZoneUsd, type S2Result } from './s2';
import { s4Baseline, s4Causal, type S4Result, type S4Threshold } from './s4';
import { REQUESTS_PER_S_PER_REPLICA, type S5Result } from './s5';
import { groupsBy, mean, sum, totalUsd, type JobScore, type PolicyScore } from './scoring';

const GAP = '  ';
const LISTED_MISMATCHES = 10;

type Table = readonly (readonly string[])[];

/** Everything that was found, for reading. */
export function textReport(results: Results): string {
  const { s1, s2, s4, s5 } = results;
  return [
    ...(s1 === null ? [] : s1Text(s1)),
    ...(s2 === null ? [] : s2Text(s2)),
    ...(s4 === null ? [] : s4Text(s4)),
    ...(s5 === null ? [] : s5Text(s5)),
    'Verdict',
    ...verdictsOn(results).map(({ claim, holds }) => `  ${holds ? 'yes' : 'NO '}  ${claim}`),
  ].join('\n');
}

function s1Text({ golden, settings, prices, pricesFrom }: S1Result): readonly string[] {
  return [
    'S1: one job, one interruptible offer, a hard deadline',
    ...goldenText(golden),
    `  on demand ${prices.onDemandUsdPerHour} USD/h, spot ${prices.spotUsdPerHour} USD/h: ${pricesFrom}`,
    '  gap: mean cost above the optimum, in percent of the on-demand bill (published for d 0.2 h, R 60 h: Uniform Progress 7.4)',
    '',
    ...settings.flatMap(settingText),
  ];
}

function settingText(setting: S1Setting): readonly string[] {
  const { jobs, changeoverH, deadlineH, workH } = setting;
  const comparison = compare(jobs, causalPolicies.s1, 'od');
  return [
    `  work ${workH} h, deadline ${deadlineH} h, changeover ${changeoverH} h: ${jobs.length} jobs`,
    ...jobTable(jobs, comparison, [['gap %', (policy) => fixed(gapPct(setting, policy), 2)]]),
    ...differenceText(comparison),
    '',
  ];
}

function s2Text({
  golden,
  zones,
  windows,
  publishedWindows,
  workH,
  deadlineH,
}: S2Result): readonly string[] {
  return [
    `S2: one job of ${fixed(workH, 2)} h in ${fixed(deadlineH, 2)} h, zones ${zones.join(', ')}, moving prices, egress`,
    ...goldenText(golden),
    '',
    '  the golden windows (costs are totals)',
    ...windowsText(windows, zones),
    '  the published windows (in print, per window: optimum 37.37, SkyNomad 41.73, UP(S) 47.0, UP in one zone 68.7)',
    ...windowsText(publishedWindows, zones),
  ];
}

function windowsText(windows: readonly JobScore[], zones: readonly string[]): readonly string[] {
  if (windows.length === 0) return ['    the trace holds none of them', ''];
  const comparison = compare(windows, causalPolicies.s2);
  const means: Column = [
    'mean USD',
    (policy) => fixed(totalUsd(windows, policy) / windows.length, 2),
  ];
  return [
    ...jobTable(windows, comparison, [means]),
    `    mean of UP in one zone ${fixed(meanSingleZoneUsd(windows, zones), 2)}, mean of the optimum ${fixed(mean(windows.map(({ optimumUsd }) => optimumUsd)), 2)}`,
    ...differenceText(comparison),
    '',
  ];
}

function s4Text({ thresholds }: S4Result): readonly string[] {
  return [
    'S4: the product case: data classes, deadlines, checkpoints, hyperscalers and depin offers',
    '  Prices and countries of the offers are real. Which zone stands for which offer is synthetic: reliability is borrowed.',
    '',
    ...thresholds.flatMap(thresholdText),
  ];
}

function thresholdText({ threshold, tickS, golden, totals, jobs }: S4Threshold): readonly string[] {
  const comparison = compare(jobs, s4Causal, s4Baseline);
  const classes = [...groupsBy(jobs, ({ group }) => group)];
  return [
    `  threshold ${threshold}, tick ${tickS} s: ${jobs.length} jobs`,
    ...goldenText(golden),
    ...goldenText(totals, 'totals'),
    ...jobTable(jobs, comparison),
    ...differenceText(comparison),
    ...classes.flatMap(([dataClass, members]) => classText(dataClass, members)),
    '',
  ];
}

function classText(dataClass: string, jobs: readonly JobScore[]): readonly string[] {
  const { scores, bestReference, difference } = compare(jobs, s4Causal, s4Baseline);
  const ours = scores.get(OURS);
  const best = bestReference === null ? undefined : scores.get(bestReference);
  if (ours === undefined || best === undefined || difference === null) return [];
  return [
    `    ${dataClass} (${jobs.length} jobs): ours ${fixed(ours.costUsd, 2)} USD, regret ${fixed(ours.regretPct, 1)} %, ` +
      `late ${ours.late}, violations ${ours.violations}; best causal ${bestReference} ${fixed(best.costUsd, 2)}, ` +
      `regret ${fixed(best.regretPct, 1)} %; difference ${interval(difference)}`,
  ];
}

function s5Text({
  hours,
  meanTarget,
  peakTarget,
  lowerBoundUsd,
  scores,
}: S5Result): readonly string[] {
  const header = [
    'policy',
    'cost USD',
    'available %',
    'at once %',
    'saving %',
    'above bound %',
    'on-demand h',
    'spot h',
    'launches',
    'failed',
    'preempted',
    'missing h',
  ];
  const rows = scores.map(({ policy, result, ...score }) => [
    policy,
    fixed(result.costUsd, 2),
    fixed(score.availabilityPct, 2),
    fixed(score.strictAvailabilityPct, 2),
    fixed(score.savingPct, 1),
    fixed(score.aboveBoundPct, 1),
    fixed(result.onDemandH, 0),
    fixed(result.spotH, 0),
    `${result.launches}`,
    `${result.failedLaunches}`,
    `${result.preemptions}`,
    fixed(result.missingReplicaH, 1),
  ]);
  return [
    'S5: serving',
    `  ${fixed(hours, 0)} h, ${fixed(meanTarget, 1)} replicas wanted on average and ${peakTarget} at most, one per ${REQUESTS_PER_S_PER_REPLICA} requests/s`,
    '  The recorded load is about an hour: it is repeated end to end and scaled by a synthetic day. Zones stand for offers as in S4.',
    '  available: ready when due, a rise being due a changeover later; at once: a rise is due in its own tick',
    `  omniscient lower bound ${fixed(lowerBoundUsd, 2)} USD: no start-up is billed and replicas move for nothing`,
    ...table([header, ...rows]),
    '',
  ];
}

type Column = readonly [name: string, cell: (policy: string) => string];

function jobTable(
  jobs: readonly JobScore[],
  { scores }: Comparison,
  extra: readonly Column[] = [],
): readonly string[] {
  const columns: readonly Column[] = [...extra, ...scoreColumns(scores)];
  const rows = [...scores.keys()].map((policy) => [
    policy,
    ...columns.map(([, cell]) => cell(policy)),
  ]);
  const optimum = ['optimum', ...columns.map(() => '')];
  const at = columns.findIndex(([name]) => name === 'cost USD') + 1;
  optimum[at] = fixed(sum(jobs.map(({ optimumUsd }) => optimumUsd)), 2);
  return table([['policy', ...columns.map(([name]) => name)], ...rows, optimum]);
}

function scoreColumns(scores: ReadonlyMap<string, PolicyScore>): readonly Column[] {
  const column = (name: string, cell: (score: PolicyScore) => string): Column => [
    name,
    (policy) => {
      const score = scores.get(policy);
      return score === undefined ? '' : cell(score);
    },
  ];
  return [
    column('cost USD', ({ costUsd }) => fixed(costUsd, 2)),
    column('regret %', ({ regretPct }) => fixed(regretPct, 1)),
    column('saving %', ({ savingPct }) => (savingPct === null ? '' : fixed(savingPct, 1))),
    column('late', ({ late }) => `${late}`),
    column('p95 late h', ({ p95LatenessH }) => fixed(p95LatenessH, 2)),
    column('violations', ({ violations }) => `${violations}`),
    column('launches/job', ({ launchesPerJob }) => fixed(launchesPerJob, 2)),
    column('moves/job', ({ migrationsPerJob }) => fixed(migrationsPerJob, 2)),
    column('egress USD', ({ egressUsd }) => fixed(egressUsd, 2)),
    column('wasted h', ({ wastedH }) => fixed(wastedH, 1)),
    column('hyperscaler %', ({ hyperscalerPct }) => fixed(hyperscalerPct, 1)),
    column('realised/predicted', ({ calibration }) =>
      calibration === null
        ? ''
        : `${fixed(calibration.ratio, 2)} (${calibration.spread.map((one) => fixed(one, 2)).join(' ')})`,
    ),
  ];
}

function differenceText({ difference }: Comparison): readonly string[] {
  if (difference === null) return ['    no causal reference keeps every deadline and rule'];
  return [
    `    ours less ${difference.reference}, the best causal reference: ${interval(difference)}`,
  ];
}

function interval({ usd, lowUsd, highUsd }: NonNullable<Comparison['difference']>): string {
  return `${fixed(usd, 2)} USD (95 % interval ${fixed(lowUsd, 2)} to ${fixed(highUsd, 2)})`;
}

function goldenText({ rows, matched, mismatches }: GoldenCheck, what = 'rows'): readonly string[] {
  if (rows === 0) return [];
  return [
    `  golden ${what} reproduced: ${matched} of ${rows}`,
    ...mismatches
      .slice(0, LISTED_MISMATCHES)
      .map(({ row, column, golden, got }) => `    ${row}: ${column} is ${golden}, got ${got}`),
  ];
}

/** Cells in columns; the first is text and the rest are numbers. Columns without any cell are left out. */
function table(cells: Table): readonly string[] {
  const [header = []] = cells;
  const used = header.map((_, at) => cells.slice(1).some((row) => (row[at] ?? '') !== ''));
  const widths = header.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells.map((row) => {
    const shown = row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
    return `    ${shown.filter((_, at) => used[at]).join(GAP)}`.trimEnd();
  });
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}
