import { z } from 'zod';
import { interruptibleUses, workloadClasses } from '#libs/domain';
import { moneyField, pricePerHourField, word as wordOf, written } from './job-spec-fields';
import { readInstant } from './syntax/instant';

/** Bounds of what one policy may carry. */
export const MAX_RULES = 200;
export const MAX_POLICY_PARTS = 64;
export const MAX_CLAUSES = 16;
export const MAX_POLICY_TESTS = 200;
const MAX_EXPRESSION_CHARACTERS = 4_000;
const MAX_BPS = 1_000_000;
const WHOLE_BPS = 10_000;
const MAX_COUNT = 1_000_000;
const MAX_PRIORITY = 1_000;
const MAX_PROJECTS = 64;

const name = (description: string) =>
  written(
    z.string().meta({ description, examples: ['regulated-data'] }),
    wordOf(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 63, 'is not a name', 'use a-z, 0-9 and -'),
  );
const expression = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(MAX_EXPRESSION_CHARACTERS)
    .meta({ description, examples: [example] });
/** One expression or several. */
const clauses = (description: string, example: string) =>
  z
    .union([
      expression(description, example),
      z.array(expression(description, example)).min(1).max(MAX_CLAUSES),
    ])
    .meta({ description, examples: [example] });
const bps = (description: string, max = MAX_BPS) => z.int().min(0).max(max).meta({ description });
const count = (description: string) => z.int().min(0).max(MAX_COUNT).meta({ description });
const because = z
  .string()
  .min(1)
  .max(500)
  .meta({
    description: 'Shown to those whose offers it refuses.',
    examples: ['health data needs a certified provider'],
  });
const instant = (description: string) =>
  written(z.string().meta({ description, examples: ['2027-01-31T18:00:00Z'] }), readInstant);
const when = expression(
  'CEL over job and now: which jobs it is about, and at what times; all of them by default.',
  "job.dataClass == 'health'",
).optional();

export const ruleSchema = z
  .strictObject({
    id: name('Unique among the rules, limits and preferences of the policy.'),
    when,
    require: clauses(
      'CEL over job, offer, provider, health and now: must hold for an offer to be used; of several, all.',
      "provider.kind == 'hyperscaler'",
    ).optional(),
    forbid: clauses(
      'CEL over job, offer, provider, health and now: must not hold; of several, none.',
      'offer.consumerHardware',
    ).optional(),
    because,
  })
  .meta({ description: 'What must or must not hold for an offer to be used.' });

const rateFields = {
  waitingCostPerHour: moneyField('What an hour of waiting is worth.').optional(),
  latenessCost: moneyField('What being late costs, on top of the waiting.').optional(),
  latenessToleranceBps: bps('Chance of being late that is accepted, in basis points.').optional(),
  tokenRiskBps: bps('Margin on prices settled in a token, in basis points.').optional(),
  verificationBps: bps('Cost of checking work on unproved hardware, in basis points.').optional(),
  availabilityPointPerHour: pricePerHourField(
    'What each percentage point that the contractual availability falls short of 100 % costs per hour of work.',
  ).optional(),
};
export const ratesSchema = z
  .strictObject(rateFields)
  .meta({ description: 'Exchange rates in money, and tolerances.' });

const charge = (description: string) =>
  z
    .strictObject({
      offers: expression(
        'CEL over job, offer, provider, health and now: which offers.',
        'size(offer.certifications) > 0',
      ),
      perHour: pricePerHourField('Money per hour of work.'),
    })
    .meta({ description });

export const preferenceSchema = z
  .strictObject({
    id: name('Unique among the rules, limits and preferences of the policy.'),
    when,
    rates: ratesSchema.optional(),
    premium: charge('Matching offers count as dearer by this.').optional(),
    discount: charge('Matching offers count as cheaper by this than all others.').optional(),
  })
  .meta({ description: 'Exchange rates under a condition.' });

export const limitSchema = z
  .strictObject({
    id: name('Unique among the rules, limits and preferences of the policy.'),
    when,
    offers: expression(
      'CEL over job, offer, provider, health and now: which offers it covers; all of them by default.',
      "provider.kind == 'decentralised'",
    ).optional(),
    maxPricePerHour: pricePerHourField('Of the whole machine.').optional(),
    maxGpus: count('GPUs that the project holds at a time on what is covered.').optional(),
    maxJobs: count('Jobs that the project runs at a time on what is covered.').optional(),
    maxTokenSpendPerHour: pricePerHourField(
      'What the project pays per hour in tokens for what is covered.',
    ).optional(),
    maxTokenShareBps: bps(
      'Share of the hourly spend of the project that is settled in tokens, in basis points.',
      WHOLE_BPS,
    ).optional(),
    tokenAllowancePerHour: pricePerHourField(
      'Up to this hourly spend in tokens the share does not matter.',
    ).optional(),
    because,
  })
  .meta({ description: 'An upper bound on price or on what a project holds at a time.' });

export const profileSchema = z
  .strictObject({
    latenessToleranceBps: rateFields.latenessToleranceBps,
    interruptible: z
      .enum(interruptibleUses)
      .meta({ description: 'Whether offers that can be taken back at will may be used.' })
      .optional(),
    minReliabilityBps: bps(
      'Least chance that an hour passes without an interruption, in basis points.',
      WHOLE_BPS,
    ).optional(),
  })
  .meta({
    description: 'What holds for a workload class unless a policy of more precedence differs.',
  });

