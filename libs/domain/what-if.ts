import { cleanBill } from './cost';
import type { RankedOffer, Rejection } from './decision';
import type { DecisionId, JobId, OfferId } from './ids';
import { microUsd, type MicroUsd } from './money';

/** Where a decision puts a job. */
export interface WhatIfPlacement {
  readonly offerId: OfferId;
  /** In the exchange rates of the policies that chose it. */
  readonly expectedCost: MicroUsd;
  /** What is charged if nothing goes wrong; comparable whatever the exchange rates. */
  readonly bill: MicroUsd;
  /** Chance of missing the deadline, basis points. */
  readonly latenessBps: number;
}

/** Why a job goes elsewhere: `what` is a rule, a reason's code, or `preferences`. */
export interface WhatIfCause {
  readonly what: string;
  readonly does: 'refuses' | 'opens' | 'reprices';
}

export const whatIfKinds = ['same', 'moved', 'infeasible', 'feasible', 'unplaced'] as const;
/** `infeasible`: no offer serves any more; `feasible`: one does now; `unplaced`: none does either way. */
export type WhatIfKind = (typeof whatIfKinds)[number];

/** One decision made again twice: under the policies in force, and with the draft in its place. */
export interface WhatIfRow {
  readonly decisionId: DecisionId;
  readonly jobId: JobId;
  readonly project: string;
  readonly atMs: number;
  readonly hasDeadline: boolean;
  readonly kind: WhatIfKind;
  readonly from: WhatIfPlacement | null;
  readonly to: WhatIfPlacement | null;
  readonly causes: readonly WhatIfCause[];
  /** The draft accepts a greater chance of lateness than the policies in force would. */
  readonly isOverTolerance: boolean;
}

export interface WhatIfSubject {
  readonly decisionId: DecisionId;
  readonly jobId: JobId;
  readonly project: string;
  readonly atMs: number;
  readonly hasDeadline: boolean;
  /** Chance of lateness that the policies in force accept for the job, basis points. */
  readonly toleratedBps: number;
}

/** As much of a decision as the comparison asks for. */
export interface WhatIfSide {
  /** The first of the ranking; null when no offer serves. */
  readonly best: RankedOffer | null;
  /** Why an offer is refused; empty when it is not. */
  readonly reasonsAgainst: (offerId: OfferId) => readonly Rejection[];
}

/** What the draft would have changed about one decision. Both sides are made from the same inputs. */
export function whatIfRow(
  subject: WhatIfSubject,
  before: WhatIfSide,
  after: WhatIfSide,
): WhatIfRow {
  const { toleratedBps, ...rest } = subject;
  const from = placementOf(before.best);
  const to = placementOf(after.best);
  const kind = kindOf(from, to);
  return {
    ...rest,
    kind,
    from,
    to,
    causes: kind === 'same' || kind === 'unplaced' ? [] : causesOf(from, to, before, after),
    isOverTolerance: to !== null && to.latenessBps > toleratedBps,
  };
}

function placementOf(ranked: RankedOffer | null): WhatIfPlacement | null {
  if (ranked === null) return null;
  const { offer, expectedCost, terms, latenessBps } = ranked;
  return { offerId: offer.id, expectedCost, bill: cleanBill(terms), latenessBps };
}

function kindOf(from: WhatIfPlacement | null, to: WhatIfPlacement | null): WhatIfKind {
  if (from === null) return to === null ? 'unplaced' : 'feasible';
  if (to === null) return 'infeasible';
  return from.offerId === to.offerId ? 'same' : 'moved';
}

/** What refuses the old place now, else what refused the new one before, else the prices that wishes are given. */
function causesOf(
  from: WhatIfPlacement | null,
  to: WhatIfPlacement | null,
  before: WhatIfSide,
  after: WhatIfSide,
): readonly WhatIfCause[] {
  const lost = from === null ? [] : after.reasonsAgainst(from.offerId);
  if (lost.length > 0) return lost.map((reason) => ({ what: nameOf(reason), does: 'refuses' }));
  const lifted = to === null ? [] : before.reasonsAgainst(to.offerId);
  if (lifted.length > 0) return lifted.map((reason) => ({ what: nameOf(reason), does: 'opens' }));
  return [{ what: 'preferences', does: 'reprices' }];
}

function nameOf(reason: Rejection): string {
  return 'ruleId' in reason ? reason.ruleId : reason.code;
}

export const whatIfSkips = [
  'job-gone',
  'decision-gone',
  'offers-gone',
  'out-of-time',
  'failed',
] as const;
/** Why a decision could not be made again. */
export type WhatIfSkip = (typeof whatIfSkips)[number];

export interface WhatIfTotals {
  readonly decisions: number;
  readonly same: number;
  readonly moved: number;
  readonly infeasible: number;
  readonly feasible: number;
  readonly unplaced: number;
  /** Over decisions that have a place both ways, so that the two are comparable. */
  readonly expectedBefore: MicroUsd;
  readonly expectedAfter: MicroUsd;
  readonly billBefore: MicroUsd;
  readonly billAfter: MicroUsd;
}

export interface WhatIfRisk {
  /** Decisions for jobs with a deadline that have a place both ways. */
  readonly decisions: number;
  /** Mean chance of lateness over them, basis points. */
  readonly latenessBpsBefore: number;
  readonly latenessBpsAfter: number;
  /** Placements that the policies in force would refuse as too likely to be late. */
  readonly overTolerance: number;
  /** Decisions for jobs with a deadline that no offer serves any more. */
  readonly deadlinesUnserved: number;
}

