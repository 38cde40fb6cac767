import { feedKinds } from '#libs/domain';
import { EntitySchema } from 'typeorm';
import { columns, named, nullable, oneOf } from './columns';

export const feedEntity = new EntitySchema({
  name: 'feed',
  columns: {
    id: columns.id,
    kind: columns.text,
    everyMs: named('every_ms', columns.bigint),
    staleAfterMs: named('stale_after_ms', columns.bigint),
    cursor: nullable(columns.text),
    passStartedAtMs: named('pass_started_at_ms', nullable(columns.bigint)),
    readAtMs: named('read_at_ms', nullable(columns.bigint)),
    triedAtMs: named('tried_at_ms', nullable(columns.bigint)),
    errorKind: named('error_kind', nullable(columns.text)),
    errorText: named('error_text', nullable(columns.text)),
    failures: columns.int,
    nextTryAtMs: named('next_try_at_ms', columns.bigint),
    items: columns.bigint,
  },
  checks: [{ name: 'feed_kind', expression: oneOf('kind', feedKinds) }],
});

/** What price feeds say that offers cost now. */
export const feedPriceEntity = new EntitySchema({
  name: 'feed_price',
  columns: {
    source: { ...columns.text, primary: true },
    offerId: named('offer_id', columns.id),
    providerId: named('provider_id', columns.text),
    pricePerHour: named('price_per_hour', columns.bigint),
    readAtMs: named('read_at_ms', columns.bigint),
  },
  indices: [{ name: 'feed_price_of_provider', columns: ['providerId', 'offerId'] }],
});

/** From then on an offer cost this; nothing: it was no longer sold. */
export const pricePointEntity = new EntitySchema({
  name: 'price_point',
  columns: {
    offerId: named('offer_id', columns.id),
    atMs: named('at_ms', { ...columns.bigint, primary: true }),
    pricePerHour: named('price_per_hour', nullable(columns.bigint)),
  },
  indices: [{ name: 'price_point_at', columns: ['atMs'] }],
});

/** What is left of the points of a day when they are old. */
export const priceDayEntity = new EntitySchema({
  name: 'price_day',
  columns: {
    offerId: named('offer_id', columns.id),
    dayMs: named('day_ms', { ...columns.bigint, primary: true }),
    min: columns.bigint,
    median: columns.bigint,
    max: columns.bigint,
    close: nullable(columns.bigint),
    changes: columns.int,
  },
  indices: [{ name: 'price_day_at', columns: ['dayMs'] }],
});

const double = { type: 'double precision' } as const;

/** What each source last said that a token or currency is worth. */
export const fxQuoteEntity = new EntitySchema({
  name: 'fx_quote',
  columns: {
    source: { ...columns.text, primary: true },
    token: { ...columns.text, primary: true },
    usd: double,
    readAtMs: named('read_at_ms', columns.bigint),
  },
});

/** What sources agreed on, the last of each hour. */
export const fxRateEntity = new EntitySchema({
  name: 'fx_rate',
  columns: {
    token: { ...columns.text, primary: true },
    hourMs: named('hour_ms', { ...columns.bigint, primary: true }),
    atMs: named('at_ms', columns.bigint),
    usdMicro: named('usd_micro', columns.bigint),
    sigmaDaily: named('sigma_daily', nullable(double)),
    sources: columns.texts,
  },
});

export const priceSheetEntity = new EntitySchema({
  name: 'price_sheet',
  columns: {
    name: columns.id,
    sheet: columns.json,
    uploadedAtMs: named('uploaded_at_ms', columns.bigint),
    uploadedBy: named('uploaded_by', columns.text),
  },
});

/** All entities of this file. */
export const priceEntities = [
  feedEntity,
  feedPriceEntity,
  pricePointEntity,
  priceDayEntity,
  fxQuoteEntity,
  fxRateEntity,
  priceSheetEntity,
];
