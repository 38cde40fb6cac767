import { z } from 'zod';
import { feedKinds, providerErrorKinds } from '#libs/domain';
import { listOf, money, time } from './http-shapes';
import { sheetRowSchema } from './price-sheet';

const sigma = (description: string) =>
  z
    .number()
    .nullable()
    .meta({ description, examples: [0.031] });

/** How the reading of a source of prices is going. */
export const feedViewSchema = z
  .object({
    id: z.string().meta({ description: 'What offers name as their source.' }),
    kind: z.enum(feedKinds),
    everyMs: z.int().meta({ description: 'From the end of one pass to the start of the next.' }),
    staleAfterMs: z.int().meta({ description: 'Older prices are not decided by.' }),
    readAt: time(
      'When the last whole pass began; everything it read is at least as young.',
    ).nullable(),
    stale: z.boolean().meta({ description: 'Whether decisions refuse its prices now.' }),
    triedAt: time('The last try.').nullable(),
    nextTryAt: time('The next try.'),
    items: z.int().meta({ description: 'Read in the pass under way, else in the last.' }),
    failures: z.int().meta({ description: 'Since the last success.' }),
    error: z
      .object({ kind: z.enum(providerErrorKinds), text: z.string() })
      .nullable()
      .meta({ description: 'What the last try ended with; null when it went well.' }),
  })
  .meta({ id: 'Feed', description: 'A source of prices and how its reading goes.' });
export type FeedView = z.infer<typeof feedViewSchema>;

export const rateViewSchema = z
  .object({
    token: z.string().meta({ examples: ['AKT'] }),
    microUsd: money('What one whole token is worth.'),
    readAt: time('When sources last agreed on it.'),
    sigmaDaily: sigma('Deviation of its daily log return; null where the history is too short.'),
    haircutBps: z.int().meta({ description: 'By what a price in it is raised until settlement.' }),
    sources: z.array(z.string()).meta({ description: 'Who agreed.' }),
  })
  .meta({ id: 'Rate' });
export type RateView = z.infer<typeof rateViewSchema>;

export const feedListSchema = z
  .object({ feeds: z.array(feedViewSchema), rates: z.array(rateViewSchema) })
  .meta({ id: 'FeedList' });
export type FeedListView = z.infer<typeof feedListSchema>;

export const priceResolutions = ['change', 'day'] as const;
const moment = (description: string) =>
  z
    .union([z.iso.date(), z.iso.datetime()], { error: 'must be a day or a moment in UTC' })
    .optional()
    .meta({ description, examples: ['2026-11-01'] });

export const priceQuerySchema = z.strictObject({
  from: moment('From then on; two weeks ago by default.'),
  to: moment('Up to but without then; now by default.'),
  resolution: z
    .enum(priceResolutions)
    .optional()
    .meta({
      description:
        'Every change, which is kept for weeks, or the days, which are kept for years; changes by default.',
      examples: ['day'],
    }),
});
export type PriceQuery = z.output<typeof priceQuerySchema>;

export const priceHistorySchema = z
  .object({
    offerId: z.string(),
    from: time('Start, included.'),
    to: time('End, excluded.'),
    resolution: z.enum(priceResolutions),
    changes: z
      .array(z.object({ at: time('From then on.'), pricePerHourMicroUsd: z.int().nullable() }))
      .meta({ description: 'In order, the price at the start first; null: no longer sold.' }),
    days: z
      .array(
        z.object({
          day: time('Midnight at its start.'),
          minMicroUsd: money('The lowest price.'),
          medianMicroUsd: money('The middle one, weighted by how long each was in force.'),
          maxMicroUsd: money('The highest price.'),
          closeMicroUsd: z.int().nullable().meta({ description: 'At its end; null: not sold.' }),
          changes: z.int(),
        }),
      )
      .meta({ description: 'Days with a change, in order; on others the close of before held.' }),
    statistics: z
      .object({
        minMicroUsd: money('The lowest price.'),
        medianMicroUsd: money('The middle one.'),
        maxMicroUsd: money('The highest price.'),
        sigmaDaily: sigma('Deviation of the daily log return; null where there are too few days.'),
      })
      .nullable()
      .meta({
        description: 'Of the changes in the interval that are kept; null where there are none.',
      }),
    truncated: z.boolean().meta({ description: 'There were more; these are the youngest.' }),
  })
  .meta({ id: 'PriceHistory' });
export type PriceHistoryView = z.infer<typeof priceHistorySchema>;

export const sheetViewSchema = z
  .object({
    name: z.string(),
    validFrom: time('In force from then on.'),
    validUntil: time('In force until just before.').nullable(),
    inForce: z.boolean(),
    uploadedAt: time('When it was stored.'),
    uploadedBy: z.string(),
    rows: z.array(sheetRowSchema),
  })
  .meta({ id: 'StoredPriceSheet' });
export type SheetView = z.input<typeof sheetViewSchema>;
export const sheetListSchema = listOf(sheetViewSchema).meta({ id: 'PriceSheetList' });
