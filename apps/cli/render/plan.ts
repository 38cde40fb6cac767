import type { PlanView } from '#libs/contracts';
import { counted, dollars, perHour, share } from './amounts';
import type { Paint } from './paint';
import { printable, table } from './table';

/** How much of a plan fits on a screen. */
const SHOWN_ROWS = 8;
const CENT_MICRO_USD = 10_000;

export interface PlanWish {
  /** Every offer that the router told, not only what fits on a screen. */
  readonly all: boolean;
}

type Ranked = PlanView['ranked'][number];
type Refused = PlanView['rejected'][number];

/** Every offer ranked with its expected cost or refused with its reasons, a tick at the one that would be taken. */
export function renderPlan(plan: PlanView, paint: Paint, { all }: PlanWish): string {
  const shown = all ? Number.MAX_SAFE_INTEGER : SHOWN_ROWS;
  return [
    ...rankedLines(plan, plan.ranked.slice(0, shown), paint),
    '',
    ...refusedLines(plan, plan.rejected.slice(0, shown), paint),
    ...ruleLines(plan, paint),
    ...feasibilityLines(plan),
    '',
    ...costLines(plan, paint),
    paint.faint(`policy ${plan.policyVersion}, offer book ${plan.bookVersion}`),
  ].join('\n');
}

function rankedLines(
  { rankedCount }: PlanView,
  ranked: readonly Ranked[],
  paint: Paint,
): readonly string[] {
  if (rankedCount === 0) return [paint.bad('no offer can serve this job now')];
  const rows = ranked.map(({ rank, offer, expectedCostMicroUsd, terms, effective }) => [
    rank === 1 ? paint.good('✓') : String(rank),
    rank === 1 ? paint.strong(offer.id) : offer.id,
    offer.country ?? '?',
    perHour(offer.pricePerHourMicroUsd),
    dollars(expectedCostMicroUsd),
    perJobHour(effective),
    paint.faint(`${renderTerms(terms)}${paidBy(effective)}`),
  ]);
  const grid = table(
    [
      { title: '' },
      { title: 'OFFER' },
      { title: 'IN' },
      { title: 'PRICE', align: 'right' },
      { title: 'EXPECTED', align: 'right' },
      { title: 'JOB-HOUR', align: 'right' },
      { title: 'CONSISTS OF' },
    ],
    rows,
  );
  return [grid, ...more(rankedCount - ranked.length, 'dearer')];
}

function refusedLines(
  { rankedCount, rejectedCount, rejectionCounts }: PlanView,
  rejected: readonly Refused[],
  paint: Paint,
): readonly string[] {
  if (rejectedCount === 0) return ['refused: none'];
  const counts = Object.entries(rejectionCounts)
    .sort(([a, many], [b, others]) => others - many || (a < b ? -1 : 1))
    .map(([code, count]) => `${code} ${count}`);
  const rows = rejected.map(({ offerId, pricePerHourMicroUsd, reasons }) => [
    paint.bad('✗'),
    offerId,
    perHour(pricePerHourMicroUsd),
    reasons.map(({ text }) => text).join('; '),
  ]);
  const columns = [
    { title: '' },
    { title: '' },
    { title: '', align: 'right' },
    { title: '' },
  ] as const;
  return [
    `refused: ${rejectedCount} (${counts.join(', ')})`,
    ...(rows.length === 0 ? [] : [table(columns, rows)]),
    ...more(rejectedCount - rejected.length, 'refused'),
    ...(rankedCount === 0 ? [] : remedyLines(rejected)),
  ];
}

/** What would make the nearest miss an offer, told once. */
function remedyLines(rejected: readonly Refused[]): readonly string[] {
  const [nearest] = rejected;
  const remedies = [...new Set(nearest?.reasons.map(({ remedy }) => remedy) ?? [])];
  return remedies.map((remedy) => printable(`   → ${remedy}`));
}

function ruleLines({ ruleCounts }: PlanView, paint: Paint): readonly string[] {
  const counts = Object.entries(ruleCounts).map(([rule, count]) => `${rule} (${count})`);
  return counts.length === 0
    ? []
    : [paint.faint(`policy rules that refused: ${counts.join(', ')}`)];
}

/** Whether waiting helps, and what else would, where no offer serves now. */
function feasibilityLines({ feasibility }: PlanView): readonly string[] {
  return feasibility.verdict === 'now' ? [] : feasibility.sentences.map(printable);
}

function perJobHour(effective: Ranked['effective']): string {
  return effective === null ? '' : dollars(effective.perJobHourMicroUsd);
}

function paidBy(effective: Ranked['effective']): string {
  const commitment = effective?.commitment ?? null;
  return commitment === null ? '' : `; ${commitment} pays`;
}

/** Expected cost, baseline and saving. */
function costLines(plan: PlanView, paint: Paint): readonly string[] {
  const [best] = plan.ranked;
  if (best === undefined) return [];
  return [
    `expected cost  ${paint.strong(dollars(best.expectedCostMicroUsd))} at ${best.offer.id}`,
    baselineLine(plan, best, paint),
  ];
}

function baselineLine({ ranked, baseline }: PlanView, best: Ranked, paint: Paint): string {
  if (baseline === null) return 'baseline       none: no hyperscaler may serve this job on demand';
  if (baseline.offerId === best.offer.id) return 'baseline       the same offer';
  const there = ranked.find(({ offer }) => offer.id === baseline.offerId);
  const saving =
    there === undefined
      ? savingOf(best.offer.pricePerHourMicroUsd, baseline.pricePerHourMicroUsd, perHour, paint)
      : savingOf(best.expectedCostMicroUsd, there.expectedCostMicroUsd, dollars, paint);
  const cost =
    there === undefined
      ? perHour(baseline.pricePerHourMicroUsd)
      : dollars(there.expectedCostMicroUsd);
  return `baseline       ${cost} at ${baseline.offerId}, ${saving}`;
}

function savingOf(
  ours: number,
  theirs: number,
  format: (microUsd: number) => string,
  paint: Paint,
): string {
  const saved = theirs - ours;
  return saved >= 0
    ? paint.good(`saving ${format(saved)} (${share(saved, theirs)})`)
    : paint.warn(`${format(-saved)} more`);
}

/** The terms that are worth a cent or more; the largest first. */
export function renderTerms(terms: Readonly<Record<string, number>>): string {
  const largest = Object.entries(terms).sort(([, a], [, b]) => b - a);
  const parts = largest.filter(([, amount]) => amount >= CENT_MICRO_USD);
  const shown = parts.length > 0 ? parts : largest.slice(0, 1).filter(([, amount]) => amount > 0);
  return shown.map(([name, amount]) => `${name} ${dollars(amount)}`).join(' + ') || 'nothing';
}

function more(count: number, what: string): readonly string[] {
  return count <= 0 ? [] : [`   and ${counted(count, 'offer')} more, ${what}`];
}
