import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  calibrationQuerySchema,
  commitmentBodySchema,
  Messages,
  type CalibrationView,
  type CommitmentBody,
  type CommitmentView,
} from '#libs/contracts';
import { asProviderId, type Commitment, type CommittedQuantity } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { principalOf } from './auth';
import { parse } from './parse';
import { Refusal } from './refusal';
import { calibrationView, commitmentView } from './views/cost-view';

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const MS_PER_HOUR = 3_600_000;

/** What is paid for already, and predicted beside realised cost. The cost oracle keeps both. */
@Controller('v1')
export class CommitmentsController {
  constructor(
    private readonly messages: Messages,
    private readonly clock: Clock,
  ) {}

  @Get('commitments')
  async list(): Promise<{ items: readonly CommitmentView[] }> {
    const { commitments } = await this.messages.send('commitment.list', {});
    const nowMs = this.clock.nowMs();
    return { items: commitments.map((state) => commitmentView(state, nowMs)) };
  }

  @Put('commitments/:name')
  async put(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<CommitmentView> {
    if (!NAME.test(name)) throw new Refusal('not-found', { detail: 'not a name' });
    const nowMs = this.clock.nowMs();
    const commitment = commitmentOf(name, parse(commitmentBodySchema, body), nowMs);
    const reply = await this.messages.send('commitment.put', {
      commitment,
      by: principalOf(request).name,
    });
    if (reply.kind === 'too-many')
      throw new Refusal('invalid-request', { detail: 'there are too many commitments already' });
    return commitmentView(reply.commitment, nowMs);
  }

  @Delete('commitments/:name')
  @HttpCode(204)
  async end(@Param('name') name: string, @Req() request: FastifyRequest): Promise<void> {
    const { ended } = await this.messages.send('commitment.end', {
      name,
      by: principalOf(request).name,
    });
    if (!ended) throw new Refusal('not-found', { detail: 'there is no such commitment' });
  }

  @Get('reports/calibration')
  async calibration(@Query() query: unknown): Promise<{ items: readonly CalibrationView[] }> {
    const { provider } = parse(calibrationQuerySchema, query);
    const { states } = await this.messages.send('cost.calibration', {});
    const nowMs = this.clock.nowMs();
    const items = Object.entries(states)
      .map(([key, state]) => calibrationView(key, state, nowMs))
      .filter((view) => provider === undefined || view.provider === provider);
    return { items };
  }
}

function commitmentOf(name: string, body: CommitmentBody, nowMs: number): Commitment {
  const { provider, region, instanceType, gpu, from, until } = body;
  const fromMs = from ?? nowMs;
  if (until <= fromMs)
    throw new Refusal('invalid-request', { detail: 'until must come after from' });
  return {
    name,
    providerId: asProviderId(provider),
    region: region ?? null,
    instanceType: instanceType ?? null,
    gpuModel: gpu ?? null,
    quantity: quantityOf(body),
    fromMs,
    untilMs: until,
  };
}

function quantityOf({ machines, hours, amount }: CommitmentBody): CommittedQuantity {
  if (machines !== undefined) return { kind: 'capacity', machines };
  if (amount !== undefined) return { kind: 'amount', listCost: amount };
  return { kind: 'hours', leaseMs: Math.round((hours ?? 0) * MS_PER_HOUR) };
}
