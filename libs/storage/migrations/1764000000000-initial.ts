import type { MigrationInterface, QueryRunner } from 'typeorm';
import { eventOrderFunctions } from './event-order';

const tables: readonly string[] = [
  `CREATE TABLE "job" (
    "id" text COLLATE "C" NOT NULL,
    "project" text COLLATE "C" NOT NULL,
    "workload" text COLLATE "C" NOT NULL,
    "labels" jsonb NOT NULL,
    "spec" jsonb NOT NULL,
    "submitted_at_ms" bigint NOT NULL,
    "submitted_by" text COLLATE "C" NOT NULL,
    "state" text COLLATE "C" NOT NULL,
    "outcome" text COLLATE "C",
    "ended_at_ms" bigint,
    "cancel_requested_at_ms" bigint,
    "decision_id" text COLLATE "C",
    "line_key" bigint NOT NULL,
    "baseline" jsonb,
    "cost" bigint,
    "baseline_cost" bigint,
    "revision" integer NOT NULL,
    "due_at_ms" bigint,
    CONSTRAINT "job_state" CHECK ("state" = ANY (ARRAY[
      'queued',
      'starting',
      'running',
      'recovering',
      'stopping',
      'succeeded',
      'failed',
      'cancelled'
    ]::text[])),
    CONSTRAINT "job_outcome" CHECK ("outcome" = ANY (ARRAY[
      'completed',
      'workload-failed',
      'retries-exhausted',
      'queue-timeout',
      'deadline-passed',
      'budget-exhausted',
      'unsupported',
      'cancelled'
    ]::text[])),
    CONSTRAINT "job_pkey" PRIMARY KEY ("id")
  )`,
  `CREATE INDEX "job_newest" ON "job" ("submitted_at_ms", "id")`,
  `CREATE INDEX "job_newest_of_project" ON "job" ("project", "submitted_at_ms", "id")`,
  `CREATE INDEX "job_due" ON "job" ("due_at_ms", "id") WHERE "due_at_ms" IS NOT NULL`,
  `CREATE INDEX "job_unplaced" ON "job" ("line_key", "id") WHERE "state" = ANY (ARRAY['queued'::text, 'recovering'::text])`,
  `CREATE TABLE "job_line" (
    "job_id" text COLLATE "C" NOT NULL,
    "offer_id" text COLLATE "C" NOT NULL,
    "line_key" bigint NOT NULL,
    CONSTRAINT "job_line_pkey" PRIMARY KEY ("job_id", "offer_id")
  )`,
  `CREATE INDEX "job_line_of_offer" ON "job_line" ("offer_id", "line_key", "job_id")`,
  `CREATE TABLE "idempotency_key" (
    "scope" text COLLATE "C" NOT NULL,
    "key" text COLLATE "C" NOT NULL,
    "body_digest" text COLLATE "C" NOT NULL,
    "job_id" text COLLATE "C" NOT NULL,
    "created_at_ms" bigint NOT NULL,
    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("scope", "key")
  )`,
  `CREATE INDEX "idempotency_key_created" ON "idempotency_key" ("created_at_ms")`,
  `CREATE TABLE "attempt" (
    "id" text COLLATE "C" NOT NULL,
    "job_id" text COLLATE "C" NOT NULL,
    "provider_id" text COLLATE "C" NOT NULL,
    "decision_id" text COLLATE "C" NOT NULL,
    "number" integer NOT NULL,
    "offer" jsonb NOT NULL,
    "phase" text COLLATE "C" NOT NULL,
    "phase_since_ms" bigint NOT NULL,
    "outcome" text COLLATE "C",
    "error_kind" text COLLATE "C",
    "error_text" text COLLATE "C",
    "abandon_as" text COLLATE "C",
    "external_id" text COLLATE "C",
    "unseen_since_ms" bigint,
    "failed_calls" integer NOT NULL,
    "billed_from_ms" bigint,
    "billed_to_ms" bigint,
    "observed_price_per_hour" bigint,
    "notice_at_ms" bigint,
    "max_lease_ms" bigint NOT NULL,
    "max_lease_means" text COLLATE "C" NOT NULL,
    "report" jsonb NOT NULL,
    "created_at_ms" bigint NOT NULL,
    "revision" integer NOT NULL,
    "due_at_ms" bigint,
    "booked_entries" integer NOT NULL DEFAULT '0',
    "booked_amount" bigint NOT NULL DEFAULT '0',
    "booked_to_ms" bigint,
    "booked_finally" boolean NOT NULL DEFAULT false,
    CONSTRAINT "attempt_phase" CHECK ("phase" = ANY (ARRAY[
      'planned',
      'acquiring',
      'confirming',
      'starting',
      'running',
      'releasing',
      'released'
    ]::text[])),
    CONSTRAINT "attempt_outcome" CHECK ("outcome" = ANY (ARRAY[
      'succeeded',
      'workload-failed',
      'interrupted',
      'refused',
      'start-timeout',
      'went-silent',
      'max-duration',
      'out-of-budget',
      'cancelled',
      'price-drifted',
      'moved'
    ]::text[])),
    CONSTRAINT "attempt_abandon_as" CHECK ("abandon_as" = ANY (ARRAY[
      'succeeded',
      'workload-failed',
      'interrupted',
      'refused',
      'start-timeout',
      'went-silent',
      'max-duration',
      'out-of-budget',
      'cancelled',
      'price-drifted',
      'moved'
    ]::text[])),
    CONSTRAINT "attempt_error_kind" CHECK ("error_kind" = ANY (ARRAY[
      'no-capacity',
      'price-moved',
      'quota-exceeded',
      'rate-limited',
      'unavailable',
      'credentials-rejected',
      'funds-exhausted',
      'request-rejected',
      'unsupported',
      'unmapped'
    ]::text[])),
    CONSTRAINT "attempt_pkey" PRIMARY KEY ("id")
  )`,
  `CREATE UNIQUE INDEX "attempt_number_of_job" ON "attempt" ("job_id", "number")`,
  `CREATE UNIQUE INDEX "attempt_unreleased" ON "attempt" ("job_id") WHERE "phase" <> 'released'::text`,
  `CREATE INDEX "attempt_due" ON "attempt" ("due_at_ms", "id") WHERE "due_at_ms" IS NOT NULL`,
  `CREATE TABLE "log_stream" (
    "attempt_id" text COLLATE "C" NOT NULL,
    "length" bigint NOT NULL,
    "updated_at_ms" bigint NOT NULL,
    CONSTRAINT "log_stream_pkey" PRIMARY KEY ("attempt_id")
  )`,
  `CREATE TABLE "log_chunk" (
    "attempt_id" text COLLATE "C" NOT NULL,
    "byte_offset" bigint NOT NULL,
    "bytes" bytea NOT NULL,
    CONSTRAINT "log_chunk_pkey" PRIMARY KEY ("attempt_id", "byte_offset")
  )`,
  `CREATE TABLE "artifact" (
    "job_id" text COLLATE "C" NOT NULL,
    "kind" text COLLATE "C" NOT NULL,
    "index" integer NOT NULL,
    "attempt_id" text COLLATE "C" NOT NULL,
    "content_type" text COLLATE "C" NOT NULL,
    "bytes" bytea NOT NULL,
    "at_ms" bigint NOT NULL,
    CONSTRAINT "artifact_kind" CHECK ("kind" = ANY (ARRAY['output', 'checkpoint']::text[])),
    CONSTRAINT "artifact_size" CHECK (octet_length("bytes") <= 33554432),
    CONSTRAINT "artifact_pkey" PRIMARY KEY ("job_id", "kind", "index")
  )`,
  `CREATE TABLE "event" (
    "sequence" BIGSERIAL NOT NULL,
    "job_id" text COLLATE "C" NOT NULL,
    "attempt_id" text COLLATE "C",
    "type" text COLLATE "C" NOT NULL,
    "data" json NOT NULL,
    "at_ms" bigint NOT NULL,
    CONSTRAINT "event_pkey" PRIMARY KEY ("sequence")
  )`,
  `CREATE INDEX "event_of_job" ON "event" ("job_id", "sequence")`,
  `CREATE TABLE "suspension" (
    "id" BIGSERIAL NOT NULL,
    "scope" text COLLATE "C" NOT NULL,
    "key" text COLLATE "C" NOT NULL,
    "job_id" text COLLATE "C",
    "from_ms" bigint NOT NULL,
    "until_ms" bigint NOT NULL,
    "reason" text COLLATE "C" NOT NULL,
    CONSTRAINT "suspension_scope" CHECK ("scope" = ANY (ARRAY['offer', 'offer-for-job', 'provider-region', 'provider']::text[])),
    CONSTRAINT "suspension_pkey" PRIMARY KEY ("id")
  )`,
  `CREATE INDEX "suspension_until" ON "suspension" ("until_ms")`,
  `CREATE TABLE "decision" (
    "id" text COLLATE "C" NOT NULL,
    "job_id" text COLLATE "C" NOT NULL,
    "at_ms" bigint NOT NULL,
    "confirmed_at_ms" bigint NOT NULL,
    "book_version" integer NOT NULL,
    "body" jsonb NOT NULL,
    CONSTRAINT "decision_pkey" PRIMARY KEY ("id")
  )`,
  `CREATE INDEX "decision_of_job" ON "decision" ("job_id", "at_ms")`,
  `CREATE INDEX "decision_made" ON "decision" ("at_ms")`,
  `CREATE INDEX "decision_from_book" ON "decision" ("book_version")`,
  `CREATE TABLE "offer_version" (
    "offer_id" text COLLATE "C" NOT NULL,
    "from_version" integer NOT NULL,
    "to_version" integer,
    "provider_id" text COLLATE "C" NOT NULL,
    "digest" text COLLATE "C" NOT NULL,
    "body" jsonb NOT NULL,
    CONSTRAINT "offer_version_pkey" PRIMARY KEY ("offer_id", "from_version")
  )`,
  `CREATE UNIQUE INDEX "offer_version_current" ON "offer_version" ("provider_id", "offer_id") WHERE "to_version" IS NULL`,
  `CREATE INDEX "offer_version_until" ON "offer_version" ("to_version")`,
  `CREATE INDEX "offer_version_since" ON "offer_version" ("from_version")`,
  `CREATE TABLE "offer_feed" (
    "provider_id" text COLLATE "C" NOT NULL,
    "refreshed_at_ms" bigint NOT NULL,
    CONSTRAINT "offer_feed_pkey" PRIMARY KEY ("provider_id")
  )`,
  `CREATE TABLE "book_version" (
    "version" integer NOT NULL,
    "provider_id" text COLLATE "C" NOT NULL,
    "at_ms" bigint NOT NULL,
    CONSTRAINT "book_version_pkey" PRIMARY KEY ("version")
  )`,
  `CREATE TABLE "health" (
    "key" text COLLATE "C" NOT NULL,
    "lease_ms" bigint NOT NULL,
    "interruptions" bigint NOT NULL,
    "starts" bigint NOT NULL,
    "start_ms_total" bigint NOT NULL,
    "start_failures" bigint NOT NULL,
    CONSTRAINT "health_pkey" PRIMARY KEY ("key")
  )`,
  `CREATE TABLE "health_lesson" (
    "attempt_id" text COLLATE "C" NOT NULL,
    "key" text COLLATE "C" NOT NULL,
    CONSTRAINT "health_lesson_pkey" PRIMARY KEY ("attempt_id")
  )`,
  `CREATE TABLE "cost_entry" (
    "attempt_id" text COLLATE "C" NOT NULL,
    "sequence" integer NOT NULL,
    "job_id" text COLLATE "C" NOT NULL,
    "project" text COLLATE "C" NOT NULL,
    "cost_centre" text COLLATE "C",
    "purchase_order" text COLLATE "C",
    "provider_id" text COLLATE "C" NOT NULL,
    "region" text COLLATE "C" NOT NULL,
    "offer_id" text COLLATE "C" NOT NULL,
    "gpu_model" text COLLATE "C",
    "gpu_count" integer NOT NULL,
    "price_per_hour" bigint NOT NULL,
    "charge_from_ms" bigint NOT NULL,
    "charge_to_ms" bigint NOT NULL,
    "amount" bigint NOT NULL,
    "final" boolean NOT NULL,
    "booked_at_ms" bigint NOT NULL,
    CONSTRAINT "cost_entry_pkey" PRIMARY KEY ("attempt_id", "sequence")
  )`,
  `CREATE INDEX "cost_entry_charged" ON "cost_entry" ("charge_from_ms")`,
  `CREATE INDEX "cost_entry_of_job" ON "cost_entry" ("job_id")`,
  `CREATE INDEX "cost_entry_of_project" ON "cost_entry" ("project", "charge_from_ms")`,
  `CREATE TABLE "budget" (
    "project" text COLLATE "C" NOT NULL,
    "soft_limit" bigint,
    "hard_limit" bigint,
    "updated_at_ms" bigint NOT NULL,
    CONSTRAINT "budget_pkey" PRIMARY KEY ("project")
  )`,
  `CREATE TABLE "budget_period" (
    "project" text COLLATE "C" NOT NULL,
    "period" text COLLATE "C" NOT NULL,
    "committed" bigint NOT NULL,
    "spent" bigint NOT NULL,
    CONSTRAINT "budget_period_pkey" PRIMARY KEY ("project", "period")
  )`,
  `CREATE TABLE "budget_reservation" (
    "job_id" text COLLATE "C" NOT NULL,
    "project" text COLLATE "C" NOT NULL,
    "period" text COLLATE "C" NOT NULL,
    "amount" bigint NOT NULL,
    "booked" bigint NOT NULL,
    "settled" boolean NOT NULL,
    CONSTRAINT "budget_reservation_pkey" PRIMARY KEY ("job_id")
  )`,
  `CREATE TABLE "policy_version" (
    "name" text COLLATE "C" NOT NULL,
    "version" integer NOT NULL,
    "document" json NOT NULL,
    "created_at_ms" bigint NOT NULL,
    "created_by" text COLLATE "C" NOT NULL,
    "active" boolean NOT NULL,
    "activated_at_ms" bigint,
    CONSTRAINT "policy_version_pkey" PRIMARY KEY ("name", "version")
  )`,
  `CREATE UNIQUE INDEX "policy_version_active" ON "policy_version" ("name") WHERE "active"`,
  `CREATE TABLE "api_key" (
    "id" text COLLATE "C" NOT NULL,
    "name" text COLLATE "C" NOT NULL,
    "roles" text array NOT NULL,
    "projects" text array,
    "secret_digest" text COLLATE "C" NOT NULL,
    "created_at_ms" bigint NOT NULL,
    "created_by" text COLLATE "C" NOT NULL,
    "revoked_at_ms" bigint,
    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
  )`,
  `ALTER TABLE "attempt" ADD CONSTRAINT "attempt_of_job" FOREIGN KEY ("job_id") REFERENCES "job"("id")`,
  `ALTER TABLE "decision" ADD CONSTRAINT "decision_for_job" FOREIGN KEY ("job_id") REFERENCES "job"("id")`,
  `ALTER TABLE "budget_reservation" ADD CONSTRAINT "budget_reservation_of_job" FOREIGN KEY ("job_id") REFERENCES "job"("id")`,
];

