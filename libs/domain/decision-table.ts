import { costTermNames, type CostTerms, type DecisionSummary, type Rejection } from './decision';
import { renderRejection } from './explain';
import { formatUsd } from './money';

type TableSource = Pick<
  DecisionSummary,
  'ranked' | 'rankedCount' | 'rejectedCount' | 'nearestMisses' | 'rejectionCounts'
>;

/**
 * A decision as plain text: the ranked offers with what each cost consists of, then the refused ones with every
 * reason and the rules that spoke.
 */
export function renderDecisionTable(summary: TableSource): string {
  return [...rankedLines(summary), '', ...refusedLines(summary)].join('\n');
}

function rankedLines({ ranked, rankedCount }: TableSource): readonly string[] {
  if (rankedCount === 0) return ['no offer can serve this job'];
  const rows = ranked.map(({ offer, expectedCost, terms }, index) => [
    index === 0 ? '✓' : String(index + 1),
    offer.id,
    formatUsd(offer.pricePerHour),
    formatUsd(expectedCost),
    renderTerms(terms),
  ]);
  const lines = columns([['', 'offer', 'price/h', 'expected', 'consists of'], ...rows], [2, 3]);
  return [...lines, ...left(rankedCount - ranked.length, 'dearer')];
}

function refusedLines(summary: TableSource): readonly string[] {
  const { nearestMisses, rejectedCount, rejectionCounts } = summary;
  if (rejectedCount === 0) return ['refused: none'];
  const counts = Object.entries(rejectionCounts)
    .sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
    .map(([code, count]) => `${code} ${count}`);
  const rows = nearestMisses.map(({ offerId, pricePerHour, reasons }) => [
    '✗',
    offerId,
    formatUsd(pricePerHour),
    reasons.map(renderBriefly).join('; '),
  ]);
  return [
    `refused: ${rejectedCount} (${counts.join(', ')})`,
    ...columns(rows, [2]),
    ...left(rejectedCount - nearestMisses.length, 'refused'),
    ...ruleLines(nearestMisses.flatMap(({ reasons }) => reasons)),
  ];
}

/** Rules by name alone; what they are for stands once below the table. */
function renderBriefly(reason: Rejection): string {
  if (!('ruleId' in reason)) return renderRejection(reason);
  return reason.code === 'policy-forbids'
    ? `forbidden by ${reason.ruleId}`
    : `does not meet ${reason.ruleId}`;
}

function ruleLines(reasons: readonly Rejection[]): readonly string[] {
  const rules = new Map(
    reasons.flatMap((reason) =>
      'ruleId' in reason ? [[reason.ruleId, reason.because] as const] : [],
    ),
  );
  if (rules.size === 0) return [];
  return ['', 'rules:', ...[...rules].map(([id, because]) => `   ${id}: ${because}`).sort()];
}

/** The terms that are not zero, the largest part of most costs first. */
export function renderTerms(terms: CostTerms): string {
  const parts = costTermNames.filter((name) => terms[name] > 0);
  return parts.map((name) => `${name} ${formatUsd(terms[name])}`).join(' + ') || 'nothing';
}

function left(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`   and ${count} more ${what}`];
}

/** Rows with aligned columns; those listed in `numeric` are flush right, and no line ends in spaces. */
function columns(
  rows: readonly (readonly string[])[],
  numeric: readonly number[],
): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  const pad = (cell: string, at: number) =>
    numeric.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}
