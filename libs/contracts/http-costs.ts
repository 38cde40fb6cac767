import { z } from 'zod';
import { moneyField } from './job-spec-fields';
import { listOf, money, time } from './http-shapes';

const MAX_NAME = 64;
const MAX_MACHINES = 10_000;
const MAX_HOURS = 100_000_000;
const text = (description: string) => z.string().min(1).max(MAX_NAME).meta({ description });
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const moment = (description: string, example: string) =>
  z
    .union([z.string().regex(DAY), z.iso.datetime()], { error: 'must be a day or a moment in UTC' })
    .refine((written) => Number.isFinite(Date.parse(written)), 'there is no such day')
    .transform((written) => Date.parse(written))
    .meta({ description, examples: [example] });

/** What is paid for already, as people write it. */
export const commitmentBodySchema = z
  .strictObject({
    provider: text('Whose machines.'),
    region: text('Only there.').optional(),
    instanceType: text('Only this kind of machine.').optional(),
    gpu: text('Only machines with this GPU, in the canonical words of jobs.').optional(),
    from: moment('In force from then on; now by default.', '2026-11-01').optional(),
    until: moment('Not in force any more from then on.', '2027-11-01'),
    machines: z
      .int()
      .min(1)
      .max(MAX_MACHINES)
      .meta({ description: 'So many machines at a time.', examples: [8] })
      .optional(),
    hours: z
      .number()
      .positive()
      .max(MAX_HOURS)
      .meta({ description: 'So many machine hours.', examples: [5_000] })
      .optional(),
    amount: moneyField('So much of the list cost.').optional(),
  })
  .refine(
    ({ machines, hours, amount }) =>
      [machines, hours, amount].filter((quantity) => quantity !== undefined).length === 1,
    { error: 'say exactly one of machines, hours and amount', path: ['machines'] },
  )
  .meta({
    id: 'CommitmentTerms',
    description: 'A reservation or a prepaid contract: exactly one of machines, hours and amount.',
    examples: [{ provider: 'nimbus', region: 'north', until: '2027-11-01', machines: 8 }],
  });
export type CommitmentBody = z.output<typeof commitmentBodySchema>;

export const commitmentViewSchema = z
  .object({
    name: z.string(),
    provider: z.string(),
    region: z.string().nullable(),
    instanceType: z.string().nullable(),
    gpu: z.string().nullable(),
    from: time('In force from then on.'),
    until: time('Until then.'),
    state: z.enum(['upcoming', 'in-force', 'used-up', 'over']).meta({
      description: '`used-up`: in force, but nothing of it is left for another lease now.',
    }),
    machines: z.int().nullable().meta({ description: 'Machines at a time.' }),
    hours: z.number().nullable().meta({ description: 'Machine hours in all.' }),
    amountMicroUsd: z.int().nullable().meta({ description: 'List cost in all.' }),
    usedHours: z.number().meta({ description: 'Machine hours that were booked on it.' }),
    usedMicroUsd: money('List cost that was booked on it.'),
    leases: z.int().meta({ description: 'Leases that it pays for now, or is about to.' }),
  })
  .meta({ id: 'Commitment', description: 'What is paid for already, and what is gone of it.' });
export type CommitmentView = z.infer<typeof commitmentViewSchema>;
export const commitmentListSchema = listOf(commitmentViewSchema).meta({ id: 'CommitmentList' });

const ratio = (description: string) => z.number().nullable().meta({ description });
const termSchema = z
  .object({
    ratio: ratio('Realised over predicted; null while nothing was predicted.'),
    weight: z.number().meta({ description: 'Evidence: attempts, or losses that were expected.' }),
    factor: z.number().meta({ description: 'What later predictions are multiplied by.' }),
  })
  .meta({ id: 'CalibratedTerm' });

export const calibrationViewSchema = z
  .object({
    provider: z.string(),
    market: z.string(),
    charge: termSchema.meta({
      description: 'Run, interruption and start-up together; never multiplied as a whole.',
    }),
    interruption: termSchema,
    startUp: termSchema,
    waiting: termSchema,
    within90: ratio('Share of finished jobs whose bill lay in the interval for nine in ten.'),
    finished: z.number().meta({ description: 'Finished jobs that this is from; fades with time.' }),
    at: time('When it last learned.'),
  })
  .meta({ id: 'Calibration', description: 'Predicted against realised cost in one market.' });
export type CalibrationView = z.infer<typeof calibrationViewSchema>;
export const calibrationListSchema = listOf(calibrationViewSchema).meta({ id: 'CalibrationList' });

export const calibrationQuerySchema = z.strictObject({
  provider: text('Only this one.').optional(),
});

const factorsSchema = z.object({
  interruption: z.number(),
  startUp: z.number(),
  waiting: z.number(),
});

/** What follows from an offer's terms. */
export const effectiveCostSchema = z
  .object({
    perJobHourMicroUsd: z.int().nullable().meta({
      description: 'Cost of an hour of work that is done in time; null when none can be.',
    }),
    checkpointEveryMs: z
      .int()
      .nullable()
      .meta({ description: 'The interval at which saving and losing work cost least.' }),
    commitment: z.string().nullable().meta({ description: 'What pays for the lease already.' }),
    chargeLowMicroUsd: money('Nine in ten bills for the compute are expected above this,'),
    chargeHighMicroUsd: money('and below this.'),
    calibration: factorsSchema.meta({
      description:
        'What the terms were multiplied by because of earlier predictions; 1 is nothing.',
    }),
  })
  .meta({ id: 'EffectiveCost' });
export type EffectiveCostView = z.infer<typeof effectiveCostSchema>;
