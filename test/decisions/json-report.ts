import type { GoldenCheck } from './golden';
import { causalPolicies, compare, OURS, verdictsOn, type Results } from './results';
import { gapPct, type S1Result, type S1Setting } from './s1';
import { meanSingleZoneUsd, meanUsd, s2References, type S2Result } from './s2';
import { s4Baseline, s4Causal, s4References, type S4Result, type S4Threshold } from './s4';
import type { S5Result } from './s5';
import { groupsBy, mean, scorePolicy, sum, type JobScore, type PolicyScore } from './scoring';

/** How many golden rows that we do not reproduce are listed. */
const LISTED_MISMATCHES = 20;
const SYNTHETIC = 'prices and countries are real, which zone stands for which offer is synthetic';

/** The whole outcome as one JSON value. */
export function jsonReport(results: Results): object {
  const { s1, s2, s4, s5 } = results;
  const verdicts = verdictsOn(results);
  return {
    scenarios: {
      ...(s1 !== null && { s1: s1Json(s1) }),
      ...(s2 !== null && { s2: s2Json(s2) }),
      ...(s4 !== null && { s4: s4Json(s4) }),
      ...(s5 !== null && { s5: s5Json(s5) }),
    },
    verdicts,
    ok: verdicts.every(({ holds }) => holds),
  };
}

function goldenJson({ rows, matched, mismatches }: GoldenCheck): object {
  return {
    goldenRows: rows,
    goldenMatched: matched,
    ...(mismatches.length > 0 && { mismatches: mismatches.slice(0, LISTED_MISMATCHES) }),
  };
}

function s1Json({ golden, settings, prices, pricesFrom }: S1Result): object {
  return {
    ...goldenJson(golden),
    prices: { ...prices, from: pricesFrom },
    settings: settings.map(settingJson),
  };
}

/** Costs are means per job; gaps are in percent of the on-demand bill. */
function settingJson(setting: S1Setting): object {
  const { jobs, changeoverH, deadlineH, workH, onDemandUsd } = setting;
  const { scores, bestReference, difference } = compare(jobs, causalPolicies.s1);
  return {
    changeoverH,
    deadlineH,
    workH,
    jobs: jobs.length,
    oursGapPct: gapPct(setting, OURS),
    upGapPct: gapPct(setting, 'up'),
    onDemandUsd,
    optimumUsd: mean(jobs.map(({ optimumUsd }) => optimumUsd)),
    oursUsd: mean(jobs.map(({ runs }) => runs[OURS]?.result.costUsd ?? NaN)),
    upUsd: mean(jobs.map(({ runs }) => runs['up']?.result.costUsd ?? NaN)),
    late: scores.get(OURS)?.late ?? 0,
    bestReference,
    difference,
    policies: Object.fromEntries(scores),
    gapsPct: Object.fromEntries(
      [...scores.keys()].map((policy) => [policy, gapPct(setting, policy)]),
    ),
  };
}

function s2Json({ golden, zones, windows, publishedWindows, deadlineH, workH }: S2Result): object {
  return {
    ...goldenJson(golden),
    zones,
    workH,
    deadlineH,
    ...windowsJson(windows, zones),
    published: {
      ...windowsJson(publishedWindows, zones),
      printedUsd: { optimum: 37.37, skyNomad: 41.73, 'UP(S)': 47.0, 'UP in a single zone': 68.7 },
    },
  };
}

function windowsJson(windows: readonly JobScore[], zones: readonly string[]): object {
  const { scores, bestReference, difference } = compare(windows, causalPolicies.s2);
  return {
    windows: windows.length,
    oursMeanUsd: meanUsd(windows, OURS),
    optimumMeanUsd: mean(windows.map(({ optimumUsd }) => optimumUsd)),
    late: scores.get(OURS)?.late ?? 0,
    referenceMeansUsd: {
      ...Object.fromEntries(s2References.map((policy) => [policy, meanUsd(windows, policy)])),
      'UP in a single zone': meanSingleZoneUsd(windows, zones),
    },
    bestReference,
    difference,
    ours: scores.get(OURS) ?? null,
  };
}

function s4Json({ thresholds }: S4Result): object {
  const [finest] = [...thresholds].sort((a, b) => a.tickS - b.tickS);
  // A threshold is keyed by its number; where there are several ticks, the coarser ones say theirs.
  const keyOf = ({ threshold, tickS }: S4Threshold): string =>
    thresholds.some((other) => other.threshold === threshold && other.tickS < tickS)
      ? `${threshold}@${tickS}`
      : `${threshold}`;
  return {
    goldenRows: sum(thresholds.map(({ golden }) => golden.rows)),
    goldenMatched: sum(thresholds.map(({ golden }) => golden.matched)),
    totalsRows: sum(thresholds.map(({ totals }) => totals.rows)),
    totalsMatched: sum(thresholds.map(({ totals }) => totals.matched)),
    mismatches: thresholds
      .flatMap(({ golden, totals }) => [...golden.mismatches, ...totals.mismatches])
      .slice(0, LISTED_MISMATCHES),
    jobs: finest?.jobs.length ?? 0,
    note: SYNTHETIC,
    thresholds: Object.fromEntries(thresholds.map((one) => [keyOf(one), thresholdJson(one)])),
  };
}

function thresholdJson({ jobs, tickS }: S4Threshold): object {
  const { scores, bestReference, difference } = compare(jobs, s4Causal, s4Baseline);
  const classes = groupsBy(jobs, ({ group }) => group);
  return {
    tickS,
    ours: scores.get(OURS) ?? null,
    references: Object.fromEntries(s4References.map((policy) => [policy, scores.get(policy)])),
    optimumUsd: sum(jobs.map(({ optimumUsd }) => optimumUsd)),
    bestReference,
    difference,
    classes: Object.fromEntries(
      [...classes].map(([dataClass, members]) => [dataClass, classJson(members)]),
    ),
  };
}

function classJson(jobs: readonly JobScore[]): object {
  const score = (policy: string): PolicyScore => scorePolicy(jobs, policy, s4Baseline);
  return {
    jobs: jobs.length,
    optimumUsd: sum(jobs.map(({ optimumUsd }) => optimumUsd)),
    ours: score(OURS),
    references: Object.fromEntries(s4References.map((policy) => [policy, score(policy)])),
  };
}

function s5Json({ scores, ...facts }: S5Result): object {
  return {
    ...facts,
    note: SYNTHETIC,
    policies: Object.fromEntries(
      scores.map(({ policy, result, ...score }) => {
        const { touched, ...counts } = result;
        return [policy, { ...counts, ...score, zones: touched.filter(Boolean).length }];
      }),
    ),
  };
}
