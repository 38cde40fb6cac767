import { Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Messages, type DecisionView, type ReplayView } from '#libs/contracts';
import { principalOf } from './auth';
import { FindJob } from './find-job';
import { Refusal } from './refusal';
import { decisionView } from './views/decision-view';

/** Decisions as they were made, and made again. */
@Controller('v1/decisions/:decisionId')
export class DecisionsController {
  constructor(
    private readonly find: FindJob,
    private readonly messages: Messages,
  ) {}

  @Get()
  async show(
    @Param('decisionId') decisionId: string,
    @Req() request: FastifyRequest,
  ): Promise<DecisionView> {
    return decisionView(await this.find.decision(decisionId, principalOf(request)));
  }

  @Post('replay')
  @HttpCode(200)
  async replay(
    @Param('decisionId') decisionId: string,
    @Req() request: FastifyRequest,
  ): Promise<ReplayView> {
    const { id } = await this.find.decision(decisionId, principalOf(request));
    const reply = await this.messages.send('decision.replay', { decisionId: id });
    if (reply.kind === 'not-found') throw new Refusal('not-found');
    if (reply.kind === 'inputs-gone') throw new Refusal('inputs-gone', { detail: reply.what });
    return { decisionId: id, same: reply.differs.length === 0, differs: reply.differs };
  }
}
