import { ZERO_USD, microUsd } from '#libs/domain';
import type {
  Accrual,
  Accrued,
  Attempt,
  AttemptId,
  Job,
  Transfer,
  TransferKind,
} from '#libs/domain';
import type { CostEntries } from '../ports';
import { firstRow, prepared, type Database } from '../transaction';
import { insertSoftLimitNews, periodAt } from './budgets';

interface AccruedRow {
  readonly booked_entries: number;
  readonly booked_amount: number;
  readonly booked_to_ms: number | null;
  readonly booked_finally: boolean;
  readonly booked_covered: number;
  readonly booked_covered_ms: number;
}

const NOTHING: Accrued = { entries: 0, amount: ZERO_USD, toMs: null, final: false };

const sums = prepared(
  `SELECT booked_entries, booked_amount, booked_to_ms, booked_finally, booked_covered, booked_covered_ms
  FROM attempt WHERE id = $1`,
);

/**
 * The entry, the attempt's sums and the budget together; a slice that is there already changes none of them. `$18` is the month
 * of submission, for a job without a reservation, and `$19` that of the charge. The charge counts in its own month, and as much
 * of it as was reserved is taken from the reservation, wherever that is, so that nothing counts twice. A job that is over
 * gets no news: its stream of events has ended.
 */
function booking(ofTheLease: string): string {
  return `WITH
  slice AS (
    INSERT INTO cost_entry (attempt_id, sequence, job_id, project, cost_centre, purchase_order, provider_id, region,
      offer_id, gpu_model, gpu_count, price_per_hour, charge_from_ms, charge_to_ms, amount, final, booked_at_ms,
      kind, covered_amount, commitment)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $20, $21, $22)
    ON CONFLICT (attempt_id, sequence) DO NOTHING
    RETURNING attempt_id, sequence, job_id, project, charge_to_ms, amount, final, covered_amount, commitment
  ),
  ${ofTheLease}
  reserved AS (
    INSERT INTO budget_reservation AS r (job_id, project, period, amount, booked, settled)
    SELECT job_id, project, $18::text, 0, amount, false FROM slice
    ON CONFLICT (job_id) DO UPDATE SET booked = r.booked + excluded.booked
    RETURNING project, period, amount, booked, settled
  ),
  gains AS (
    SELECT project, period, sum(gain)::bigint AS gain, sum(charge)::bigint AS charge
    FROM (
      SELECT project, $19::text AS period, amount AS gain, amount AS charge FROM slice
      UNION ALL
      SELECT r.project, r.period,
        greatest(r.amount - r.booked, 0) - greatest(r.amount - r.booked + slice.amount, 0), 0
      FROM reserved AS r, slice
    ) AS parts
    GROUP BY project, period ORDER BY period
  ),
  counted AS (
    INSERT INTO budget_period AS p (project, period, committed, spent)
    SELECT project, period, gain, charge FROM gains
    ON CONFLICT (project, period) DO UPDATE
      SET committed = p.committed + excluded.committed, spent = p.spent + excluded.spent
    RETURNING p.project, p.period, p.committed
  ),
  crossing AS (
    SELECT slice.job_id, gains.project, gains.period, committed, soft_limit, $17::bigint AS at_ms
    FROM counted JOIN gains USING (project, period) JOIN budget USING (project), slice, reserved
    WHERE NOT reserved.settled AND committed > soft_limit AND committed - gain <= soft_limit
  ),
  warned AS (${insertSoftLimitNews('crossing')})
  SELECT sequence FROM slice`;
}

/** What a slice of the lease besides adds to: the attempt's sums, and what is gone of its commitment. `$23` is the time covered. */
const book = prepared(
  booking(`summed AS (
    UPDATE attempt SET booked_entries = booked_entries + 1,
      booked_amount = booked_amount + slice.amount,
      booked_to_ms = greatest(booked_to_ms, slice.charge_to_ms),
      booked_finally = booked_finally OR slice.final,
      booked_covered = booked_covered + slice.covered_amount,
      booked_covered_ms = booked_covered_ms + $23::bigint
    FROM slice WHERE attempt.id = slice.attempt_id
  ),
  drawn AS (
    UPDATE commitment SET used_ms = used_ms + $23::bigint, used_list_cost = used_list_cost + slice.covered_amount
    FROM slice WHERE commitment.name = slice.commitment
  ),`),
);

const bookTransfer = prepared(booking(''));

/** Below those of the slices, and the same for every try. */
const transferSequence: { readonly [K in TransferKind]: number } = { outputs: -1, checkpoint: -2 };

export class PostgresCostEntries implements CostEntries {
  constructor(private readonly database: Database) {}

  async accrued(attemptId: AttemptId): Promise<Accrued> {
    const row = await firstRow<AccruedRow>(this.database, sums, [attemptId]);
    if (row === null) return NOTHING;
    const { booked_covered: amount, booked_covered_ms: leaseMs } = row;
    return {
      entries: row.booked_entries,
      amount: microUsd(row.booked_amount),
      toMs: row.booked_to_ms,
      final: row.booked_finally,
      ...(amount === 0 && leaseMs === 0 ? {} : { covered: { amount: microUsd(amount), leaseMs } }),
    };
  }

  async book(attempt: Attempt, job: Job, accrual: Accrual, nowMs: number): Promise<boolean> {
    const rows = await this.database.rows(book, [
      ...entryValues(attempt, job, accrual, nowMs),
      'compute',
      accrual.covered?.amount ?? 0,
      accrual.covered?.commitment ?? null,
      accrual.covered?.leaseMs ?? 0,
    ]);
    return rows.length > 0;
  }

  async bookTransfer(transfer: Transfer, job: Job, nowMs: number): Promise<boolean> {
    const { attempt, kind, amount, atMs } = transfer;
    const sequence = transferSequence[kind];
    const entry = { sequence, fromMs: atMs, toMs: atMs, amount, final: false };
    const values = [...entryValues(attempt, job, entry, nowMs), kind, 0, null];
    return (await this.database.rows(bookTransfer, values)).length > 0;
  }
}

/** `$1` to `$19`. */
function entryValues(
  { id, offer }: Attempt,
  { id: jobId, spec, submittedAtMs }: Job,
  accrual: Accrual,
  nowMs: number,
): readonly unknown[] {
  return [
    id,
    accrual.sequence,
    jobId,
    spec.project,
    spec.costCentre,
    spec.purchaseOrder,
    offer.providerId,
    offer.region,
    offer.id,
    offer.gpu?.model ?? null,
    offer.gpu?.count ?? 0,
    offer.pricePerHour,
    accrual.fromMs,
    accrual.toMs,
    accrual.amount,
    accrual.final,
    nowMs,
    periodAt(submittedAtMs),
    periodAt(accrual.fromMs),
  ];
}
