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
  feasibilityOf,
  onCheckpoint,
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
import { policyAnswers } from './policy-stand-in';

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
  const { attempts, budgets, decisions, offers, reports, suspensions } = storage;
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
    'policy.feasibility': async ({ spec, atMs }) => {
      const book = await offers.book();
      const job = { id: asJobId('job-plan'), spec, deadlineAtMs: null, spent: ZERO_USD };
      const input = { job, policy: NO_POLICY, offers: book.offers, health: {}, nowMs: atMs };
      return { feasibility: feasibilityOf(summarise(decide({ ...input, suspensions: [] }))) };
    },
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
    ...policyAnswers(storage, clock),
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
    'price-sheet.put': async ({ sheet, by }) => {
      const uploadedAtMs = clock.nowMs();
      await storage.priceSheets.put({ sheet, uploadedAtMs, uploadedBy: by });
      return { kind: 'stored', uploadedAtMs };
    },
    'price-sheet.remove': async ({ name }) => ({
      removed: await storage.priceSheets.remove(name),
    }),
    'commitment.list': async () => ({ commitments: [...(await storage.commitments.list())] }),
    'commitment.put': async ({ commitment }) => {
      await storage.commitments.put(commitment, clock.nowMs());
      const all = await storage.commitments.list();
      const stored = all.find(({ name }) => name === commitment.name);
      return stored === undefined ? { kind: 'too-many' } : { kind: 'stored', commitment: stored };
    },
    'commitment.end': async ({ name }) => ({
      ended: await storage.commitments.end(name, clock.nowMs()),
    }),
    'cost.calibration': async () => ({ states: { ...(await storage.calibrations.all()) } }),
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
    'workload.checkpoint': async ({ attemptId }) => {
      await report(attemptId, 'noted', (attempt) => onCheckpoint(attempt, clock.nowMs()));
      return { noted: true };
    },
    'workload.exit': async ({ attemptId, ...exit }) => {
      await report(attemptId, 'noted', (attempt) => onExit(attempt, exit, clock.nowMs()));
      return { noted: true };
    },
  };
}
