import { z } from 'zod';
import { moneyField } from './job-spec-fields';
import { listOf, money, time } from './http-shapes';

/** What costs can be grouped by. */
export const costDimensions = [
  'project',
  'cost-centre',
  'provider',
  'gpu',
  'day',
  'kind',
  'commitment',
] as const;
export type CostDimension = (typeof costDimensions)[number];

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const day = (description: string, example: string) =>
  z
    .union([z.string().regex(DAY), z.iso.datetime()], { error: 'must be a day or a moment in UTC' })
    .refine((text) => Number.isFinite(Date.parse(text)), 'there is no such day')
    .meta({ description, examples: [example] });

export const costQuerySchema = z.strictObject({
  from: day('From this day on; the first of this month by default.', '2026-11-01').optional(),
  to: day('Up to but without this day; now by default.', '2026-12-01').optional(),
  groupBy: z
    .string()
    .transform((text) => [...new Set(text.split(',').map((part) => part.trim()))])
    .pipe(z.array(z.enum(costDimensions)))
    .optional()
    .meta({
      description:
        'One or several of project, cost-centre, provider, gpu, day, kind (compute, outputs, checkpoint), commitment; project by default.',
      examples: ['project,provider'],
    }),
  project: z
    .string()
    .max(64)
    .optional()
    .meta({ examples: ['vision'] }),
  provider: z
    .string()
    .max(64)
    .optional()
    .meta({ examples: ['aws'] }),
});
export type CostReportQuery = z.output<typeof costQuerySchema>;

export const costReportSchema = z
  .object({
    from: time('Start, included.'),
    to: time('End, excluded.'),
    groupBy: z.array(z.enum(costDimensions)),
    rows: z.array(
      z.object({
        group: z
          .record(z.string(), z.string().nullable())
          .meta({ description: 'A value for each dimension; null where a charge has none.' }),
        billedMicroUsd: money('Charged: the effective cost beyond what is paid for already.'),
        listMicroUsd: money('The same at list price, with what commitments have paid.'),
        baselineMicroUsd: z
          .int()
          .nullable()
          .meta({ description: 'The same work at the baselines; null where there is none.' }),
        savingMicroUsd: z.int().nullable(),
        leaseMs: z.int(),
        jobs: z.int(),
      }),
    ),
    total: z.object({
      billedMicroUsd: money('Charged in all.'),
      listMicroUsd: money('At list price in all.'),
      baselineMicroUsd: z.int().nullable(),
      savingMicroUsd: z.int().nullable(),
    }),
    truncated: z.boolean().meta({ description: 'There were more rows than are shown.' }),
  })
  .meta({ id: 'CostReport' });
export type CostReportView = z.infer<typeof costReportSchema>;

const PERIOD = /^\d{4}-(?:0[1-9]|1[0-2])$/;
export const budgetQuerySchema = z.strictObject({
  period: z
    .string()
    .regex(PERIOD, 'must be a month such as 2026-11')
    .optional()
    .meta({ description: 'A month in UTC; this one by default.', examples: ['2026-11'] }),
});

export const budgetViewSchema = z
  .object({
    project: z.string(),
    period: z.string().meta({ examples: ['2026-11'] }),
    softLimitMicroUsd: z.int().nullable().meta({ description: 'Above it, an event tells.' }),
    hardLimitMicroUsd: z.int().nullable().meta({ description: 'Above it, jobs are refused.' }),
    committedMicroUsd: money(
      'Still reserved for jobs of the month, and all that is charged in it.',
    ),
    spentMicroUsd: money('Charged so far, by the month in which each charge begins.'),
  })
  .meta({ id: 'Budget' });
export type BudgetView = z.infer<typeof budgetViewSchema>;
export const budgetListSchema = listOf(budgetViewSchema).meta({ id: 'BudgetList' });

export const budgetLimitsSchema = z
  .strictObject({
    softLimit: moneyField('Above it, an event tells.').nullable().prefault(null),
    hardLimit: moneyField('Above it, jobs are refused.').nullable().prefault(null),
  })
  .meta({
    id: 'BudgetLimits',
    description: 'Limits for every month; null is none.',
    examples: [{ softLimit: '$400', hardLimit: '$500' }],
  });
