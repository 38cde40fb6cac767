import type { GoldenCheck } from './golden';
import { s1Causal, type S1Result } from './s1';
import { s2Causal, type S2Result } from './s2';
import { s4Causal, type S4Result, type S4Threshold } from './s4';
import type { S5Result } from './s5';
import {
  bestSound,
  differenceOf,
  policyNames,
  scorePolicy,
  type Difference,
  type JobScore,
  type PolicyScore,
} from './scoring';

export const OURS = 'ours';

export const scenarioNames = ['s1', 's2', 's4', 's5'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** What was run; a scenario that was not asked for is null. */
export interface Results {
  readonly s1: S1Result | null;
  readonly s2: S2Result | null;
  readonly s4: S4Result | null;
  readonly s5: S5Result | null;
}

/** A set of jobs under every policy, and ours against the best reference that knows no future and breaks nothing. */
export interface Comparison {
  readonly scores: ReadonlyMap<string, PolicyScore>;
  readonly bestReference: string | null;
  readonly difference: Difference | null;
}

export function compare(
  jobs: readonly JobScore[],
  causal: readonly string[],
  baseline?: string,
): Comparison {
  const scores = new Map(
    policyNames(jobs).map((policy) => [policy, scorePolicy(jobs, policy, baseline)]),
  );
  const bestReference = bestSound(jobs, causal);
  const difference = bestReference === null ? null : differenceOf(jobs, OURS, bestReference);
  return { scores, bestReference, difference };
}

/** A claim that has to hold for the command to succeed. */
export interface Verdict {
  readonly claim: string;
  readonly holds: boolean;
}

/** All golden rows reproduced, none of our jobs late, none where its data may not be. */
export function verdictsOn({ s1, s2, s4, s5 }: Results): readonly Verdict[] {
  return [
    ...(s1 === null
      ? []
      : [
          golden('S1', s1.golden),
          ...sound(
            'S1',
            s1.settings.flatMap(({ jobs }) => jobs),
          ),
        ]),
    ...(s2 === null
      ? []
      : [golden('S2', s2.golden), ...sound('S2', [...s2.windows, ...s2.publishedWindows])]),
    ...(s4 === null ? [] : s4.thresholds.flatMap(thresholdVerdicts)),
    ...(s5 === null
      ? []
      : s5.scores
          .filter(({ policy }) => policy === OURS)
          .map(({ isViolation }) => ({
            claim: 'S5: ours keeps to the rules',
            holds: !isViolation,
          }))),
  ];
}

function thresholdVerdicts({
  threshold,
  tickS,
  golden: rows,
  totals,
  jobs,
}: S4Threshold): readonly Verdict[] {
  const name = `S4 threshold ${threshold}, tick ${tickS} s`;
  return [golden(name, rows), golden(`${name}, totals`, totals), ...sound(name, jobs)];
}

function golden(scenario: string, { rows, matched }: GoldenCheck): Verdict {
  return {
    claim: `${scenario}: ${matched} of ${rows} golden rows reproduced`,
    holds: matched === rows,
  };
}

function sound(scenario: string, jobs: readonly JobScore[]): readonly Verdict[] {
  const { late, violations } = scorePolicy(jobs, OURS);
  return [
    { claim: `${scenario}: ours has ${late} late jobs of ${jobs.length}`, holds: late === 0 },
    { claim: `${scenario}: ours has ${violations} violations`, holds: violations === 0 },
  ];
}

export const causalPolicies = { s1: s1Causal, s2: s2Causal, s4: s4Causal } as const;
