import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { MessageReply, MessageRequest } from '#libs/contracts';
import { CodedErrorFilter } from '#libs/runtime/transport';
import { ReportWorkload } from './report-workload';

/** What supervisors say, passed on by the gateway. */
@Controller()
@UseFilters(CodedErrorFilter)
export class WorkloadController {
  constructor(private readonly report: ReportWorkload) {}

  @MessagePattern('workload.start')
  async start(
    @Payload() { attemptId, bootId }: MessageRequest<'workload.start'>,
  ): Promise<MessageReply<'workload.start'>> {
    return { verdict: await this.report.start(attemptId, bootId) };
  }

  @MessagePattern('workload.heartbeat')
  async heartbeat(
    @Payload() { attemptId, bootId }: MessageRequest<'workload.heartbeat'>,
  ): Promise<MessageReply<'workload.heartbeat'>> {
    return { directive: await this.report.heartbeat(attemptId, bootId) };
  }

  @MessagePattern('workload.checkpoint')
  async checkpoint(
    @Payload() { attemptId }: MessageRequest<'workload.checkpoint'>,
  ): Promise<MessageReply<'workload.checkpoint'>> {
    await this.report.checkpoint(attemptId);
    return { noted: true };
  }

  @MessagePattern('workload.exit')
  async exit(
    @Payload() { attemptId, ...exit }: MessageRequest<'workload.exit'>,
  ): Promise<MessageReply<'workload.exit'>> {
    await this.report.exit(attemptId, exit);
    return { noted: true };
  }
}
