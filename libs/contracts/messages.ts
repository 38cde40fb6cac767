import { z } from 'zod';
import {
  workloadExitReasons,
  type AttemptId,
  type DecisionId,
  type DecisionSummary,
  type JobSpec,
  type MicroUsd,
  type NearestMiss,
} from '#libs/domain';
import { costDimensions } from './http-money';
import { providerViewSchema } from './http-health';
import { policyMessages } from './policy-messages';
import { costMessages } from './cost-messages';
import { priceMessages } from './price-messages';

/** A value of the domain, or a branded one: read where it came in, trusted between services of one version. */
const domainValue = <T extends object>() =>
  z.custom<T>((value) => typeof value === 'object' && value !== null);
const id = <T extends string>() =>
  z.custom<T>((value) => typeof value === 'string' && value !== '');
const micros = () => z.custom<MicroUsd>((value) => Number.isSafeInteger(value));

/** How many refused offers a plan shows at most. */
export const PLAN_REJECTED_LIMIT = 200;

const budgetState = z.object({
  project: z.string(),
  period: z.string(),
  softLimit: micros().nullable(),
  hardLimit: micros().nullable(),
  committed: micros(),
  spent: micros(),
});
const budgetLimits = z.object({
  project: z.string(),
  softLimit: micros().nullable(),
  hardLimit: micros().nullable(),
});
const beat = z.object({ attemptId: id<AttemptId>(), bootId: z.string() });

export type MessageService = 'policy-engine' | 'cost-oracle' | 'health-monitor' | 'dispatcher';

/** Every question that one service asks another and waits for: who answers, what is sent, what comes back. */
export const messages = {
  /** Decide without storing anything, as if the job were submitted at `atMs`. */
  'policy.plan': {
    answeredBy: 'policy-engine',
    request: z.object({ spec: domainValue<JobSpec>(), atMs: z.int() }),
    reply: z.object({
      policyVersion: z.string(),
      bookVersion: z.int(),
      summary: domainValue<DecisionSummary>(),
      /** Refused offers, nearest misses first, at most `PLAN_REJECTED_LIMIT`. */
      rejected: z.array(domainValue<NearestMiss>()),
    }),
  },
  ...policyMessages,
  /** Make a stored decision again from what it was made from. */
  'decision.replay': {
    answeredBy: 'policy-engine',
    request: z.object({ decisionId: id<DecisionId>() }),
    reply: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('replayed'),
        differs: z.array(z.enum(['engine', 'job', 'policy', 'offers', 'decision'])),
      }),
      z.object({ kind: z.literal('not-found') }),
      z.object({ kind: z.literal('inputs-gone'), what: z.string() }),
    ]),
  },
  'cost.report': {
    answeredBy: 'cost-oracle',
    request: z.object({
      fromMs: z.int(),
      toMs: z.int(),
      projects: z.array(z.string()).nullable(),
      providerId: z.string().nullable(),
      groupBy: z.array(z.enum(costDimensions)),
      limit: z.int(),
    }),
    reply: z.object({
      rows: z.array(
        z.object({
          group: z.array(z.string().nullable()),
          billed: micros(),
          listCost: micros(),
          baseline: micros().nullable(),
          comparable: micros(),
          leaseMs: z.int(),
          jobs: z.int(),
        }),
      ),
      more: z.boolean(),
    }),
  },
  'budget.list': {
    answeredBy: 'cost-oracle',
    request: z.object({ period: z.string() }),
    reply: z.object({ budgets: z.array(budgetState) }),
  },
  /** Set the limits; the answer is the state in `period`. */
  'budget.put': {
    answeredBy: 'cost-oracle',
    request: z.object({ limits: budgetLimits, period: z.string(), by: z.string() }),
    reply: z.object({ budget: budgetState }),
  },
  ...priceMessages,
  ...costMessages,
  'providers.status': {
    answeredBy: 'health-monitor',
    request: z.object({}),
    reply: z.object({ providers: z.array(providerViewSchema) }),
  },
  /** The words of the supervisor; the gateway has checked the attempt's token. */
  'workload.start': {
    answeredBy: 'dispatcher',
    request: beat,
    reply: z.object({ verdict: z.enum(['run', 'resume', 'over', 'busy']) }),
  },
  'workload.heartbeat': {
    answeredBy: 'dispatcher',
    request: beat,
    reply: z.object({ directive: z.enum(['go', 'checkpoint', 'stop']) }),
  },
  /** A checkpoint of the attempt has been stored: how far the work has come is told by nothing else. */
  'workload.checkpoint': {
    answeredBy: 'dispatcher',
    request: z.object({ attemptId: id<AttemptId>() }),
    reply: z.object({ noted: z.boolean() }),
  },
  'workload.exit': {
    answeredBy: 'dispatcher',
    request: beat.extend({ code: z.int(), reason: z.enum(workloadExitReasons) }),
    reply: z.object({ noted: z.boolean() }),
  },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly answeredBy: MessageService;
      readonly request: z.ZodType;
      readonly reply: z.ZodType;
      /** How long an answer may take, where that is longer than for all others. */
      readonly limitMs?: number;
    }
  >
>;

export type MessagePattern = keyof typeof messages;

/** How long an answer to a pattern may take; null is as long as to any other. */
export function answerLimitMs(pattern: MessagePattern): number | null {
  const contract = messages[pattern];
  return 'limitMs' in contract ? contract.limitMs : null;
}

export type MessageRequest<P extends MessagePattern> = z.output<(typeof messages)[P]['request']>;
export type MessageReply<P extends MessagePattern> = z.output<(typeof messages)[P]['reply']>;

/** The service that answers did not, in time or at all. Whether it acted is not known. */
export class MessageUnanswered extends Error {
  constructor(
    readonly pattern: MessagePattern,
    options?: ErrorOptions,
  ) {
    super(`nobody answered ${pattern}`, options);
    this.name = 'MessageUnanswered';
  }
}

/** Asks another service and waits for its answer, within a bound. Throws `MessageUnanswered` when there is none. */
export abstract class Messages {
  abstract send<P extends MessagePattern>(
    pattern: P,
    request: MessageRequest<P>,
  ): Promise<MessageReply<P>>;
}
