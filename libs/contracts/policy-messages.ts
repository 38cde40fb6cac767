import { z } from 'zod';
import {
  policyRefusals,
  policyStates,
  type Feasibility,
  type JobSpec,
  type PolicyDocument,
  type PolicyNews,
  type PolicyWish,
  type WhatIfReport,
} from '#libs/domain';
import { fieldProblemSchema } from './field-problem';

const domainValue = <T extends object>() =>
  z.custom<T>((value) => typeof value === 'object' && value !== null);

/** A version of a policy as services tell it each other. */
export const policyVersionMessage = z.object({
  document: domainValue<PolicyDocument>(),
  version: z.int(),
  createdAtMs: z.int(),
  createdBy: z.string(),
  active: z.boolean(),
  state: z.enum(policyStates),
  proposedBy: z.string().nullable(),
  approvedBy: z.string().nullable(),
  activateAtMs: z.int().nullable(),
  activatedAtMs: z.int().nullable(),
});

const actor = { by: z.string(), comment: z.string().nullable() };
const invalid = z.object({ kind: z.literal('invalid'), problems: z.array(fieldProblemSchema) });
const refused = z.object({
  kind: z.literal('refused'),
  /** The policy that it is about. */
  name: z.string(),
  refusal: z.enum(policyRefusals),
  state: z.enum(policyStates).nullable(),
});

/** A what-if makes thousands of decisions again; the answer comes when it is through or its own time is up. */
const WHAT_IF_LIMIT_MS = 90_000;

/** The questions about the life of policies, and whether a job can run at all. */
export const policyMessages = {
  /** Check the expressions and store the next version as a draft; the newest version again where it says the same. */
  'policy.create': {
    answeredBy: 'policy-engine',
    request: z.object({ document: domainValue<PolicyDocument>(), ...actor }),
    reply: z.discriminatedUnion('kind', [
      z.object({ kind: z.enum(['created', 'known']), version: policyVersionMessage }),
      z.object({ kind: z.literal('refused'), problems: z.array(fieldProblemSchema) }),
    ]),
  },
  'policy.check': {
    answeredBy: 'policy-engine',
    request: z.object({ document: domainValue<PolicyDocument>() }),
    reply: z.object({
      problems: z.array(fieldProblemSchema),
      warnings: z.array(fieldProblemSchema),
    }),
  },
  'policy.list': {
    answeredBy: 'policy-engine',
    request: z.object({}),
    reply: z.object({ versions: z.array(policyVersionMessage) }),
  },
  /** Take a policy a step further in its life; repeating it changes nothing more. */
  'policy.move': {
    answeredBy: 'policy-engine',
    request: z.object({ name: z.string(), wish: domainValue<PolicyWish>(), ...actor }),
    reply: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('moved'),
        version: policyVersionMessage.nullable(),
        changed: z.boolean(),
      }),
      refused,
      invalid,
    ]),
  },
  /** Make the policies in force those of a set of documents, all of it or nothing. */
  'policy.apply': {
    answeredBy: 'policy-engine',
    request: z.object({
      documents: z.array(domainValue<PolicyDocument>()),
      prune: z.boolean(),
      dryRun: z.boolean(),
      atMs: z.int().nullable(),
      ...actor,
    }),
    reply: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('applied'),
        policies: z.array(
          z.object({
            name: z.string(),
            change: z.enum(['none', 'new', 'changed', 'end']),
            version: z.int(),
            state: z.enum(policyStates),
            before: domainValue<PolicyDocument>().nullable(),
            after: domainValue<PolicyDocument>().nullable(),
          }),
        ),
      }),
      refused,
      invalid,
    ]),
  },
  /** Every version of a name and the newest `limit` lines of its history; both empty for an unknown name. */
  'policy.history': {
    answeredBy: 'policy-engine',
    request: z.object({ name: z.string(), limit: z.int() }),
    reply: z.object({
      versions: z.array(policyVersionMessage),
      events: z.array(domainValue<PolicyNews & { readonly sequence: number }>()),
    }),
  },
  'policy.settings': {
    answeredBy: 'policy-engine',
    request: z.object({}),
    reply: z.object({
      settings: z.array(
        z.object({
          project: z.string().nullable(),
          requireApproval: z.boolean(),
          setBy: z.string(),
          setAtMs: z.int(),
        }),
      ),
    }),
  },
  'policy.configure': {
    answeredBy: 'policy-engine',
    request: z.object({
      project: z.string().nullable(),
      requireApproval: z.boolean(),
      by: z.string(),
    }),
    reply: z.object({ kind: z.literal('set') }),
  },
  /** Make the last decisions again under a draft. */
  'policy.what-if': {
    answeredBy: 'policy-engine',
    limitMs: WHAT_IF_LIMIT_MS,
    request: z.object({
      document: domainValue<PolicyDocument>(),
      projects: z.array(z.string()).nullable(),
      fromMs: z.int().nullable(),
      toMs: z.int().nullable(),
      last: z.int(),
    }),
    reply: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('reported'),
        report: domainValue<WhatIfReport>(),
        replaces: z.int().nullable(),
        policyVersion: z.string(),
      }),
      invalid,
      z.object({ kind: z.literal('busy') }),
    ]),
  },
  /** Whether any offer can ever run a job, as if it were submitted at `atMs`. */
  'policy.feasibility': {
    answeredBy: 'policy-engine',
    request: z.object({ spec: domainValue<JobSpec>(), atMs: z.int() }),
    reply: z.object({ feasibility: domainValue<Feasibility>() }),
  },
} as const;
