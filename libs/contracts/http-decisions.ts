import { z } from 'zod';
import { costTermNames, feasibilityVerdicts } from '#libs/domain';
import { effectiveCostSchema } from './http-costs';
import { money, time } from './http-shapes';
import { offerViewSchema } from './http-offers';

export const costTermsSchema = z
  .record(z.enum(costTermNames), z.int())
  .meta({ description: 'Named terms in micro-dollars; they add up to the expected cost.' });

export const rankedOfferSchema = z
  .object({
    rank: z.int().meta({ description: '1 is the best.' }),
    offer: offerViewSchema,
    expectedCostMicroUsd: money('What finishing there is expected to cost.'),
    terms: costTermsSchema,
    latenessBps: z.int().meta({ description: 'Chance of missing the deadline, basis points.' }),
    noReturnAt: time('From then on only a reliable offer can make the deadline.').nullable(),
    effective: effectiveCostSchema
      .nullable()
      .meta({ description: 'What the terms come to; null in decisions from before it was kept.' }),
  })
  .meta({ id: 'RankedOffer' });

export const reasonSchema = z
  .object({
    code: z.string(),
    text: z.string(),
    remedy: z.string(),
    ruleId: z.string().nullable(),
  })
  .meta({ id: 'RejectionReason' });

export const refusedOfferSchema = z
  .object({
    offerId: z.string(),
    pricePerHourMicroUsd: money('The rate of the whole machine.'),
    reasons: z.array(reasonSchema),
  })
  .meta({ id: 'RefusedOffer' });

export const baselineSchema = z
  .object({ offerId: z.string(), pricePerHourMicroUsd: money('Its rate.') })
  .meta({
    id: 'Baseline',
    description: 'The cheapest compliant on-demand offer of a hyperscaler; savings count from it.',
  });

export const feasibilitySchema = z
  .object({
    verdict: z.enum(feasibilityVerdicts).meta({
      description:
        '`now`: some offer serves; `not-now`: some would once they are free; `never`: none does until somebody changes the job, a policy or what is on sale; `unknown`: no offer is known.',
    }),
    sentences: z.array(z.string()).meta({ description: 'The same in plain words.' }),
    offers: z.int().meta({ description: 'How many were looked at.' }),
    serving: z.int(),
    passing: z.int().meta({ description: 'Refused only for what passes by itself.' }),
    removals: z
      .array(z.object({ code: z.string(), ruleId: z.string().nullable(), offers: z.int() }))
      .meta({ description: 'What removes offers for good, most first.' }),
    nearestMiss: refusedOfferSchema.nullable(),
    relaxations: z
      .array(
        z.object({
          code: z.string(),
          ruleId: z.string().nullable(),
          text: z.string().meta({ description: 'As it was given for the cheapest of them.' }),
          remedy: z.string(),
          offers: z.int().meta({ description: 'Offers that nothing else keeps out for good.' }),
          offersNow: z.int().meta({ description: 'How many of them are free now.' }),
          offerId: z.string().meta({ description: 'The cheapest of them.' }),
        }),
      )
      .meta({ description: 'What giving up one thing alone would open, most first.' }),
  })
  .meta({
    id: 'Feasibility',
    description: 'Whether any offer can ever run a job, and what would help.',
  });
export type FeasibilityView = z.infer<typeof feasibilitySchema>;

const rankingFields = {
  engine: z.string(),
  policyVersion: z.string().meta({ examples: ['builtin@1'] }),
  bookVersion: z.int(),
  ranked: z.array(rankedOfferSchema).meta({ description: 'The best, best first.' }),
  rankedCount: z.int(),
  rejectedCount: z.int(),
  rejectionCounts: z
    .record(z.string(), z.int())
    .meta({ description: 'How many offers each reason refused.' }),
  ruleCounts: z.record(z.string(), z.int()).meta({ description: 'The same for policy rules.' }),
  rejected: z.array(refusedOfferSchema).meta({ description: 'The nearest misses first.' }),
  baseline: baselineSchema.nullable(),
  feasibility: feasibilitySchema,
};

export const planSchema = z.object(rankingFields).meta({
  id: 'Plan',
  description: 'Where a job would run now, and why not elsewhere. Nothing was stored.',
});
export type PlanView = z.infer<typeof planSchema>;

export const decisionSchema = z
  .object({
    id: z.string(),
    jobId: z.string(),
    at: time('When it was made.'),
    ...rankingFields,
    digests: z.record(z.string(), z.string()).meta({ description: 'SHA-256 of each input.' }),
  })
  .meta({ id: 'Decision', description: 'A decision as it was made.' });
export type DecisionView = z.infer<typeof decisionSchema>;

export const replaySchema = z
  .object({
    decisionId: z.string(),
    same: z.boolean().meta({ description: 'The same inputs gave the same bytes.' }),
    differs: z.array(z.enum(['engine', 'job', 'policy', 'offers', 'decision'])).meta({
      description: 'Inputs that are not what they were; `decision` when only the outcome differs.',
    }),
  })
  .meta({ id: 'Replay' });
export type ReplayView = z.infer<typeof replaySchema>;
