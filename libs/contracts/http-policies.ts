import { z } from 'zod';
import { policyMoves, policyStates, whatIfKinds, whatIfSkips } from '#libs/domain';
import { fieldProblemSchema } from './field-problem';
import { listOf, money, numberText, time } from './http-shapes';
import { policyDocumentSchema } from './policy';

/** How many decisions a what-if looks at unless told, and at most. */
export const WHAT_IF_DEFAULT = 200;
export const WHAT_IF_MAX = 2_000;
/** How many documents may be applied together. */
export const MAX_APPLIED_POLICIES = 200;
const MAX_COMMENT_CHARACTERS = 2_000;
const MAX_HISTORY = 1_000;

const commentField = z
  .string()
  .min(1)
  .max(MAX_COMMENT_CHARACTERS)
  .nullable()
  .prefault(null)
  .meta({ description: 'Why; kept in the history.', examples: ['ticket 4711'] });
const versionField = z.int().min(1).meta({ description: 'A version of the policy.' });
const atField = z.iso
  .datetime({ offset: true })
  .nullable()
  .prefault(null)
  .meta({
    description: 'When it takes effect; null is as soon as it may.',
    examples: ['2026-12-01T00:00:00Z'],
  });

export const policyVersionSchema = z
  .object({
    name: z.string(),
    version: z.int(),
    state: z.enum(policyStates).meta({ description: 'See the diagram of the states of a policy.' }),
    active: z.boolean().meta({ description: 'It is in force.' }),
    createdAt: time('When it was saved.'),
    createdBy: z.string(),
    proposedBy: z
      .string()
      .nullable()
      .meta({ description: 'Who put it up for approval, or asked for its end.' }),
    approvedBy: z.string().nullable().meta({ description: 'Who agreed that it comes in force.' }),
    activateAt: time(
      'When it takes effect: once it is scheduled, or approved where that is needed.',
    ).nullable(),
    activatedAt: time('When it last came in force.').nullable(),
    document: policyDocumentSchema,
  })
  .meta({ id: 'PolicyVersion' });
export type PolicyVersionView = z.input<typeof policyVersionSchema>;
export const policyListSchema = listOf(policyVersionSchema).meta({ id: 'PolicyList' });

export const newPolicyQuerySchema = z.strictObject({
  comment: z
    .string()
    .min(1)
    .max(MAX_COMMENT_CHARACTERS)
    .optional()
    .meta({ description: 'Why; kept in the history.', examples: ['ticket 4711'] }),
});

export const activationSchema = z
  .strictObject({
    version: versionField
      .nullable()
      .meta({ description: 'The version to put in force; null takes the policy out of force.' }),
    at: atField,
    comment: commentField,
  })
  .meta({ id: 'PolicyActivation', examples: [{ version: 2 }] });

export const submissionSchema = z
  .strictObject({
    version: versionField,
    at: atField.meta({
      description: 'When it takes effect once it is approved; null is when somebody activates it.',
    }),
    comment: commentField,
  })
  .meta({ id: 'PolicySubmission', examples: [{ version: 2, comment: 'ticket 4711' }] });

export const verdictSchema = z
  .strictObject({ version: versionField, comment: commentField })
  .meta({ id: 'PolicyVerdict', examples: [{ version: 2, comment: 'agreed with legal' }] });

export const rollbackSchema = z
  .strictObject({
    to: versionField
      .nullable()
      .prefault(null)
      .meta({ description: 'A version that was in force before; null is the one before this.' }),
    comment: commentField,
  })
  .meta({ id: 'PolicyRollback', examples: [{ to: 1, comment: 'jobs were refused' }] });

export const policyMovedSchema = z
  .object({
    changed: z.boolean().meta({ description: 'False when everything was so before.' }),
    version: policyVersionSchema.nullable(),
  })
  .meta({ id: 'PolicyMoved' });
export type PolicyMovedView = z.input<typeof policyMovedSchema>;