/** What entities cannot describe. */
const rest: readonly string[] = [
  // Empty labels have no keys, so that jobs without any cost the index nothing.
  `CREATE INDEX "job_labels" ON "job" USING gin ("labels" jsonb_path_ops)`,
  // Where an attempt's charges are booked up to, as long as some are not.
  `CREATE INDEX "attempt_unbooked" ON "attempt" (coalesce("booked_to_ms", "billed_from_ms"), "id")
    WHERE coalesce("booked_to_ms", "billed_from_ms") IS NOT NULL AND NOT "booked_finally"`,
  // Heartbeats rewrite a row in place; room for them keeps the indexes out of it.
  `ALTER TABLE "attempt" SET (fillfactor = 70)`,
  // Bytes that are mostly compressed already, and are read in slices.
  `ALTER TABLE "artifact" ALTER COLUMN "bytes" SET STORAGE EXTERNAL`,
  // Called to undo a statement as a whole from within; see the submission of jobs.
  `CREATE FUNCTION refuse(reason text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
  BEGIN
    RAISE EXCEPTION 'refused: %', reason USING ERRCODE = 'FL001', CONSTRAINT = reason;
  END $$`,
];

export class Initial1764000000000 implements MigrationInterface {
  readonly name = 'Initial1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...tables, ...rest, ...eventOrderFunctions]) {
      await runner.query(statement);
    }
  }

  async down(): Promise<void> {
    throw new Error('There is nothing before the first schema; drop the database instead.');
  }
}
