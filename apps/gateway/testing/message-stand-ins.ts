import {
  messages,
  Messages,
  MessageUnanswered,
  type MessagePattern,
  type MessageReply,
  type MessageRequest,
} from '#libs/contracts';
import {
  asJobId,
  asProviderId,
  decide,
  onExit,
  onHeartbeat,
  onStart,
  summarise,
  ZERO_USD,
  type Attempt,
  type AttemptId,
  type CompiledPolicy,
  type ReportStep,
} from '#libs/domain';
import type { ManualClock } from '#libs/testkit';
import type { Storage } from '#libs/storage';

type Answers = {
  readonly [P in MessagePattern]: (request: MessageRequest<P>) => Promise<MessageReply<P>>;
};

const NO_POLICY: CompiledPolicy = { version: 'none@0', rules: [], preferences: {} };

/** The other services as far as the gateway can tell: each answers from the domain and the same stores, in short. */
export class StandInMessages extends Messages {
  /** Patterns that nobody answers any more. */
  readonly silent = new Set<MessagePattern>();
  private readonly answers: Answers;

  constructor(storage: Storage, clock: ManualClock) {
    super();
    this.answers = answersFrom(storage, clock);
  }

  async send<P extends MessagePattern>(
    pattern: P,
    request: MessageRequest<P>,
  ): Promise<MessageReply<P>> {
    if (this.silent.has(pattern)) throw new MessageUnanswered(pattern);
    messages[pattern].request.parse(request);
    const reply = await this.answers[pattern](request);
    messages[pattern].reply.parse(reply);
    return reply;
  }
}

function answersFrom(storage: Storage, clock: ManualClock): Answers {
  const { attempts, budgets, decisions, offers, policies, reports, suspensions } = storage;
  const report = async <A>(
    id: AttemptId,
    whenUnknown: A,
    think: (attempt: Attempt) => ReportStep<A>,
  ): Promise<A> => {
    let answer = whenUnknown;
    const change = (attempt: Attempt) => {
      const step = think(attempt);
      answer = step.answer;
      return step.report === null ? null : { report: step.report, abandonAs: null, events: [] };
    };
    await attempts.report(id, change, clock.nowMs());
    return answer;
  };
  return {
    'policy.plan': async ({ spec, atMs }) => {
      const book = await offers.book();
      const job = { id: asJobId('job-plan'), spec, deadlineAtMs: null, spent: ZERO_USD };
      const inForce = await suspensions.inForce(atMs);
      const input = { job, policy: NO_POLICY, offers: book.offers, health: {}, nowMs: atMs };
      const summary = summarise(decide({ ...input, suspensions: inForce }));
      return {
        policyVersion: NO_POLICY.version,
        bookVersion: book.version,
        summary,
        rejected: [...summary.nearestMisses],
      };
    },
    'policy.create': async ({ document, by }) => ({
      kind: 'created',
      version: await policies.create(document, by, clock.nowMs()),
    }),
    'policy.check': async () => ({ problems: [] }),
    'policy.list': async () => ({ versions: [...(await policies.list())] }),
    'policy.activate': async ({ name, version }) => ({
      kind: (await policies.activate(name, version, clock.nowMs())) ? 'activated' : 'not-found',
    }),
    'decision.replay': async ({ decisionId }) =>
      (await decisions.get(decisionId)) === null
        ? { kind: 'not-found' }
        : { kind: 'replayed', differs: [] },
    'cost.report': async ({ limit, providerId, ...query }) => {
      const provider = providerId === null ? null : asProviderId(providerId);
      const { rows, more } = await reports.costs({ ...query, providerId: provider }, limit);
      return { rows: rows.map((row) => ({ ...row, group: [...row.group] })), more };
    },
    'budget.list': async ({ period }) => ({ budgets: [...(await budgets.list(period))] }),
    'budget.put': async ({ limits, period }) => {
      await budgets.put(limits, clock.nowMs());
      const budget = await budgets.of(limits.project, period);
      if (budget === null) throw new Error('the budget was not stored');
      return { budget };
    },
    'providers.status': async () => ({ providers: [] }),
    'workload.start': async ({ attemptId, bootId }) => ({
      verdict: await report(attemptId, 'over', (attempt) =>
        onStart(attempt, bootId, clock.nowMs()),
      ),
    }),
    'workload.heartbeat': async ({ attemptId, bootId }) => ({
      directive: await report(attemptId, 'stop', (attempt) =>
        onHeartbeat(attempt, bootId, clock.nowMs()),
      ),
    }),
    'workload.exit': async ({ attemptId, ...exit }) => {
      await report(attemptId, 'noted', (attempt) => onExit(attempt, exit, clock.nowMs()));
      return { noted: true };
    },
  };
}
