import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE "feed" (
    "id" text COLLATE "C" NOT NULL,
    "kind" text COLLATE "C" NOT NULL,
    "every_ms" bigint NOT NULL,
    "stale_after_ms" bigint NOT NULL,
    "cursor" text COLLATE "C",
    "pass_started_at_ms" bigint,
    "read_at_ms" bigint,
    "tried_at_ms" bigint,
    "error_kind" text COLLATE "C",
    "error_text" text COLLATE "C",
    "failures" integer NOT NULL,
    "next_try_at_ms" bigint NOT NULL,
    "items" bigint NOT NULL,
    CONSTRAINT "feed_kind" CHECK ("kind" = ANY (ARRAY['listing', 'prices', 'spot-history', 'fx', 'sheet']::text[])),
    CONSTRAINT "feed_pkey" PRIMARY KEY ("id")
  )`,
  `CREATE TABLE "feed_price" (
    "source" text COLLATE "C" NOT NULL,
    "offer_id" text COLLATE "C" NOT NULL,
    "provider_id" text COLLATE "C" NOT NULL,
    "price_per_hour" bigint NOT NULL,
    "read_at_ms" bigint NOT NULL,
    CONSTRAINT "feed_price_pkey" PRIMARY KEY ("source", "offer_id")
  )`,
  `CREATE INDEX "feed_price_of_provider" ON "feed_price" ("provider_id", "offer_id")`,
  `CREATE TABLE "price_point" (
    "offer_id" text COLLATE "C" NOT NULL,
    "at_ms" bigint NOT NULL,
    "price_per_hour" bigint,
    CONSTRAINT "price_point_pkey" PRIMARY KEY ("offer_id", "at_ms")
  )`,
  `CREATE INDEX "price_point_at" ON "price_point" ("at_ms")`,
  `CREATE TABLE "price_day" (
    "offer_id" text COLLATE "C" NOT NULL,
    "day_ms" bigint NOT NULL,
    "min" bigint NOT NULL,
    "median" bigint NOT NULL,
    "max" bigint NOT NULL,
    "close" bigint,
    "changes" integer NOT NULL,
    CONSTRAINT "price_day_pkey" PRIMARY KEY ("offer_id", "day_ms")
  )`,
  `CREATE INDEX "price_day_at" ON "price_day" ("day_ms")`,
  `CREATE TABLE "fx_quote" (
    "source" text COLLATE "C" NOT NULL,
    "token" text COLLATE "C" NOT NULL,
    "usd" double precision NOT NULL,
    "read_at_ms" bigint NOT NULL,
    CONSTRAINT "fx_quote_pkey" PRIMARY KEY ("source", "token")
  )`,
  `CREATE TABLE "fx_rate" (
    "token" text COLLATE "C" NOT NULL,
    "hour_ms" bigint NOT NULL,
    "at_ms" bigint NOT NULL,
    "usd_micro" bigint NOT NULL,
    "sigma_daily" double precision,
    "sources" text array NOT NULL,
    CONSTRAINT "fx_rate_pkey" PRIMARY KEY ("token", "hour_ms")
  )`,
  `CREATE TABLE "price_sheet" (
    "name" text COLLATE "C" NOT NULL,
    "sheet" jsonb NOT NULL,
    "uploaded_at_ms" bigint NOT NULL,
    "uploaded_by" text COLLATE "C" NOT NULL,
    CONSTRAINT "price_sheet_pkey" PRIMARY KEY ("name")
  )`,
  `CREATE INDEX "book_version_at" ON "book_version" ("at_ms")`,
  // Prices that are known already are where their series begin; without them an unchanged offer would have no history.
  `INSERT INTO "price_point" ("offer_id", "at_ms", "price_per_hour")
   SELECT DISTINCT ON (o."offer_id", b."at_ms") o."offer_id", b."at_ms", (o."body"->>'pricePerHour')::bigint
   FROM "offer_version" o JOIN "book_version" b ON b."version" = o."from_version"
   ORDER BY o."offer_id", b."at_ms", o."from_version" DESC`,
];

/** Feeds, prices and their history, rates of tokens and currencies, price sheets. */
export class Feeds1764300000000 implements MigrationInterface {
  readonly name = 'Feeds1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE "feed", "feed_price", "price_point", "price_day", "fx_quote", "fx_rate", "price_sheet"',
    );
    await runner.query('DROP INDEX "book_version_at"');
  }
}
