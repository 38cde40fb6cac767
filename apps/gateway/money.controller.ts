import { Body, Controller, Get, Header, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  budgetLimitsSchema,
  budgetQuerySchema,
  costQuerySchema,
  Messages,
  type BudgetView,
  type CostReportView,
} from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { periodAt, type BudgetState } from '#libs/storage';
import { principalOf } from './auth';
import { parse } from './parse';
import { requireProject, seesProject } from './principal';
import { Refusal } from './refusal';
import { costCsv, ReportCosts } from './report-costs';

const PROJECT = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** What was charged, and what may be. The cost oracle keeps the books. */
@Controller('v1')
export class MoneyController {
  constructor(
    private readonly reportCosts: ReportCosts,
    private readonly messages: Messages,
    private readonly clock: Clock,
  ) {}

  @Get('reports/costs')
  costs(@Query() query: unknown, @Req() request: FastifyRequest): Promise<CostReportView> {
    return this.reportCosts.run(parse(costQuerySchema, query), principalOf(request));
  }

  @Get('reports/costs.csv')
  @Header('content-type', 'text/csv; charset=utf-8')
  @Header('content-disposition', 'attachment; filename="costs.csv"')
  async csv(@Query() query: unknown, @Req() request: FastifyRequest): Promise<string> {
    const wish = parse(costQuerySchema, query);
    return costCsv(await this.reportCosts.run(wish, principalOf(request)));
  }

  @Get('budgets')
  async budgets(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<{ items: readonly BudgetView[] }> {
    const by = principalOf(request);
    const period = parse(budgetQuerySchema, query).period ?? periodAt(this.clock.nowMs());
    const { budgets } = await this.messages.send('budget.list', { period });
    return { items: budgets.filter(({ project }) => seesProject(by, project)).map(budgetView) };
  }

  @Put('budgets/:project')
  async setBudget(
    @Param('project') project: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<BudgetView> {
    const by = principalOf(request);
    requireProject(by, project);
    if (!PROJECT.test(project)) throw new Refusal('not-found', { detail: 'not a project name' });
    const limits = { project, ...parse(budgetLimitsSchema, body) };
    const period = periodAt(this.clock.nowMs());
    const reply = await this.messages.send('budget.put', { limits, period, by: by.name });
    return budgetView(reply.budget);
  }
}

function budgetView(budget: BudgetState): BudgetView {
  return {
    project: budget.project,
    period: budget.period,
    softLimitMicroUsd: budget.softLimit,
    hardLimitMicroUsd: budget.hardLimit,
    committedMicroUsd: budget.committed,
    spentMicroUsd: budget.spent,
  };
}
