import type { Attempt } from './attempt';
import { splitBill, type LeaseBill } from './commitment';
import type { Baseline, JobSpec } from './job';
import { MS_PER_HOUR, ZERO_USD, costOf, microUsd, sumUsd, type MicroUsd } from './money';

export interface BillingTerms {
  readonly incrementMs: number;
  readonly minimumMs: number;
}

/** What is charged for a lease of `durationMs`: never less than the minimum, always whole increments. */
export function billedMs(durationMs: number, { incrementMs, minimumMs }: BillingTerms): number {
  const atLeastMs = Math.max(durationMs, minimumMs);
  return Math.ceil(atLeastMs / incrementMs) * incrementMs;
}

export function leaseCost(
  pricePerHour: MicroUsd,
  durationMs: number,
  terms: BillingTerms,
): MicroUsd {
  return costOf(pricePerHour, billedMs(durationMs, terms));
}

type Billed = Pick<Attempt, 'offer' | 'billedFromMs' | 'billedToMs' | 'agreed'>;

const NO_BILL: LeaseBill = { listCost: ZERO_USD, charged: ZERO_USD, coveredMs: 0 };

/** What an attempt has cost up to `nowMs` at the price it was quoted, and how much of that a commitment has paid. */
export function attemptBill(attempt: Billed, nowMs: number): LeaseBill {
  const { offer, billedFromMs: fromMs, billedToMs, agreed } = attempt;
  if (fromMs === null) return NO_BILL;
  const untilMs = Math.max(fromMs, billedToMs ?? nowMs);
  const { pricePerHour, billing } = offer;
  const listCost = leaseCost(pricePerHour, untilMs - fromMs, billing);
  return splitBill(agreed?.coverage, { fromMs, untilMs, pricePerHour, listCost });
}

/** What an attempt has been charged up to `nowMs`, without what is paid for already; zero while no lease was asked for. */
export function attemptCost(attempt: Billed, nowMs: number): MicroUsd {
  return attemptBill(attempt, nowMs).charged;
}

export function spentOn(attempts: readonly Attempt[], nowMs: number): MicroUsd {
  return sumUsd(attempts.map((attempt) => attemptCost(attempt, nowMs)));
}

/** The longest lease that costs at most `budget`, in whole increments; 0 when even the minimum is too dear. */
export function affordableMs(
  budget: MicroUsd,
  pricePerHour: MicroUsd,
  terms: BillingTerms,
): number {
  if (pricePerHour <= 0) return Number.MAX_SAFE_INTEGER;
  const paidMs = (BigInt(budget) * BigInt(MS_PER_HOUR)) / BigInt(pricePerHour);
  const increments = paidMs / BigInt(terms.incrementMs);
  const durationMs = Number(increments * BigInt(terms.incrementMs));
  return durationMs < billedMs(0, terms) ? 0 : Math.min(durationMs, Number.MAX_SAFE_INTEGER);
}

/** How often the charges of a live lease are booked. */
export const BOOK_EVERY_MS = 60_000;

/** A charge that has not been booked yet, as a slice of an attempt's bill. */
export interface Accrual {
  /** 0 for the attempt's first slice; unique per attempt, so that a repeated accrual is refused by the store. */
  readonly sequence: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly amount: MicroUsd;
  readonly final: boolean;
  /** What a commitment has paid of the slice, beside `amount`; absent where none has. */
  readonly covered?: Covered & { readonly commitment: string };
}

/** List cost and time that are paid for already. */
export interface Covered {
  readonly amount: MicroUsd;
  readonly leaseMs: number;
}

const NOTHING_COVERED: Covered = { amount: ZERO_USD, leaseMs: 0 };

export interface Accrued {
  readonly entries: number;
  readonly amount: MicroUsd;
  /** What commitments have paid of it so far; absent is nothing. */
  readonly covered?: Covered;
  readonly toMs: number | null;
  readonly final: boolean;
}

/**
 * The next slice to book for an attempt, or null when all is booked. The slices of an attempt add up to `attemptCost`: one
 * that takes back what was booked too much is negative. Nothing is booked before the lease is known to be ours.
 */
export function nextAccrual(
  attempt: Billed & Pick<Attempt, 'phase'>,
  accrued: Accrued,
  nowMs: number,
): Accrual | null {
  const final = attempt.phase === 'released';
  const fromMs = accrued.toMs ?? attempt.billedFromMs;
  if (accrued.final || fromMs === null || !bookable.has(attempt.phase)) return null;
  const bill = attemptBill(attempt, nowMs);
  const amount = microUsd(bill.charged - accrued.amount);
  const covered = coveredSlice(attempt, bill, accrued.covered ?? NOTHING_COVERED);
  if (amount === 0 && covered === null && !final) return null;
  const toMs = Math.max(fromMs, attempt.billedToMs ?? nowMs);
  const slice = { sequence: accrued.entries, fromMs, toMs, amount, final };
  return covered === null ? slice : { ...slice, covered };
}

function coveredSlice(
  { agreed }: Pick<Attempt, 'agreed'>,
  { listCost, charged, coveredMs }: LeaseBill,
  before: Covered,
): NonNullable<Accrual['covered']> | null {
  const commitment = agreed?.coverage?.commitment;
  const amount = microUsd(listCost - charged - before.amount);
  const leaseMs = coveredMs - before.leaseMs;
  if (commitment === undefined || (amount === 0 && leaseMs === 0)) return null;
  return { commitment, amount, leaseMs };
}

/** In the phases before these, a lease that was asked for may still turn out never to have been granted. */
const bookable: ReadonlySet<Attempt['phase']> = new Set<Attempt['phase']>([
  'starting',
  'running',
  'releasing',
  'released',
]);

/**
 * What the same work would have cost at the baseline offer: the run time that counted, and the start-up that the last attempt
 * really had. Work lost to an interruption is left out, since the baseline would not have lost it.
 */
export function baselineCost(
  baseline: Baseline,
  spec: Pick<JobSpec, 'checkpoint'>,
  attempts: readonly Pick<Attempt, 'report' | 'billedFromMs'>[],
): MicroUsd {
  const ran = attempts.filter((attempt) => runMs(attempt) > 0);
  const last = ran.at(-1);
  if (last === undefined) return ZERO_USD;
  const counted = spec.checkpoint === null ? [last] : ran;
  const usefulMs = counted.reduce((total, attempt) => total + runMs(attempt), 0);
  return leaseCost(baseline.pricePerHour, usefulMs + startUpMs(last), baseline.billing);
}

/** How long the workload ran, as the supervisor told it. */
function runMs({ report }: Pick<Attempt, 'report'>): number {
  if (report.startedAtMs === null) return 0;
  const untilMs = report.exit?.atMs ?? report.heartbeatAtMs ?? report.startedAtMs;
  return Math.max(0, untilMs - report.startedAtMs);
}

/** From the first charge to the start of the workload. */
function startUpMs({ report, billedFromMs }: Pick<Attempt, 'report' | 'billedFromMs'>): number {
  if (report.startedAtMs === null || billedFromMs === null) return 0;
  return Math.max(0, report.startedAtMs - billedFromMs);
}
