import type { MigrationInterface, QueryRunner } from 'typeorm';

const outcomes = `ARRAY[
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
    'moved',
    'unneeded',
    'gang-broken'
  ]::text[]`;

/** Jobs are reconsidered and may have several attempts at a time: hedged starts, gangs, replicas. Attempts so far were one by one. */
const statements: readonly string[] = [
  `ALTER TABLE "job" ADD COLUMN "outlook" jsonb`,
  `ALTER TABLE "attempt"
    ADD COLUMN "role" text COLLATE "C",
    ADD COLUMN "slot" integer,
    ADD COLUMN "round" integer,
    ADD COLUMN "leaving" jsonb`,
  `UPDATE "attempt" SET "role" = 'solo', "slot" = 0, "round" = "number"`,
  `ALTER TABLE "attempt"
    ALTER COLUMN "role" SET NOT NULL,
    ALTER COLUMN "slot" SET NOT NULL,
    ALTER COLUMN "round" SET NOT NULL,
    DROP CONSTRAINT "attempt_outcome",
    DROP CONSTRAINT "attempt_abandon_as"`,
  `ALTER TABLE "attempt"
    ADD CONSTRAINT "attempt_role" CHECK ("role" = ANY (ARRAY['solo', 'first', 'second', 'node', 'replica']::text[])),
    ADD CONSTRAINT "attempt_outcome" CHECK ("outcome" = ANY (${outcomes})),
    ADD CONSTRAINT "attempt_abandon_as" CHECK ("abandon_as" = ANY (${outcomes}))`,
  `DROP INDEX "attempt_unreleased"`,
  `CREATE UNIQUE INDEX "attempt_unreleased" ON "attempt" ("job_id", "slot", "role") WHERE "phase" <> 'released'::text`,
];

export class Loop1764600000000 implements MigrationInterface {
  readonly name = 'Loop1764600000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Attempts side by side have no place in the schema before this one.');
  }
}