const policyEventSchema = z.object({
  sequence: z.int(),
  at: time('When.'),
  version: z.int(),
  type: z.enum(['create', ...policyMoves]),
  from: z.enum(policyStates).nullable(),
  to: z.enum(policyStates),
  by: z.string().meta({ description: 'Who; `fairlead` where the product did it by itself.' }),
  comment: z.string().nullable(),
});

export const historyQuerySchema = z.strictObject({
  limit: numberText(MAX_HISTORY, 'Events at most, 1 to 1000.', 100)
    .refine((limit) => limit > 0, 'must be at least 1')
    .optional(),
});
export const policyHistorySchema = z
  .object({
    name: z.string(),
    versions: z.array(policyVersionSchema).meta({ description: 'Newest first.' }),
    events: z.array(policyEventSchema).meta({ description: 'What has happened, newest first.' }),
  })
  .meta({ id: 'PolicyHistory' });
export type PolicyHistoryView = z.input<typeof policyHistorySchema>;

const documentChangeSchema = z.object({
  pointer: z.string().meta({
    description: 'JSON pointer; entries of lists that have an id are named by it.',
    examples: ['/rules/certified/require'],
  }),
  kind: z.enum(['added', 'removed', 'changed']),
  before: z.unknown(),
  after: z.unknown(),
});

export const diffQuerySchema = z.strictObject({
  from: numberText(
    Number.MAX_SAFE_INTEGER,
    'A version; the one in force by default.',
    1,
  ).optional(),
  to: numberText(Number.MAX_SAFE_INTEGER, 'A version; the newest by default.', 2).optional(),
});
export const policyDiffSchema = z
  .object({
    name: z.string(),
    from: z.int().nullable().meta({ description: 'Null when none is in force.' }),
    to: z.int(),
    changes: z.array(documentChangeSchema),
    more: z.boolean().meta({ description: 'There are more changes than are listed.' }),
  })
  .meta({ id: 'PolicyDiff' });
export type PolicyDiffView = z.input<typeof policyDiffSchema>;

export const applicationSchema = z
  .strictObject({
    documents: z
      .array(z.unknown())
      .max(MAX_APPLIED_POLICIES)
      .meta({ description: 'Policies as people write them, at most 200, each name once.' }),
    prune: z
      .boolean()
      .prefault(false)
      .meta({ description: 'Whether others end that are in force; shipped ones never do.' }),
    dryRun: z
      .boolean()
      .prefault(false)
      .meta({ description: 'Say what would be done, and do nothing.' }),
    at: atField,
    comment: commentField,
  })
  .meta({ id: 'PolicyApplication' });

