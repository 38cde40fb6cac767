import { z } from 'zod';
import {
  attemptOutcomes,
  attemptPhases,
  jobOutcomes,
  jobStates,
  workloadClasses,
  workloadExitReasons,
  attemptRoles,
  awaitedThings,
  reconsiderationReasons,
} from '#libs/domain';
import {
  baselineSchema,
  costTermsSchema,
  feasibilitySchema,
  refusedOfferSchema,
} from './http-decisions';
import { effectiveCostSchema } from './http-costs';
import { listOf, money, numberText, pageOf, pageQuery, time, yesNo } from './http-shapes';
import { jobSpecSchema } from './job-spec';

const MAX_KEY_CHARACTERS = 255;

const summaryFields = {
  id: z.string().meta({ examples: ['job-019aa5c2f3b07e31'] }),
  name: z.string(),
  project: z.string(),
  workload: z.enum(workloadClasses),
  labels: z.record(z.string(), z.string()),
  state: z.enum(jobStates),
  outcome: z.enum(jobOutcomes).nullable().meta({ description: 'Null until the job has ended.' }),
  priority: z.int(),
  submittedAt: time('When it was accepted.'),
  submittedBy: z.string(),
  cancelRequestedAt: time('When its end was asked for.').nullable(),
  endedAt: time('When it ended.').nullable(),
};

export const jobSummarySchema = z.object(summaryFields).meta({ id: 'JobSummary' });
export type JobSummary = z.infer<typeof jobSummarySchema>;
export const jobPageSchema = pageOf(jobSummarySchema).meta({ id: 'JobPage' });

const bps = (description: string) => z.int().min(0).max(10_000).meta({ description });

const outlookSchema = z
  .object({
    at: time('When it was looked at last.'),
    do: z.enum(['stay', 'move', 'start', 'wait']),
    to: z.string().nullable().meta({ description: 'The offer that it is to go to.' }),
    because: z.enum(reconsiderationReasons),
    latenessBps: bps('Chance of missing the deadline, in basis points; 0 without one.'),
    noReturnAt: time('From then on only a reliable offer is sure to keep the deadline.').nullable(),
    waitingFor: z
      .object({ what: z.enum(awaitedThings), offers: z.array(z.string()) })
      .nullable()
      .meta({ description: 'What the job waits for, and the offers that would bring it.' }),
    nextLookAt: time('When it is looked at next, at the latest.'),
  })
  .meta({
    id: 'Outlook',
    description: 'What the last reconsideration said; null before the first.',
  });

const serviceSchema = z
  .object({
    target: z.int(),
    extra: z.int(),
    ready: z.int().meta({ description: 'Replicas that answer requests now.' }),
    availabilityBps: bps(
      'Share of the time since the first replica was ready in which at least `target` were, in basis points.',
    ),
  })
  .meta({ id: 'Service', description: 'How a service stands; null for work that ends by itself.' });

export const jobViewSchema = z
  .object({
    ...summaryFields,
    deadlineAt: time('When it must be finished.').nullable(),
    late: z.boolean().meta({ description: 'It ended after its deadline.' }),
    decisionId: z.string().nullable(),
    attempts: z.int().meta({ description: 'How many there were.' }),
    costMicroUsd: money('Charged so far, at the prices that were quoted.'),
    baseline: baselineSchema.nullable(),
    outlook: outlookSchema.nullable(),
    service: serviceSchema.nullable(),
    spec: jobSpecSchema,
    feasibility: feasibilitySchema.nullable().meta({
      description:
        'Whether any offer can ever run it, as decided last; null when nothing was decided or nobody could say in time.',
    }),
    withheld: z.array(z.string()).meta({
      description:
        'Pointers into this document to what the key may not see and what is therefore replaced by a stand-in.',
      examples: [['/spec/command']],
    }),
  })
  .meta({ id: 'Job', description: 'A job and what has become of it.' });
/** As sent: the spec in the words in which people write it. */
export type JobView = z.input<typeof jobViewSchema>;

export const jobQuerySchema = z.strictObject({
  ...pageQuery,
  project: z
    .string()
    .max(64)
    .optional()
    .meta({ examples: ['vision'] }),
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(jobStates)))
    .optional()
    .meta({ description: 'One or several, separated by commas.', examples: ['queued,running'] }),
  workload: z
    .enum(workloadClasses)
    .optional()
    .meta({ examples: ['training'] }),
  label: z
    .string()
    .regex(/^[^=]+=.*$/, 'must be name=value')
    .optional()
    .meta({ description: 'name=value', examples: ['team=vision'] }),
});
export type JobQuery = z.output<typeof jobQuerySchema>;

export const submitHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(MAX_KEY_CHARACTERS)
    .regex(/^[\x21-\x7e]+$/, 'must be printable without blanks')
    .optional()
    .meta({
      description: 'Repeating a request with the same key and body returns the same job.',
      examples: ['7f2c1a44-train'],
    }),
});

