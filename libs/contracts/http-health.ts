import { z } from 'zod';
import { markets, providerKinds, suspensionScopes } from '#libs/domain';
import { listOf, numberText, time, yesNo } from './http-shapes';
import { durationField } from './job-spec-fields';

/** How many suspensions a list shows at most. */
export const MAX_SUSPENSIONS_LISTED = 500;
/** The longest that somebody may ask something to rest: beyond a quarter of a year it belongs in a policy. */
export const MAX_SUSPENSION_MS = 92 * 24 * 3_600_000;

/** What people may suspend: one job's refusals are the router's own. */
const askedScopes = ['offer', 'host', 'provider-region', 'provider'] as const;

const target = {
  scope: z.enum(askedScopes).meta({ description: 'How much is meant.', examples: ['provider'] }),
  key: z
    .string()
    .min(1)
    .max(300)
    .meta({
      description:
        'What is meant: an offer id, `provider/host`, `provider/region`, or a provider id.',
      examples: ['akash'],
    }),
  because: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: 'Why, for whoever meets it.', examples: ['maintenance until noon'] }),
};

/** Keep something out of placement for a time, or end that early. Nothing is deleted: the end is a further entry. */
export const suspensionRequestSchema = z
  .discriminatedUnion('do', [
    z.strictObject({
      do: z.literal('suspend'),
      ...target,
      for: durationField('How long, at most 92 days.', ['6h']).refine(
        (ms) => ms > 0 && ms <= MAX_SUSPENSION_MS,
        'must be more than nothing and at most 92 days',
      ),
    }),
    z.strictObject({ do: z.literal('resume'), ...target }),
  ])
  .meta({ id: 'SuspensionRequest' });
export type SuspensionRequest = z.input<typeof suspensionRequestSchema>;

export const suspensionViewSchema = z
  .object({
    id: z.string(),
    scope: z.enum(suspensionScopes),
    key: z.string(),
    job: z.string().nullable().meta({ description: 'The one job that it is about, if any.' }),
    reason: z.string(),
    from: time('When it began.'),
    until: time('When it ends by itself.'),
    by: z.string().nullable().meta({ description: 'Who asked for it; null for the router.' }),
    resumedAt: time('When it was ended before its time.').nullable(),
  })
  .meta({ id: 'Suspension', description: 'Something that is kept out of placement for a time.' });
export type SuspensionView = z.infer<typeof suspensionViewSchema>;
export const suspensionListSchema = listOf(suspensionViewSchema).meta({ id: 'SuspensionList' });

export const suspensionQuerySchema = z.strictObject({
  ended: yesNo('Those that are over as well, as long as they are kept.').optional(),
  limit: numberText(MAX_SUSPENSIONS_LISTED, 'At most this many.', 100).optional(),
});

/** What `resume` and `suspend` answer. */
export const suspensionChangeSchema = z
  .object({
    done: z.enum(['suspended', 'resumed']),
    changed: z.int().meta({ description: 'How many suspensions were begun or ended.' }),
  })
  .meta({ id: 'SuspensionChange' });
export type SuspensionChange = z.infer<typeof suspensionChangeSchema>;

const measuredRate = (description: string) => z.number().nullable().meta({ description });

/** What was measured of one market of a provider. Null is not measured, which is not zero. Counts fade with age. */
const marketHealthSchema = z.object({
  market: z.enum(markets),
  leaseMs: z.int().meta({ description: 'Time that leases were watched.' }),
  interruptions: z.number(),
  starts: z.number(),
  startFailures: z.number(),
  interruptionsPerHour: measuredRate('Losses for each hour of a lease, as measured.'),
  meanUpTimeMs: measuredRate('Mean time until a loss; null also where none was seen yet.'),
  startupP50Ms: measuredRate('Half of the starts came up within this.'),
  startupP99Ms: measuredRate('All but one in a hundred did; null below 20 starts.'),
  recoveryMs: measuredRate('Mean wait for new capacity after a loss.'),
  refusedShare: measuredRate('Share of the requests that were refused.'),
  lieShare: measuredRate('Share of what was checked that proved wrong.'),
  noticeMs: measuredRate('Mean time between a notice and the loss, where one was given.'),
  availableMs: measuredRate('Mean time that an offer stays available, from the offer book.'),
  awayMs: measuredRate('Mean time until it is back.'),
});

/** A provider and how it has been doing. */
export const providerViewSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(providerKinds),
    mode: z.enum(['live', 'emulated']),
    offers: z.int().meta({ description: 'In the book now.' }),
    availableOffers: z.int(),
    refreshedAt: time('When its offers were last read.').nullable(),
    circuit: z.enum(['closed', 'open', 'half-open']).meta({
      description: 'Open: it does not answer and is left alone. Half-open: the next call tries it.',
    }),
    calls: z
      .object({ made: z.number(), unanswered: z.number() })
      .nullable()
      .meta({ description: 'Of its API; null while none is on record. Counts fade with age.' }),
    suspensions: z.array(
      z.object({
        scope: z.string(),
        key: z.string(),
        reason: z.string(),
        until: time('When it ends.'),
      }),
    ),
    health: z.array(marketHealthSchema),
  })
  .meta({ id: 'Provider', description: 'A provider and how it has been doing.' });
export type ProviderView = z.infer<typeof providerViewSchema>;
export const providerListSchema = listOf(providerViewSchema).meta({ id: 'ProviderList' });
