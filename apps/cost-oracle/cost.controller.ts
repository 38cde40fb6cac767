import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { MessageReply, MessageRequest } from '#libs/contracts';
import { asProviderId } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Budgets, Reports } from '#libs/storage';
import { CodedErrorFilter } from '#libs/runtime/transport';

/** Questions about money that somebody waits for. */
@Controller()
@UseFilters(CodedErrorFilter)
export class CostController {
  constructor(
    private readonly reports: Reports,
    private readonly budgets: Budgets,
    private readonly clock: Clock,
  ) {}

  @MessagePattern('cost.report')
  async report(
    @Payload() request: MessageRequest<'cost.report'>,
  ): Promise<MessageReply<'cost.report'>> {
    const { limit, providerId, ...query } = request;
    const provider = providerId === null ? null : asProviderId(providerId);
    const { rows, more } = await this.reports.costs({ ...query, providerId: provider }, limit);
    return { rows: rows.map((row) => ({ ...row, group: [...row.group] })), more };
  }

  @MessagePattern('budget.list')
  async list(
    @Payload() { period }: MessageRequest<'budget.list'>,
  ): Promise<MessageReply<'budget.list'>> {
    return { budgets: [...(await this.budgets.list(period))] };
  }

  @MessagePattern('budget.put')
  async put(
    @Payload() { limits, period }: MessageRequest<'budget.put'>,
  ): Promise<MessageReply<'budget.put'>> {
    await this.budgets.put(limits, this.clock.nowMs());
    const budget = await this.budgets.of(limits.project, period);
    if (budget === null) throw new Error(`the budget of ${limits.project} was not stored`);
    return { budget };
  }
}