const facts = (variable: string, example: Readonly<Record<string, unknown>>) =>
  z
    .record(
      z.string(),
      z.union([
        z.string(),
        z.number(),
        z.boolean(),
        z.array(z.string()),
        z.record(z.string(), z.string()),
      ]),
    )
    .meta({ description: `Fields of ${variable} as expressions see them.`, examples: [example] });

export const testSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(200)
      .meta({ description: 'What is tested.', examples: ['health data stays certified'] }),
    given: z
      .strictObject({
        job: facts('job', { workload: 'training', dataClasses: ['health'] }).optional(),
        offer: facts('offer', { kind: 'decentralised', gpuModel: 'H100' }).optional(),
        health: facts('health', { interruptionsPerHour: 0.5 }).optional(),
        now: instant('When it is asked; the first of January 2027 by default.').optional(),
        held: z
          .strictObject({
            jobs: count('Jobs.').optional(),
            gpus: count('GPUs.').optional(),
            spendPerHour: pricePerHourField('Of all that the project holds.').optional(),
            tokenSpendPerHour: pricePerHourField('The part settled in tokens.').optional(),
          })
          .meta({ description: 'What the project holds already of what each limit covers.' })
          .optional(),
      })
      .meta({ description: 'A job and an offer; what is left out is neutral.' }),
    expect: z
      .union([
        z.literal('allowed'),
        z.strictObject({
          refusedBy: z
            .union([z.string(), z.array(z.string()).min(1).max(MAX_RULES)])
            .meta({ description: 'Ids of exactly the rules, limits and profiles that refuse.' })
            .optional(),
          rates: ratesSchema.optional(),
          chargedPerHour: pricePerHourField(
            'Sum of premiums and withheld discounts for the offer.',
          ).optional(),
        }),
      ])
      .meta({
        description: 'What must come out.',
        examples: ['allowed', { refusedBy: 'no-spot' }],
      }),
  })
  .meta({ description: 'A job and an offer, and what the policy must say of them.' });

const byWorkload = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  z.partialRecord(z.enum(workloadClasses), schema).meta({ description });

/** A routing policy as people write it. Only its shape: the policy engine checks the expressions. */
export const policyDocumentSchema = z
  .strictObject({
    kind: z
      .literal('RoutingPolicy')
      .prefault('RoutingPolicy')
      .meta({ description: 'What the document is.' }),
    name: name('What the policy is called; versions are counted by name.'),
    description: z
      .string()
      .max(2_000)
      .prefault('')
      .meta({ description: 'What the policy is for, in words.' }),
    scope: z
      .strictObject({
        projects: z
          .array(z.string().min(1).max(100))
          .min(1)
          .max(MAX_PROJECTS)
          .meta({ description: 'Globs; * stands for any text.', examples: [['research-*']] }),
      })
      .meta({ description: 'For which projects it speaks; all of them by default.' })
      .optional(),
    priority: z
      .int()
      .min(-MAX_PRIORITY)
      .max(MAX_PRIORITY)
      .meta({
        description:
          'Which exchange rate or profile holds where several policies speak: the higher one. Rules and limits know no priority.',
      })
      .optional(),
    effective: z
      .strictObject({
        from: instant('The first instant at which it speaks.')
          .nullable()
          .prefault(null)
          .meta({ description: 'The first instant at which it speaks.' }),
        until: instant('The first instant at which it no longer speaks.')
          .nullable()
          .prefault(null)
          .meta({ description: 'The first instant at which it no longer speaks.' }),
      })
      .meta({ description: 'When it speaks; always by default.' })
      .optional(),
    rules: z
      .array(ruleSchema)
      .max(MAX_RULES)
      .prefault([])
      .meta({ description: 'What must or must not hold for an offer to be used.' }),
    preferences: byWorkload(ratesSchema, 'Exchange rates by workload class.').prefault({}),
    prefer: z
      .array(preferenceSchema)
      .max(MAX_POLICY_PARTS)
      .meta({ description: 'Exchange rates under conditions; they overrule `preferences`.' })
      .optional(),
    limits: z
      .array(limitSchema)
      .max(MAX_POLICY_PARTS)
      .meta({ description: 'Upper bounds on prices and on what a project holds at a time.' })
      .optional(),
    profiles: byWorkload(profileSchema, 'Defaults by workload class.').optional(),
    tests: z
      .array(testSchema)
      .max(MAX_POLICY_TESTS)
      .meta({ description: 'Run when the policy is saved; one that fails refuses it.' })
      .optional(),
  })
  .meta({
    id: 'RoutingPolicy',
    description: 'Rules about where jobs may run, and what is worth how much.',
    examples: [
      {
        name: 'health-data',
        rules: [
          {
            id: 'certified',
            when: "job.dataClass == 'health'",
            require: "provider.kind == 'hyperscaler'",
            because: 'health data needs a certified provider',
          },
        ],
      },
    ],
  });
export type PolicyDocumentInput = z.input<typeof policyDocumentSchema>;
export type WrittenPolicy = z.output<typeof policyDocumentSchema>;
