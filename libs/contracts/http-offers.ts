import { z } from 'zod';
import { complianceRegimes, interconnects, markets, providerKinds } from '#libs/domain';
import { pricePerHourField } from './job-spec-fields';
import { money, pageOf, pageQuery, time, yesNo } from './http-shapes';

/** An offer as the API shows it. */
export const offerViewSchema = z
  .object({
    id: z.string().meta({ examples: ['aws/us-east-1/p5.48xlarge/spot'] }),
    provider: z.string(),
    providerKind: z.enum(providerKinds),
    region: z.string(),
    country: z.string().nullable().meta({ description: 'ISO 3166-1; null where nobody can say.' }),
    instanceType: z.string(),
    market: z.enum(markets),
    gpu: z
      .object({
        model: z.string(),
        count: z.int(),
        memoryGib: z.number(),
        interconnect: z.enum(interconnects),
      })
      .nullable(),
    cpus: z.number(),
    memoryGib: z.number(),
    diskGb: z.number(),
    interruptible: z.boolean(),
    pricePerHourMicroUsd: money('The rate of the whole machine.'),
    source: z.string().meta({
      description: 'Where the price comes from; see /v1/feeds.',
      examples: ['aws/price-list'],
    }),
    readAt: time('When the source was last read.').nullable(),
    stale: z.boolean().meta({ description: 'Too old to decide by.' }),
    settlementToken: z.string().nullable(),
    billingIncrementMs: z.int(),
    billingMinimumMs: z.int(),
    egressPerGbMicroUsd: money('For each GB that leaves.'),
    startupMs: z.int(),
    available: z.boolean(),
    certifications: z.array(z.enum(complianceRegimes)),
    slaBps: z.int().nullable().meta({ description: 'Promised availability in basis points.' }),
    confidential: z.boolean(),
    consumerHardware: z.boolean(),
    features: z.array(z.string()),
    hostedBy: z
      .string()
      .nullable()
      .meta({ description: 'Whose machines these are, where the provider resells them.' }),
    hostId: z.string().nullable().meta({ description: 'The one machine that is offered.' }),
    quantity: z.int().nullable().meta({ description: 'How many can be had now, where known.' }),
  })
  .meta({ id: 'Offer', description: 'Something that can be bought.' });
export type OfferView = z.infer<typeof offerViewSchema>;

export const offerQuerySchema = z.strictObject({
  ...pageQuery,
  provider: z
    .string()
    .max(64)
    .optional()
    .meta({ examples: ['aws'] }),
  region: z
    .string()
    .max(64)
    .optional()
    .meta({ examples: ['us-east-1'] }),
  country: z
    .string()
    .length(2)
    .optional()
    .meta({ examples: ['DE'] }),
  market: z
    .enum(markets)
    .optional()
    .meta({ examples: ['spot'] }),
  gpu: z
    .string()
    .max(40)
    .optional()
    .meta({ description: 'Model, as in a job.', examples: ['H100'] }),
  available: yesNo('Only what can be had now, or only what is sold out.').optional(),
  maxPricePerHour: pricePerHourField('No dearer than this.').optional(),
});
export type OfferQuery = z.output<typeof offerQuerySchema>;

export const offerPageSchema = pageOf(offerViewSchema)
  .extend({ bookVersion: z.int().meta({ description: 'Version of the offer book.' }) })
  .meta({ id: 'OfferPage' });
