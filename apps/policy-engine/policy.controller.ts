import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { PLAN_REJECTED_LIMIT, type MessageReply, type MessageRequest } from '#libs/contracts';
import { CodedErrorFilter } from '#libs/runtime/transport';
import { PlanJob } from './plan-job';
import { ReplayDecision } from './replay-decision';

/** Questions to the policy engine that somebody waits for. */
@Controller()
@UseFilters(CodedErrorFilter)
export class PolicyController {
  constructor(
    private readonly planJob: PlanJob,
    private readonly replayDecision: ReplayDecision,
  ) {}

  @MessagePattern('policy.plan')
  async plan(
    @Payload() { spec, atMs }: MessageRequest<'policy.plan'>,
  ): Promise<MessageReply<'policy.plan'>> {
    const plan = await this.planJob.run(spec, atMs, PLAN_REJECTED_LIMIT);
    return { ...plan, rejected: [...plan.rejected] };
  }

  @MessagePattern('decision.replay')
  async replay(
    @Payload() { decisionId }: MessageRequest<'decision.replay'>,
  ): Promise<MessageReply<'decision.replay'>> {
    const replay = await this.replayDecision.run(decisionId);
    return replay.kind === 'replayed' ? { ...replay, differs: [...replay.differs] } : replay;
  }
}
