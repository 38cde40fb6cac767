import { EntitySchema } from 'typeorm';
import { suspensionScopes } from '#libs/domain';
import { columns, named, nullable, oneOf } from './columns';

export const eventEntity = new EntitySchema({
  name: 'event',
  columns: {
    sequence: { type: 'bigint', primary: true, generated: 'increment' },
    jobId: named('job_id', columns.text),
    attemptId: named('attempt_id', nullable(columns.text)),
    type: columns.text,
    // Plain `json`: nobody searches in it, and it keeps the order of keys.
    data: { type: 'json' },
    atMs: named('at_ms', columns.bigint),
  },
  indices: [{ name: 'event_of_job', columns: ['jobId', 'sequence'] }],
});

export const suspensionEntity = new EntitySchema({
  name: 'suspension',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'increment' },
    scope: columns.text,
    key: columns.text,
    jobId: named('job_id', nullable(columns.text)),
    fromMs: named('from_ms', columns.bigint),
    untilMs: named('until_ms', columns.bigint),
    reason: columns.text,
    /** Who asked for it; empty where the router did. */
    addedBy: named('added_by', nullable(columns.text)),
    /** A row that ends earlier ones of its scope and key from `fromMs` on, all or those for `liftedReason`. */
    lifts: { ...columns.boolean, default: false },
    liftedReason: named('lifted_reason', nullable(columns.text)),
  },
  checks: [
    {
      name: 'suspension_scope',
      expression: oneOf('scope', suspensionScopes),
    },
  ],
  indices: [{ name: 'suspension_until', columns: ['untilMs'] }],
});

export const decisionEntity = new EntitySchema({
  name: 'decision',
  columns: {
    id: columns.id,
    jobId: named('job_id', {
      ...columns.text,
      foreignKey: { target: 'job', name: 'decision_for_job' },
    }),
    atMs: named('at_ms', columns.bigint),
    confirmedAtMs: named('confirmed_at_ms', columns.bigint),
    bookVersion: named('book_version', columns.int),
    /** Of the measurements that it was made from; empty where the record has them whole. */
    healthVersion: named('health_version', nullable(columns.int)),
    /** The whole record. */
    body: columns.json,
  },
  indices: [
    { name: 'decision_of_job', columns: ['jobId', 'atMs'] },
    { name: 'decision_made', columns: ['atMs'] },
    { name: 'decision_from_book', columns: ['bookVersion'] },
    {
      name: 'decision_from_health',
      columns: ['healthVersion'],
      where: '"health_version" IS NOT NULL',
    },
  ],
});

/** An offer as it was in the versions from `fromVersion` up to, not including, `toVersion`. */
export const offerVersionEntity = new EntitySchema({
  name: 'offer_version',
  columns: {
    offerId: named('offer_id', columns.id),
    fromVersion: named('from_version', { ...columns.int, primary: true }),
    toVersion: named('to_version', nullable(columns.int)),
    providerId: named('provider_id', columns.text),
    /** Of the offer in canonical form, so that a refresh sends only what differs. */
    digest: columns.text,
    body: columns.json,
  },
  indices: [
    {
      name: 'offer_version_current',
      columns: ['providerId', 'offerId'],
      unique: true,
      where: '"to_version" IS NULL',
    },
    { name: 'offer_version_until', columns: ['toVersion'] },
    { name: 'offer_version_since', columns: ['fromVersion'] },
  ],
});

export const bookVersionEntity = new EntitySchema({
  name: 'book_version',
  columns: {
    version: { type: 'integer', primary: true },
    providerId: named('provider_id', columns.text),
    atMs: named('at_ms', columns.bigint),
  },
  indices: [{ name: 'book_version_at', columns: ['atMs'] }],
});

/** When each provider's offers were last read, whether or not anything had changed. */
export const offerFeedEntity = new EntitySchema({
  name: 'offer_feed',
  columns: {
    providerId: named('provider_id', columns.id),
    refreshedAtMs: named('refreshed_at_ms', columns.bigint),
  },
});
