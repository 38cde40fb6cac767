import { Body, Controller, Get, HttpCode, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  MAX_SUSPENSIONS_LISTED,
  suspensionQuerySchema,
  suspensionRequestSchema,
  type SuspensionChange,
  type SuspensionView,
} from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { Suspensions, type StoredSuspension } from '#libs/storage';
import { principalOf } from './auth';
import { ChangeSuspensions } from './change-suspensions';
import { parse } from './parse';
import { timeOf, timeOrNull } from './views/times';

/** What is kept out of placement. Works while the health monitor is down, which is when it may be needed. */
@Controller('v1/suspensions')
export class SuspensionsController {
  constructor(
    private readonly suspensions: Suspensions,
    private readonly change: ChangeSuspensions,
    private readonly clock: Clock,
  ) {}

  @Get()
  async list(@Query() query: unknown): Promise<{ items: readonly SuspensionView[] }> {
    const { ended = false, limit = MAX_SUSPENSIONS_LISTED } = parse(suspensionQuerySchema, query);
    const nowMs = this.clock.nowMs();
    const all = await this.suspensions.list(ended ? 0 : nowMs, limit);
    const shown = ended ? all : all.filter(({ liftedAtMs }) => (liftedAtMs ?? Infinity) > nowMs);
    return { items: shown.map(suspensionView) };
  }

  @Post()
  @HttpCode(200)
  async write(@Body() body: unknown, @Req() request: FastifyRequest): Promise<SuspensionChange> {
    return this.change.run(parse(suspensionRequestSchema, body), principalOf(request).id);
  }
}

function suspensionView(suspension: StoredSuspension): SuspensionView {
  return {
    id: suspension.id,
    scope: suspension.scope,
    key: suspension.key,
    job: suspension.jobId,
    reason: suspension.reason,
    from: timeOf(suspension.fromMs),
    until: timeOf(suspension.untilMs),
    by: suspension.by,
    resumedAt: timeOrNull(suspension.liftedAtMs),
  };
}
