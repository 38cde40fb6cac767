import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { PLAN_REJECTED_LIMIT, type MessageReply, type MessageRequest } from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { Policies } from '#libs/storage';
import { CodedErrorFilter } from '#libs/runtime/transport';
import type { PolicyProblem } from './compile-policy';
import { PlanJob } from './plan-job';
import { ReplayDecision } from './replay-decision';
import { SavePolicy } from './save-policy';

/** Questions to the policy engine that somebody waits for. */
@Controller()
@UseFilters(CodedErrorFilter)
export class PolicyController {
  constructor(
    private readonly planJob: PlanJob,
    private readonly replayDecision: ReplayDecision,
    private readonly savePolicy: SavePolicy,
    private readonly policies: Policies,
    private readonly clock: Clock,
  ) {}

  @MessagePattern('policy.plan')
  async plan(
    @Payload() { spec, atMs }: MessageRequest<'policy.plan'>,
  ): Promise<MessageReply<'policy.plan'>> {
    const plan = await this.planJob.run(spec, atMs, PLAN_REJECTED_LIMIT);
    return { ...plan, rejected: [...plan.rejected] };
  }

  @MessagePattern('policy.create')
  async create(
    @Payload() { document, by }: MessageRequest<'policy.create'>,
  ): Promise<MessageReply<'policy.create'>> {
    const saved = await this.savePolicy.run(document, by);
    return saved.kind === 'created'
      ? saved
      : { kind: 'refused', problems: saved.problems.map(fieldProblem) };
  }

  @MessagePattern('policy.check')
  async check(
    @Payload() { document }: MessageRequest<'policy.check'>,
  ): Promise<MessageReply<'policy.check'>> {
    return { problems: this.savePolicy.check(document).map(fieldProblem) };
  }

  @MessagePattern('policy.list')
  async list(
    @Payload() _request: MessageRequest<'policy.list'>,
  ): Promise<MessageReply<'policy.list'>> {
    return { versions: [...(await this.policies.list())] };
  }

  @MessagePattern('policy.activate')
  async activate(
    @Payload() { name, version }: MessageRequest<'policy.activate'>,
  ): Promise<MessageReply<'policy.activate'>> {
    const done = await this.policies.activate(name, version, this.clock.nowMs());
    return { kind: done ? 'activated' : 'not-found' };
  }

  @MessagePattern('decision.replay')
  async replay(
    @Payload() { decisionId }: MessageRequest<'decision.replay'>,
  ): Promise<MessageReply<'decision.replay'>> {
    const replay = await this.replayDecision.run(decisionId);
    return replay.kind === 'replayed' ? { ...replay, differs: [...replay.differs] } : replay;
  }
}

/** A policy's mistake in the words of the API: a JSON pointer, and the place within the expression in the message. */
function fieldProblem({ ruleId, field, position, message, remedy }: PolicyProblem) {
  const pointer = ruleId === null ? `/${field}` : `/rules/${ruleId}/${field}`;
  const place = position === null ? '' : ` (line ${position.line}, column ${position.column})`;
  return { pointer, code: 'policy-invalid', message: `${message}${place}`, remedy };
}
