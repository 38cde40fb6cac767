import { z } from 'zod';
import type { PolicyDocument, Preferences } from '#libs/domain';
import { workloadClasses } from '#libs/domain';
import { fieldProblems, type FieldProblem } from './field-problem';
import { moneyField, word as wordOf, written } from './job-spec-fields';

const MAX_RULES = 200;
const MAX_EXPRESSION_CHARACTERS = 4_000;
const MAX_BPS = 1_000_000;

const nameField = (description: string) =>
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
const bps = (description: string) => z.int().min(0).max(MAX_BPS).meta({ description });

const ruleSchema = z.strictObject({
  id: nameField('Unique within the policy.'),
  when: expression(
    'CEL over job: which jobs it is about; all of them by default.',
    "job.dataClass == 'health'",
  ).optional(),
  require: expression(
    'CEL over job, offer and provider: must hold for an offer to be used.',
    "provider.kind == 'hyperscaler'",
  ).optional(),
  forbid: expression(
    'CEL over job, offer and provider: must not hold.',
    'offer.consumerHardware',
  ).optional(),
  because: z
    .string()
    .min(1)
    .max(500)
    .meta({
      description: 'Shown to those whose offers it refuses.',
      examples: ['health data needs a certified provider'],
    }),
});

const preferencesSchema = z.strictObject({
  waitingCostPerHour: moneyField('What an hour of waiting is worth.').optional(),
  latenessCost: moneyField('What being late costs, on top of the waiting.').optional(),
  latenessToleranceBps: bps('Chance of being late that is accepted, in basis points.').optional(),
  tokenRiskBps: bps('Margin on prices settled in a token, in basis points.').optional(),
  verificationBps: bps('Cost of checking work on unproved hardware, in basis points.').optional(),
});

/** A routing policy as people write it. Only its shape: the policy engine checks the expressions. */
export const policyDocumentSchema = z
  .strictObject({
    kind: z.literal('RoutingPolicy').prefault('RoutingPolicy'),
    name: nameField('What the policy is called; versions are counted by name.'),
    description: z.string().max(2_000).prefault(''),
    rules: z.array(ruleSchema).max(MAX_RULES).prefault([]),
    preferences: z
      .partialRecord(z.enum(workloadClasses), preferencesSchema)
      .meta({ description: 'Exchange rates by workload class.' })
      .prefault({}),
  })
  .meta({
    id: 'RoutingPolicy',
    description: 'Rules about where jobs may run.',
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

export type ParsedPolicy =
  | { readonly ok: true; readonly document: PolicyDocument }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** Reads a policy as people write it. Never throws; all problems at once. */
export function parsePolicyDocument(input: unknown): ParsedPolicy {
  const result = policyDocumentSchema.safeParse(input, { reportInput: true });
  if (!result.success)
    return { ok: false, problems: fieldProblems(policyDocumentSchema, result.error) };
  const problems = result.data.rules.flatMap((rule, index) =>
    ruleProblems(rule, index, result.data),
  );
  if (problems.length > 0) return { ok: false, problems };
  const preferences = Object.entries(result.data.preferences).map(([workload, wishes]) => [
    workload,
    given(wishes),
  ]);
  return { ok: true, document: { ...result.data, preferences: Object.fromEntries(preferences) } };
}

type Written = z.output<typeof policyDocumentSchema>;

function ruleProblems(
  { id, require, forbid }: Written['rules'][number],
  index: number,
  { rules }: Written,
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  if ((require === undefined) === (forbid === undefined))
    problems.push({
      pointer: `/rules/${index}`,
      code: 'contradiction',
      message: 'a rule has exactly one of require and forbid',
      remedy: 'split it into two rules, or add the one that is missing',
    });
  if (rules.findIndex((rule) => rule.id === id) !== index)
    problems.push({
      pointer: `/rules/${index}/id`,
      code: 'repeated',
      message: `there is another rule ${id}`,
      remedy: 'give each rule its own id',
    });
  return problems;
}

/** Without the wishes that were not given. */
function given(wishes: { readonly [K in keyof Preferences]?: Preferences[K] | undefined }) {
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
}
