import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { MessageReply, MessageRequest } from '#libs/contracts';
import { feasibilityOf } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { CodedErrorFilter } from '#libs/runtime/transport';
import { Policies } from '#libs/storage';
import { ApplyPolicies } from './apply-policies';
import { fieldProblem, fieldProblemAmong } from './field-problem';
import { MovePolicy } from './move-policy';
import { PlanJob } from './plan-job';
import { SavePolicy } from './save-policy';
import { WarnAboutPolicy } from './warn-about-policy';
import { WhatIfPolicy } from './what-if-policy';

/** Saving policies, their life, and what they would do; and whether a job can run at all under those in force. */
@Controller()
@UseFilters(CodedErrorFilter)
export class PolicyLifeController {
  constructor(
    private readonly savePolicy: SavePolicy,
    private readonly warnAboutPolicy: WarnAboutPolicy,
    private readonly movePolicy: MovePolicy,
    private readonly applyPolicies: ApplyPolicies,
    private readonly whatIfPolicy: WhatIfPolicy,
    private readonly policies: Policies,
    private readonly clock: Clock,
  ) {}

  @MessagePattern('policy.create')
  async create(
    @Payload() { document, by, comment }: MessageRequest<'policy.create'>,
  ): Promise<MessageReply<'policy.create'>> {
    const saved = await this.savePolicy.run(document, by, comment);
    return saved.kind === 'refused'
      ? { kind: 'refused', problems: saved.problems.map(fieldProblem) }
      : saved;
  }

  @MessagePattern('policy.check')
  async check(
    @Payload() { document }: MessageRequest<'policy.check'>,
  ): Promise<MessageReply<'policy.check'>> {
    const warnings = await this.warnAboutPolicy.run(document);
    return {
      problems: this.savePolicy.check(document).map(fieldProblem),
      warnings: warnings.map(fieldProblem),
    };
  }

  @MessagePattern('policy.list')
  async list(
    @Payload() _request: MessageRequest<'policy.list'>,
  ): Promise<MessageReply<'policy.list'>> {
    return { versions: [...(await this.policies.list())] };
  }

  @MessagePattern('policy.move')
  async move(
    @Payload() { name, wish, by, comment }: MessageRequest<'policy.move'>,
  ): Promise<MessageReply<'policy.move'>> {
    const moved = await this.movePolicy.run(name, wish, { by, comment });
    switch (moved.kind) {
      case 'moved':
        return moved;
      case 'refused':
        return { ...moved, name };
      case 'invalid':
        return { kind: 'invalid', problems: moved.problems.map(fieldProblemAmong) };
    }
  }

  @MessagePattern('policy.apply')
  async apply(
    @Payload() request: MessageRequest<'policy.apply'>,
  ): Promise<MessageReply<'policy.apply'>> {
    const applied = await this.applyPolicies.run(request);
    switch (applied.kind) {
      case 'applied':
        return { kind: 'applied', policies: [...applied.policies] };
      case 'refused':
        return applied;
      case 'invalid':
        return { kind: 'invalid', problems: applied.problems.map(fieldProblemAmong) };
    }
  }

  @MessagePattern('policy.history')
  async history(
    @Payload() { name, limit }: MessageRequest<'policy.history'>,
  ): Promise<MessageReply<'policy.history'>> {
    const versions = await this.policies.ofName(name);
    return { versions: [...versions], events: [...(await this.policies.events(name, limit))] };
  }

  @MessagePattern('policy.settings')
  async settings(
    @Payload() _request: MessageRequest<'policy.settings'>,
  ): Promise<MessageReply<'policy.settings'>> {
    return { settings: [...(await this.policies.settings())] };
  }

  @MessagePattern('policy.configure')
  async configure(
    @Payload() { project, requireApproval, by }: MessageRequest<'policy.configure'>,
  ): Promise<MessageReply<'policy.configure'>> {
    const setAtMs = this.clock.nowMs();
    await this.policies.put({ project, requireApproval, setBy: by, setAtMs });
    return { kind: 'set' };
  }

  @MessagePattern('policy.what-if')
  async whatIf(
    @Payload() { document, last, ...filter }: MessageRequest<'policy.what-if'>,
  ): Promise<MessageReply<'policy.what-if'>> {
    const answer = await this.whatIfPolicy.run({ document, filter, last });
    return answer.kind === 'invalid'
      ? { kind: 'invalid', problems: answer.problems.map(fieldProblemAmong) }
      : answer;
  }
}

/** Whether a job can run at all, for who has just submitted it. */
@Controller()
@UseFilters(CodedErrorFilter)
export class FeasibilityController {
  constructor(private readonly planJob: PlanJob) {}

  @MessagePattern('policy.feasibility')
  async feasibility(
    @Payload() { spec, atMs }: MessageRequest<'policy.feasibility'>,
  ): Promise<MessageReply<'policy.feasibility'>> {
    const { summary } = await this.planJob.run(spec, atMs, 0);
    return { feasibility: feasibilityOf(summary) };
  }
}
