import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { MessageReply, MessageRequest } from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { CodedErrorFilter } from '#libs/runtime/transport';
import { Calibrations, Commitments } from '#libs/storage';

/** Questions about what is paid for already, and about how good predictions have been. */
@Controller()
@UseFilters(CodedErrorFilter)
export class CommitmentController {
  constructor(
    private readonly commitments: Commitments,
    private readonly calibrations: Calibrations,
    private readonly clock: Clock,
  ) {}

  @MessagePattern('commitment.list')
  async list(
    @Payload() _request: MessageRequest<'commitment.list'>,
  ): Promise<MessageReply<'commitment.list'>> {
    return { commitments: [...(await this.commitments.list())] };
  }

  @MessagePattern('commitment.put')
  async put(
    @Payload() { commitment }: MessageRequest<'commitment.put'>,
  ): Promise<MessageReply<'commitment.put'>> {
    if (!(await this.commitments.put(commitment, this.clock.nowMs()))) return { kind: 'too-many' };
    const all = await this.commitments.list();
    const stored = all.find(({ name }) => name === commitment.name);
    if (stored === undefined) throw new Error(`commitment ${commitment.name} was not stored`);
    return { kind: 'stored', commitment: stored };
  }

  @MessagePattern('commitment.end')
  async end(
    @Payload() { name }: MessageRequest<'commitment.end'>,
  ): Promise<MessageReply<'commitment.end'>> {
    return { ended: await this.commitments.end(name, this.clock.nowMs()) };
  }

  @MessagePattern('cost.calibration')
  async calibration(
    @Payload() _request: MessageRequest<'cost.calibration'>,
  ): Promise<MessageReply<'cost.calibration'>> {
    return { states: { ...(await this.calibrations.all()) } };
  }
}