export const attemptViewSchema = z
  .object({
    id: z.string(),
    number: z.int(),
    role: z.enum(attemptRoles).meta({
      description: 'solo, or what it is beside the other attempts of its round.',
    }),
    slot: z.int().meta({ description: 'Rank of a node, index of a replica; 0 otherwise.' }),
    round: z.int().meta({ description: 'Attempts that were planned together share it.' }),
    decisionId: z.string(),
    offerId: z.string(),
    provider: z.string(),
    region: z.string(),
    market: z.string(),
    phase: z.enum(attemptPhases),
    phaseSince: time('When it entered the phase.'),
    outcome: z.enum(attemptOutcomes).nullable(),
    error: z
      .object({ kind: z.string().nullable(), text: z.string().nullable() })
      .nullable()
      .meta({ description: 'The refusal of the provider.' }),
    pricePerHourMicroUsd: money('The rate that was quoted and is charged.'),
    costMicroUsd: money('Charged so far, without what is paid for already.'),
    commitment: z.string().nullable().meta({ description: 'What pays for the lease already.' }),
    billedFrom: time('When it began to cost.').nullable(),
    billedTo: time('When it ended to cost.').nullable(),
    workloadStartedAt: time('As the supervisor told.').nullable(),
    heardAt: time('The last sign of life.').nullable(),
    exit: z
      .object({ code: z.int(), reason: z.enum(workloadExitReasons), at: time('When.') })
      .nullable(),
    externalId: z.string().nullable().meta({ description: 'What the provider calls the lease.' }),
    createdAt: time('When it was planned.'),
  })
  .meta({ id: 'Attempt', description: 'One try of a job at one placement.' });
export type AttemptView = z.infer<typeof attemptViewSchema>;
export const attemptListSchema = listOf(attemptViewSchema).meta({ id: 'AttemptList' });

export const eventViewSchema = z
  .object({
    sequence: z.int().meta({ description: 'Strictly growing; also the id of the stream.' }),
    at: time('When it happened.'),
    type: z.string().meta({ examples: ['job.placed'] }),
    jobId: z.string(),
    attemptId: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });
export type EventView = z.infer<typeof eventViewSchema>;

const MAX_EVENTS = 1_000;
export const eventQuerySchema = z.strictObject({
  after: numberText(Number.MAX_SAFE_INTEGER, 'Only events after this sequence.', 0).optional(),
  limit: numberText(MAX_EVENTS, 'Entries per page, 1 to 1000.', 100)
    .refine((limit) => limit > 0, 'must be at least 1')
    .optional(),
});
export const eventPageSchema = z
  .object({
    items: z.array(eventViewSchema),
    next: z
      .int()
      .nullable()
      .meta({ description: 'The `after` of the next page; null at the end.' }),
  })
  .meta({ id: 'EventPage' });

export const logQuerySchema = z.strictObject({
  attempt: numberText(1_000_000, 'Number of the attempt; the latest by default.', 1).optional(),
  offset: numberText(Number.MAX_SAFE_INTEGER, 'Bytes to leave out at the start.', 0).optional(),
  follow: yesNo('Keep sending until the job ends.').optional(),
});

export const artifactListSchema = listOf(
  z.object({
    index: z.int(),
    path: z.string(),
    contentType: z.string(),
    sizeBytes: z.int(),
    at: time('When it was delivered.'),
    attemptId: z.string(),
  }),
).meta({ id: 'OutputList' });

export const whySchema = z
  .object({
    jobId: z.string(),
    state: z.enum(jobStates),
    outcome: z.enum(jobOutcomes).nullable(),
    sentences: z.array(z.string()).meta({ description: 'The answer in plain words.' }),
    where: z
      .object({
        attemptId: z.string(),
        number: z.int(),
        phase: z.enum(attemptPhases),
        offerId: z.string(),
        provider: z.string(),
        region: z.string(),
        country: z.string().nullable(),
        since: time('In this phase since.'),
        pricePerHourMicroUsd: money('The rate.'),
      })
      .nullable()
      .meta({ description: 'The lease that it holds now.' }),
    chosen: z
      .object({
        decisionId: z.string(),
        decidedAt: time('When.'),
        policyVersion: z.string(),
        engine: z.string(),
        offerId: z.string(),
        rank: z.int().nullable().meta({ description: '1 is the best; null below the kept head.' }),
        expectedCostMicroUsd: z.int().nullable(),
        terms: costTermsSchema.nullable(),
        effective: effectiveCostSchema.nullable(),
      })
      .nullable()
      .meta({ description: 'Why there: the placement and what it was expected to cost.' }),
    nextBest: z
      .object({
        offerId: z.string(),
        expectedCostMicroUsd: money('There.'),
        differenceMicroUsd: money('More than the one that was chosen.'),
      })
      .nullable(),
    rules: z
      .array(
        z.object({
          ruleId: z.string(),
          offersRefused: z.int(),
          because: z.string().nullable(),
        }),
      )
      .meta({ description: 'Policy rules that refused offers.' }),
    reasons: z
      .array(z.object({ code: z.string(), offersRefused: z.int(), remedy: z.string() }))
      .meta({ description: 'What refused offers, most first.' }),
    cost: z.object({
      soFarMicroUsd: money('Charged so far.'),
      maxMicroUsd: z.int().nullable().meta({ description: 'The most that it may cost.' }),
      baselineMicroUsd: z
        .int()
        .nullable()
        .meta({ description: 'The same work at the baseline; null until it ran.' }),
      savingMicroUsd: z.int().nullable(),
    }),
    baseline: baselineSchema.nullable(),
    feasibility: feasibilitySchema.nullable().meta({
      description: 'Whether any offer can ever run it, while it has no place.',
    }),
    waitingFor: z
      .object({
        awaited: z.array(z.string()).meta({ description: 'Offers that would serve once free.' }),
        until: time('When it is looked at again.').nullable(),
        nearestMisses: z.array(refusedOfferSchema),
      })
      .nullable(),
    attempts: z.array(
      z.object({
        number: z.int(),
        offerId: z.string(),
        outcome: z.enum(attemptOutcomes).nullable(),
        costMicroUsd: money('Charged.'),
        exitCode: z.int().nullable(),
      }),
    ),
  })
  .meta({ id: 'Why', description: 'Where a job is and why, what it cost, and what it waits for.' });
export type WhyView = z.infer<typeof whySchema>;