export const appliedSchema = z
  .object({
    dryRun: z.boolean(),
    policies: z.array(
      z.object({
        name: z.string(),
        change: z.enum(['none', 'new', 'changed', 'end']),
        version: z.int(),
        state: z.enum(policyStates).meta({ description: 'Where the version stands afterwards.' }),
        changes: z.array(documentChangeSchema),
        more: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'PoliciesApplied' });
export type AppliedView = z.input<typeof appliedSchema>;

export const policySettingsSchema = z
  .object({
    requireApproval: z
      .boolean()
      .meta({ description: 'Every change of a policy needs a second person.' }),
    projects: z
      .array(z.object({ project: z.string(), setBy: z.string(), setAt: time('When.') }))
      .meta({ description: 'Projects that ask for it by themselves.' }),
  })
  .meta({ id: 'PolicySettings' });
export type PolicySettingsView = z.input<typeof policySettingsSchema>;

export const newPolicySettingSchema = z
  .strictObject({
    project: z
      .string()
      .min(1)
      .max(63)
      .nullable()
      .prefault(null)
      .meta({ description: 'Null is the whole installation.', examples: ['clinic'] }),
    requireApproval: z.boolean(),
  })
  .meta({ id: 'NewPolicySetting', examples: [{ requireApproval: true }] });

export const whatIfQuerySchema = z
  .strictObject({
    last: numberText(
      WHAT_IF_MAX,
      `Decisions at most, the newest; 1 to ${WHAT_IF_MAX}.`,
      WHAT_IF_DEFAULT,
    )
      .refine((last) => last > 0, 'must be at least 1')
      .optional(),
    project: z
      .string()
      .max(63)
      .optional()
      .meta({ description: 'Only decisions for its jobs.', examples: ['vision'] }),
    from: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({
        description: 'Only decisions made then or later.',
        examples: ['2026-11-01T00:00:00Z'],
      }),
    to: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'Only decisions made before.', examples: ['2026-11-21T00:00:00Z'] }),
  })
  .meta({ id: 'WhatIfQuery' });

const totals = {
  decisions: z.int(),
  same: z.int().meta({ description: 'At the same offer.' }),
  moved: z.int(),
  infeasible: z.int().meta({ description: 'Served by no offer any more.' }),
  feasible: z.int().meta({ description: 'Served by an offer now, and by none before.' }),
  unplaced: z.int().meta({ description: 'Served by none either way.' }),
  expectedBeforeMicroUsd: money('Expected cost of what has a place both ways, as it is.'),
  expectedAfterMicroUsd: money('The same under the draft, at the exchange rates of the draft.'),
  differenceMicroUsd: money('How much more is expected under the draft.'),
  billBeforeMicroUsd: money('What of it is charged if nothing goes wrong.'),
  billAfterMicroUsd: money('The same under the draft.'),
};
const whatIfPlacement = z.object({
  offerId: z.string(),
  expectedCostMicroUsd: money('Expected cost.'),
  latenessBps: z.int().meta({ description: 'Chance of missing the deadline, basis points.' }),
});
const whatIfCause = {
  what: z.string().meta({
    description: 'A rule, the code of a reason, or `preferences`.',
    examples: ['acme/eu'],
  }),
  does: z.enum(['refuses', 'opens', 'reprices']),
};

export const whatIfSchema = z
  .object({
    name: z.string(),
    replaces: z
      .int()
      .nullable()
      .meta({ description: 'The version in force that the draft stood in for.' }),
    policyVersion: z.string().meta({ description: 'What it was compared with.' }),
    considered: z.int(),
    jobs: z.int(),
    jobsChanged: z.int(),
    total: z.object(totals),
    projects: z.array(z.object({ project: z.string(), ...totals })),
    risk: z
      .object({
        decisions: z.int().meta({ description: 'For jobs with a deadline and a place both ways.' }),
        latenessBpsBefore: z.int().meta({ description: 'Mean chance of being late, as it is.' }),
        latenessBpsAfter: z.int(),
        overTolerance: z
          .int()
          .meta({ description: 'Places that are refused now as too likely to be late.' }),
        deadlinesUnserved: z
          .int()
          .meta({ description: 'For jobs with a deadline, served by no offer any more.' }),
      })
      .meta({ description: 'What becomes of deadlines.' }),
    causes: z.array(z.object({ ...whatIfCause, decisions: z.int() })),
    changes: z
      .array(
        z.object({
          decisionId: z.string(),
          jobId: z.string(),
          project: z.string(),
          at: time('When it was made.'),
          kind: z.enum(whatIfKinds),
          from: whatIfPlacement.nullable(),
          to: whatIfPlacement.nullable(),
          causes: z.array(z.object(whatIfCause)),
        }),
      )
      .meta({ description: 'What comes out differently, at most 200, newly infeasible first.' }),
    moreChanges: z.boolean(),
    skipped: z
      .partialRecord(z.enum(whatIfSkips), z.int())
      .meta({ description: 'Decisions that could not be made again, by why.' }),
  })
  .meta({ id: 'WhatIf', description: 'The last decisions made again under a draft.' });
export type WhatIfView = z.input<typeof whatIfSchema>;

export const policyProblemsSchema = z.object({
  problems: z.array(fieldProblemSchema).meta({ description: 'Each keeps it from being saved.' }),
  warnings: z.array(fieldProblemSchema).meta({
    description: 'What deserves a look beside the policies, offers and jobs that there are.',
  }),
});
