import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Commitments, calibration, and charges that are not for compute or are paid for already. All charges so far were plain compute. */
const statements: readonly string[] = [
  `CREATE TABLE "commitment" (
    "name" text COLLATE "C" NOT NULL,
    "provider_id" text COLLATE "C" NOT NULL,
    "region" text COLLATE "C",
    "instance_type" text COLLATE "C",
    "gpu_model" text COLLATE "C",
    "quantity" jsonb NOT NULL,
    "from_ms" bigint NOT NULL,
    "until_ms" bigint NOT NULL,
    "used_ms" bigint NOT NULL,
    "used_list_cost" bigint NOT NULL,
    "updated_at_ms" bigint NOT NULL,
    CONSTRAINT "commitment_pkey" PRIMARY KEY ("name")
  )`,
  `CREATE TABLE "calibration" (
    "key" text COLLATE "C" NOT NULL,
    "state" jsonb NOT NULL,
    CONSTRAINT "calibration_pkey" PRIMARY KEY ("key")
  )`,
  `ALTER TABLE "attempt"
    ADD COLUMN "agreed" jsonb,
    ADD COLUMN "booked_covered" bigint NOT NULL DEFAULT '0',
    ADD COLUMN "booked_covered_ms" bigint NOT NULL DEFAULT '0',
    ADD COLUMN "calibrated" boolean NOT NULL DEFAULT false`,
  // What attempts draw is asked before every decision, and few of them draw.
  `CREATE INDEX "attempt_drawing" ON "attempt" (("agreed" -> 'coverage' ->> 'commitment'))
    WHERE "phase" <> 'released' AND "agreed" IS NOT NULL`,
  `ALTER TABLE "cost_entry"
    ADD COLUMN "kind" text COLLATE "C" NOT NULL DEFAULT 'compute',
    ADD COLUMN "covered_amount" bigint NOT NULL DEFAULT '0',
    ADD COLUMN "commitment" text COLLATE "C",
    ADD CONSTRAINT "cost_entry_kind" CHECK ("kind" = ANY (ARRAY['compute', 'outputs', 'checkpoint']::text[]))`,
];

export class Cost1764400000000 implements MigrationInterface {
  readonly name = 'Cost1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  /** Charges of other kinds would be taken for compute. */
  async down(): Promise<void> {
    throw new Error('Charges that are not for compute cannot be told apart by an earlier schema.');
  }
}
