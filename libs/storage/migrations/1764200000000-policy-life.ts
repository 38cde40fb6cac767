import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Versions of policies get a state, people who propose and approve, and a history; projects may ask for approval. */
const statements: readonly string[] = [
  `ALTER TABLE "policy_version"
    ADD COLUMN "state" text COLLATE "C",
    ADD COLUMN "proposed_by" text COLLATE "C",
    ADD COLUMN "approved_by" text COLLATE "C",
    ADD COLUMN "activate_at_ms" bigint`,
  `UPDATE "policy_version" SET "state" = CASE
    WHEN "active" THEN 'active'
    WHEN "activated_at_ms" IS NOT NULL THEN 'retired'
    ELSE 'draft' END`,
  `ALTER TABLE "policy_version" ALTER COLUMN "state" SET NOT NULL`,
  `ALTER TABLE "policy_version" ADD CONSTRAINT "policy_version_state" CHECK ("state" = ANY (ARRAY[
    'draft',
    'awaiting-approval',
    'rejected',
    'approved',
    'scheduled',
    'active',
    'awaiting-retirement',
    'retired'
  ]::text[]))`,
  `CREATE INDEX "policy_version_due" ON "policy_version" ("activate_at_ms") WHERE "state" = 'scheduled'::text`,
  `CREATE TABLE "policy_event" (
    "sequence" BIGSERIAL NOT NULL,
    "name" text COLLATE "C" NOT NULL,
    "version" integer NOT NULL,
    "type" text COLLATE "C" NOT NULL,
    "from_state" text COLLATE "C",
    "to_state" text COLLATE "C" NOT NULL,
    "made_by" text COLLATE "C" NOT NULL,
    "comment" text COLLATE "C",
    "at_ms" bigint NOT NULL,
    CONSTRAINT "policy_event_pkey" PRIMARY KEY ("sequence")
  )`,
  `CREATE INDEX "policy_event_of_name" ON "policy_event" ("name", "sequence")`,
  `INSERT INTO "policy_event" ("name", "version", "type", "from_state", "to_state", "made_by", "comment", "at_ms")
    SELECT "name", "version", 'create', NULL, 'draft', "created_by", NULL, "created_at_ms"
    FROM "policy_version" ORDER BY "created_at_ms", "name", "version"`,
  `CREATE TABLE "policy_setting" (
    "project" text COLLATE "C" NOT NULL,
    "require_approval" boolean NOT NULL,
    "set_by" text COLLATE "C" NOT NULL,
    "set_at_ms" bigint NOT NULL,
    CONSTRAINT "policy_setting_pkey" PRIMARY KEY ("project")
  )`,
];

export class PolicyLife1764200000000 implements MigrationInterface {
  readonly name = 'PolicyLife1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('The history of policies is not thrown away; restore a backup instead.');
  }
}
