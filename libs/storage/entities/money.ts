import { EntitySchema } from 'typeorm';
import { chargeKinds } from '#libs/domain';
import { columns, named, nullable, oneOf } from './columns';

/** One dated charge with all that reports group by, so that a report reads one table and history never changes under it. */
export const costEntryEntity = new EntitySchema({
  name: 'cost_entry',
  columns: {
    attemptId: named('attempt_id', columns.id),
    sequence: { ...columns.int, primary: true },
    jobId: named('job_id', columns.text),
    project: columns.text,
    costCentre: named('cost_centre', nullable(columns.text)),
    purchaseOrder: named('purchase_order', nullable(columns.text)),
    providerId: named('provider_id', columns.text),
    region: columns.text,
    offerId: named('offer_id', columns.text),
    gpuModel: named('gpu_model', nullable(columns.text)),
    gpuCount: named('gpu_count', columns.int),
    pricePerHour: named('price_per_hour', columns.bigint),
    chargeFromMs: named('charge_from_ms', columns.bigint),
    chargeToMs: named('charge_to_ms', columns.bigint),
    /** What is charged; with `coveredAmount` the list cost. */
    amount: columns.bigint,
    final: columns.boolean,
    bookedAtMs: named('booked_at_ms', columns.bigint),
    /** A transfer has a negative sequence, and is none of the slices that add up to the lease. */
    kind: { ...columns.text, default: 'compute' },
    /** What a commitment has paid of the list cost. */
    coveredAmount: named('covered_amount', { ...columns.bigint, default: 0 }),
    commitment: nullable(columns.text),
  },
  checks: [{ name: 'cost_entry_kind', expression: oneOf('kind', chargeKinds) }],
  indices: [
    { name: 'cost_entry_charged', columns: ['chargeFromMs'] },
    { name: 'cost_entry_of_job', columns: ['jobId'] },
    { name: 'cost_entry_of_project', columns: ['project', 'chargeFromMs'] },
  ],
});

/** The limits of a project, the same for every month. */
export const budgetEntity = new EntitySchema({
  name: 'budget',
  columns: {
    project: columns.id,
    softLimit: named('soft_limit', nullable(columns.bigint)),
    hardLimit: named('hard_limit', nullable(columns.bigint)),
    updatedAtMs: named('updated_at_ms', columns.bigint),
  },
});

/** Counters of one project and month. Its row is the lock under which the hard limit holds. */
export const budgetPeriodEntity = new EntitySchema({
  name: 'budget_period',
  columns: {
    project: columns.id,
    period: columns.id,
    committed: columns.bigint,
    spent: columns.bigint,
  },
});

/**
 * What a job still counts for in `budget_period.committed` of its month of submission, beyond its charges: `amount` less `booked`,
 * never below zero. The amount is its reservation, and once it is settled its cost.
 */
export const budgetReservationEntity = new EntitySchema({
  name: 'budget_reservation',
  columns: {
    jobId: named('job_id', {
      ...columns.id,
      foreignKey: { target: 'job', name: 'budget_reservation_of_job' },
    }),
    project: columns.text,
    period: columns.text,
    amount: columns.bigint,
    /** The sum of the job's cost entries. */
    booked: columns.bigint,
    settled: columns.boolean,
  },
});
