import { EntitySchema } from 'typeorm';
import { attemptOutcomes, attemptPhases, attemptRoles, providerErrorKinds } from '#libs/domain';
import { columns, named, nullable, oneOf } from './columns';

export interface AttemptRow {
  readonly id: string;
  readonly job_id: string;
  readonly decision_id: string;
  readonly number: number;
  readonly role: string;
  readonly slot: number;
  readonly round: number;
  readonly offer: unknown;
  readonly agreed: unknown;
  readonly phase: string;
  readonly phase_since_ms: number;
  readonly outcome: string | null;
  readonly error_kind: string | null;
  readonly error_text: string | null;
  readonly abandon_as: string | null;
  readonly leaving: unknown;
  readonly external_id: string | null;
  readonly unseen_since_ms: number | null;
  readonly failed_calls: number;
  readonly billed_from_ms: number | null;
  readonly billed_to_ms: number | null;
  readonly observed_price_per_hour: number | null;
  readonly notice_at_ms: number | null;
  readonly max_lease_ms: number;
  readonly max_lease_means: string;
  readonly report: unknown;
  readonly created_at_ms: number;
  readonly revision: number;
  readonly due_at_ms: number | null;
}

export const attemptEntity = new EntitySchema({
  name: 'attempt',
  columns: {
    id: columns.id,
    jobId: named('job_id', {
      ...columns.text,
      foreignKey: { target: 'job', name: 'attempt_of_job' },
    }),
    providerId: named('provider_id', columns.text),
    decisionId: named('decision_id', columns.text),
    number: columns.int,
    role: columns.text,
    slot: columns.int,
    round: columns.int,
    offer: columns.json,
    agreed: nullable(columns.json),
    phase: columns.text,
    phaseSinceMs: named('phase_since_ms', columns.bigint),
    outcome: nullable(columns.text),
    errorKind: named('error_kind', nullable(columns.text)),
    errorText: named('error_text', nullable(columns.text)),
    abandonAs: named('abandon_as', nullable(columns.text)),
    leaving: nullable(columns.json),
    externalId: named('external_id', nullable(columns.text)),
    unseenSinceMs: named('unseen_since_ms', nullable(columns.bigint)),
    failedCalls: named('failed_calls', columns.int),
    billedFromMs: named('billed_from_ms', nullable(columns.bigint)),
    billedToMs: named('billed_to_ms', nullable(columns.bigint)),
    observedPricePerHour: named('observed_price_per_hour', nullable(columns.bigint)),
    noticeAtMs: named('notice_at_ms', nullable(columns.bigint)),
    maxLeaseMs: named('max_lease_ms', columns.bigint),
    maxLeaseMeans: named('max_lease_means', columns.text),
    report: columns.json,
    createdAtMs: named('created_at_ms', columns.bigint),
    revision: columns.int,
    dueAtMs: named('due_at_ms', nullable(columns.bigint)),
    // What its cost entries add up to, so that neither the next slice nor the search for unbooked charges reads them all.
    bookedEntries: named('booked_entries', { ...columns.int, default: 0 }),
    bookedAmount: named('booked_amount', { ...columns.bigint, default: 0 }),
    bookedToMs: named('booked_to_ms', nullable(columns.bigint)),
    bookedFinally: named('booked_finally', { ...columns.boolean, default: false }),
    /** List cost and time of it that a commitment has paid for. */
    bookedCovered: named('booked_covered', { ...columns.bigint, default: 0 }),
    bookedCoveredMs: named('booked_covered_ms', { ...columns.bigint, default: 0 }),
    /** Whether its lesson is in `calibration`. */
    calibrated: { ...columns.boolean, default: false },
    /** How much of its lesson is in `health_level`: 0 nothing, 1 what its lease has shown, 2 everything. */
    learned: { ...columns.int, default: 0 },
  },
  checks: [
    { name: 'attempt_phase', expression: oneOf('phase', attemptPhases) },
    { name: 'attempt_role', expression: oneOf('role', attemptRoles) },
    { name: 'attempt_outcome', expression: oneOf('outcome', attemptOutcomes) },
    { name: 'attempt_abandon_as', expression: oneOf('abandon_as', attemptOutcomes) },
    { name: 'attempt_error_kind', expression: oneOf('error_kind', providerErrorKinds) },
  ],
  indices: [
    { name: 'attempt_number_of_job', columns: ['jobId', 'number'], unique: true },
    {
      name: 'attempt_unreleased',
      columns: ['jobId', 'slot', 'role'],
      unique: true,
      where: `"phase" <> 'released'::text`,
    },
    { name: 'attempt_due', columns: ['dueAtMs', 'id'], where: '"due_at_ms" IS NOT NULL' },
    // On an expression, which TypeORM cannot describe; the migration makes it.
    { name: 'attempt_unbooked', columns: ['bookedToMs'], synchronize: false },
    {
      name: 'attempt_unlearned',
      columns: ['phaseSinceMs', 'id'],
      where: `"phase" = 'released'::text AND "learned" < 2`,
    },
    { name: 'attempt_of_domain', columns: ['billedToMs'], synchronize: false },
  ],
});

/** How much output of an attempt has arrived, kept or not. */
export const logStreamEntity = new EntitySchema({
  name: 'log_stream',
  columns: {
    attemptId: named('attempt_id', columns.id),
    length: columns.bigint,
    updatedAtMs: named('updated_at_ms', columns.bigint),
  },
});

export const logChunkEntity = new EntitySchema({
  name: 'log_chunk',
  columns: {
    attemptId: named('attempt_id', columns.id),
    byteOffset: named('byte_offset', { ...columns.bigint, primary: true }),
    bytes: columns.bytes,
  },
});

/** The files that workloads deliver; they belong to the job. */
export const artifactEntity = new EntitySchema({
  name: 'artifact',
  columns: {
    jobId: named('job_id', columns.id),
    kind: columns.id,
    index: { ...columns.int, primary: true },
    attemptId: named('attempt_id', columns.text),
    contentType: named('content_type', columns.text),
    bytes: columns.bytes,
    atMs: named('at_ms', columns.bigint),
  },
  checks: [
    { name: 'artifact_kind', expression: oneOf('kind', ['output', 'checkpoint']) },
    { name: 'artifact_size', expression: 'octet_length("bytes") <= 33554432' },
  ],
});