export interface WhatIfReport {
  /** Decisions that were asked about; each is in `total` or in `skipped`. */
  readonly considered: number;
  readonly jobs: number;
  /** Jobs of which at least one decision comes out elsewhere. */
  readonly jobsChanged: number;
  readonly total: WhatIfTotals;
  /** By project, in the order of their names. */
  readonly projects: readonly (WhatIfTotals & { readonly project: string })[];
  readonly risk: WhatIfRisk;
  /** What caused how many changes, most first. */
  readonly causes: readonly (WhatIfCause & { readonly decisions: number })[];
  /** What comes out differently: newly infeasible first, then by the difference in cost; at most `MAX_WHAT_IF_ROWS`. */
  readonly changes: readonly WhatIfRow[];
  readonly moreChanges: boolean;
  readonly skipped: Readonly<Partial<Record<WhatIfSkip, number>>>;
}

/** How many changed decisions a report lists; its sums are over all of them. */
export const MAX_WHAT_IF_ROWS = 200;

/** The rows added up. Their order means nothing. */
export function whatIfReport(
  rows: readonly WhatIfRow[],
  skips: readonly WhatIfSkip[],
): WhatIfReport {
  const changed = rows.filter(isChange).sort(byWeight);
  const projects = [...new Set(rows.map(({ project }) => project))].sort();
  return {
    considered: rows.length + skips.length,
    jobs: new Set(rows.map(({ jobId }) => jobId)).size,
    jobsChanged: new Set(changed.map(({ jobId }) => jobId)).size,
    total: totalsOf(rows),
    projects: projects.map((project) => ({
      project,
      ...totalsOf(rows.filter((row) => row.project === project)),
    })),
    risk: riskOf(rows),
    causes: causeCounts(changed),
    changes: changed.slice(0, MAX_WHAT_IF_ROWS),
    moreChanges: changed.length > MAX_WHAT_IF_ROWS,
    skipped: countsOf(skips),
  };
}

function isChange({ kind }: WhatIfRow): boolean {
  return kind !== 'same' && kind !== 'unplaced';
}

const weight: { readonly [K in WhatIfKind]: number } = {
  infeasible: 0,
  feasible: 1,
  moved: 2,
  same: 3,
  unplaced: 4,
};

function byWeight(a: WhatIfRow, b: WhatIfRow): number {
  return (
    weight[a.kind] - weight[b.kind] ||
    Math.abs(differenceOf(b)) - Math.abs(differenceOf(a)) ||
    b.atMs - a.atMs ||
    (a.decisionId < b.decisionId ? -1 : 1)
  );
}

/** How much more the draft's place is expected to cost; 0 where there is none either way. */
function differenceOf({ from, to }: WhatIfRow): number {
  return (to?.expectedCost ?? 0) - (from?.expectedCost ?? 0);
}

function totalsOf(rows: readonly WhatIfRow[]): WhatIfTotals {
  const kinds = countsOf(rows.map(({ kind }) => kind));
  const both = placedBothWays(rows);
  return {
    decisions: rows.length,
    same: kinds.same ?? 0,
    moved: kinds.moved ?? 0,
    infeasible: kinds.infeasible ?? 0,
    feasible: kinds.feasible ?? 0,
    unplaced: kinds.unplaced ?? 0,
    expectedBefore: sum(both.map(({ from }) => from.expectedCost)),
    expectedAfter: sum(both.map(({ to }) => to.expectedCost)),
    billBefore: sum(both.map(({ from }) => from.bill)),
    billAfter: sum(both.map(({ to }) => to.bill)),
  };
}

function placedBothWays(rows: readonly WhatIfRow[]) {
  return rows.flatMap(({ from, to, hasDeadline }) =>
    from === null || to === null ? [] : [{ from, to, hasDeadline }],
  );
}

function riskOf(rows: readonly WhatIfRow[]): WhatIfRisk {
  const bound = placedBothWays(rows).filter(({ hasDeadline }) => hasDeadline);
  const mean = (values: readonly number[]): number =>
    values.length === 0
      ? 0
      : Math.round(values.reduce((total, value) => total + value, 0) / values.length);
  return {
    decisions: bound.length,
    latenessBpsBefore: mean(bound.map(({ from }) => from.latenessBps)),
    latenessBpsAfter: mean(bound.map(({ to }) => to.latenessBps)),
    overTolerance: rows.filter(({ isOverTolerance }) => isOverTolerance).length,
    deadlinesUnserved: rows.filter(({ kind, hasDeadline }) => kind === 'infeasible' && hasDeadline)
      .length,
  };
}

function causeCounts(changed: readonly WhatIfRow[]): WhatIfReport['causes'] {
  const counts = new Map<string, WhatIfCause & { readonly decisions: number }>();
  for (const cause of changed.flatMap(({ causes }) => causes)) {
    const key = `${cause.does} ${cause.what}`;
    counts.set(key, { ...cause, decisions: (counts.get(key)?.decisions ?? 0) + 1 });
  }
  return [...counts]
    .sort(([a, one], [b, other]) => other.decisions - one.decisions || (a < b ? -1 : 1))
    .map(([, count]) => count);
}

function countsOf<Word extends string>(words: readonly Word[]): Partial<Record<Word, number>> {
  const counts: Partial<Record<Word, number>> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** Estimates may be enormous; a sum of many stays what money can be. */
function sum(amounts: readonly MicroUsd[]): MicroUsd {
  const total = amounts.reduce((all, amount) => all + amount, 0);
  return microUsd(Math.min(Number.MAX_SAFE_INTEGER, total));
}
