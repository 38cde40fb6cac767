import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE "health_level" (
    "key" text COLLATE "C" NOT NULL,
    "from_version" integer NOT NULL,
    "to_version" integer,
    "to_at_ms" bigint,
    "body" jsonb NOT NULL,
    CONSTRAINT "health_level_pkey" PRIMARY KEY ("key", "from_version")
  )`,
  `CREATE UNIQUE INDEX "health_level_current" ON "health_level" ("key") WHERE "to_version" IS NULL`,
  `CREATE INDEX "health_level_until" ON "health_level" ("to_at_ms") WHERE "to_at_ms" IS NOT NULL`,
  `CREATE TABLE "health_version" (
    "id" integer NOT NULL,
    "version" integer NOT NULL,
    "epoch" text COLLATE "C" NOT NULL,
    CONSTRAINT "health_version_pkey" PRIMARY KEY ("id")
  )`,
  // Counters without ages are read as such; the evidence begins to fade now.
  `INSERT INTO "health_level" ("key", "from_version", "body")
   SELECT "key", 1, jsonb_build_object(
     'leaseMs', "lease_ms", 'interruptions', "interruptions", 'starts', "starts",
     'startMsTotal', "start_ms_total", 'startFailures', "start_failures",
     'countedAtMs', floor(extract(epoch from now()) * 1000)::bigint)
   FROM "health"`,
  `INSERT INTO "health_version" ("id", "version", "epoch")
   SELECT 1, 1, gen_random_uuid()::text WHERE EXISTS (SELECT FROM "health_level")`,
  `DROP TABLE "health"`,
  `ALTER TABLE "attempt" ADD COLUMN "learned" integer NOT NULL DEFAULT '0'`,
  // What was known of old attempts without a lease is not worth a second look, so all that have ended count as learned.
  `UPDATE "attempt" SET "learned" = 2 WHERE "phase" = 'released'
     AND ("billed_from_ms" IS NULL OR "id" IN (SELECT "attempt_id" FROM "health_lesson"))`,
  `DROP TABLE "health_lesson"`,
  `CREATE INDEX "attempt_unlearned" ON "attempt" ("phase_since_ms", "id")
     WHERE "phase" = 'released'::text AND "learned" < 2`,
  // What fails together: see failureDomainOf. Only leases that ended or go on matter, by when they ended.
  `CREATE INDEX "attempt_of_domain" ON "attempt"
     ((coalesce("offer"->>'hostedBy', "provider_id") || '/' || ("offer"->>'region')), "billed_to_ms")
     WHERE "billed_from_ms" IS NOT NULL`,
  `ALTER TABLE "decision" ADD COLUMN "health_version" integer`,
  `CREATE INDEX "decision_from_health" ON "decision" ("health_version") WHERE "health_version" IS NOT NULL`,
  `ALTER TABLE "suspension" DROP CONSTRAINT "suspension_scope"`,
  `ALTER TABLE "suspension" ADD CONSTRAINT "suspension_scope"
     CHECK ("scope" = ANY (ARRAY['offer', 'offer-for-job', 'host', 'provider-region', 'provider']::text[]))`,
  `ALTER TABLE "suspension" ADD COLUMN "added_by" text COLLATE "C"`,
  `ALTER TABLE "suspension" ADD COLUMN "lifts" boolean NOT NULL DEFAULT false`,
  `ALTER TABLE "suspension" ADD COLUMN "lifted_reason" text COLLATE "C"`,
  `CREATE TABLE "call_tally" (
    "id" BIGSERIAL NOT NULL,
    "provider_id" text COLLATE "C" NOT NULL,
    "calls" integer NOT NULL,
    "unanswered" integer NOT NULL,
    "at_ms" bigint NOT NULL,
    CONSTRAINT "call_tally_pkey" PRIMARY KEY ("id")
  )`,
  `CREATE TABLE "offer_run" (
    "offer_id" text COLLATE "C" NOT NULL,
    "provider_id" text COLLATE "C" NOT NULL,
    "key" text COLLATE "C" NOT NULL,
    "available" boolean NOT NULL,
    "since_ms" bigint NOT NULL,
    "aged" boolean NOT NULL,
    CONSTRAINT "offer_run_pkey" PRIMARY KEY ("offer_id")
  )`,
  `CREATE INDEX "offer_run_away" ON "offer_run" ("since_ms") WHERE NOT "available"`,
  `CREATE TABLE "supply_times" (
    "key" text COLLATE "C" NOT NULL,
    "as_of_ms" bigint NOT NULL,
    "up" jsonb NOT NULL,
    "down" jsonb NOT NULL,
    CONSTRAINT "supply_times_pkey" PRIMARY KEY ("key")
  )`,
  `CREATE TABLE "supply_cursor" (
    "id" integer NOT NULL,
    "book_version" integer NOT NULL,
    "at_ms" bigint NOT NULL,
    CONSTRAINT "supply_cursor_pkey" PRIMARY KEY ("id")
  )`,
];

/** Reliability by level and with ages, learned once from each attempt; suspensions that can be lifted; how offers come and go. */
export class Health1764500000000 implements MigrationInterface {
  readonly name = 'Health1764500000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Measurements by age cannot be made counters again; restore a backup instead.');
  }
}
