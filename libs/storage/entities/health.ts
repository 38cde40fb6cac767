import { EntitySchema } from 'typeorm';
import { columns, named, nullable } from './columns';

/** One level of supply as it was known in the versions from `fromVersion` up to, not including, `toVersion`. */
export const healthLevelEntity = new EntitySchema({
  name: 'health_level',
  columns: {
    key: columns.id,
    fromVersion: named('from_version', { ...columns.int, primary: true }),
    toVersion: named('to_version', nullable(columns.int)),
    /** When it was replaced. */
    toAtMs: named('to_at_ms', nullable(columns.bigint)),
    body: columns.json,
  },
  indices: [
    {
      name: 'health_level_current',
      columns: ['key'],
      unique: true,
      where: '"to_version" IS NULL',
    },
    { name: 'health_level_until', columns: ['toAtMs'], where: '"to_at_ms" IS NOT NULL' },
  ],
});

/** The version of all measurements together; one row, whose lock whoever adds to them holds. */
export const healthVersionEntity = new EntitySchema({
  name: 'health_version',
  columns: { id: { type: 'integer', primary: true }, version: columns.int, epoch: columns.text },
});

/** Calls of providers that were handed in and not yet added up. */
export const callTallyEntity = new EntitySchema({
  name: 'call_tally',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'increment' },
    providerId: named('provider_id', columns.text),
    calls: columns.int,
    unanswered: columns.int,
    atMs: named('at_ms', columns.bigint),
  },
});

/** What is so of an offer in the book, available or not, and since when. */
export const offerRunEntity = new EntitySchema({
  name: 'offer_run',
  columns: {
    offerId: named('offer_id', columns.id),
    providerId: named('provider_id', columns.text),
    key: columns.text,
    available: columns.boolean,
    sinceMs: named('since_ms', columns.bigint),
    aged: columns.boolean,
  },
  indices: [{ name: 'offer_run_away', columns: ['sinceMs'], where: 'NOT "available"' }],
});

/** Up-times and outages that ended, by level. */
export const supplyTimesEntity = new EntitySchema({
  name: 'supply_times',
  columns: {
    key: columns.id,
    asOfMs: named('as_of_ms', columns.bigint),
    up: columns.json,
    down: columns.json,
  },
});

/** How far the book's changes have been looked at; one row. */
export const supplyCursorEntity = new EntitySchema({
  name: 'supply_cursor',
  columns: {
    id: { type: 'integer', primary: true },
    bookVersion: named('book_version', columns.int),
    atMs: named('at_ms', columns.bigint),
  },
});

export const healthEntities = [
  healthLevelEntity,
  healthVersionEntity,
  callTallyEntity,
  offerRunEntity,
  supplyTimesEntity,
  supplyCursorEntity,
];
