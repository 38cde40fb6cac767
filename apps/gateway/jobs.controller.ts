import { createHash } from 'node:crypto';
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  jobQuerySchema,
  Messages,
  submitHeadersSchema,
  type JobSummary,
  type JobView,
  type PlanView,
  type WhyView,
} from '#libs/contracts';
import { canonicalJson } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { AskFeasibility } from './ask-feasibility';
import { principalOf } from './auth';
import { CancelJob } from './cancel-job';
import { ExplainJob } from './explain-job';
import { FindJob } from './find-job';
import { ListJobs } from './list-jobs';
import { parse, parseJob } from './parse';
import { requireProject } from './principal';
import { RetryJob } from './retry-job';
import { SubmitJob, type Accepted } from './submit-job';
import { planView } from './views/decision-view';
import { jobSummary, jobView } from './views/job-view';
import { jobFor } from './views/withhold';

/** Taking in jobs. */
@Controller('v1/jobs')
export class SubmitController {
  constructor(
    private readonly submitJob: SubmitJob,
    private readonly retryJob: RetryJob,
    private readonly find: FindJob,
    private readonly messages: Messages,
    private readonly askFeasibility: AskFeasibility,
    private readonly clock: Clock,
  ) {}

  @Post()
  async submit(
    @Body() body: unknown,
    @Headers() headers: Readonly<Record<string, string>>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobView> {
    const by = principalOf(request);
    const key = keyOf(headers);
    const spec = parseJob(body);
    requireProject(by, spec.project);
    const idempotency = key === null ? null : { key, bodyDigest: digestOf(body) };
    const accepted = await this.submitJob.run({ spec, by, idempotency, retryOf: null });
    return this.answer(accepted, reply);
  }

  @Post('plan')
  @HttpCode(200)
  async plan(@Body() body: unknown, @Req() request: FastifyRequest): Promise<PlanView> {
    const spec = parseJob(body);
    requireProject(principalOf(request), spec.project);
    const atMs = this.clock.nowMs();
    return planView(await this.messages.send('policy.plan', { spec, atMs }));
  }

  @Post(':jobId/retry')
  async retry(
    @Param('jobId') jobId: string,
    @Headers() headers: Readonly<Record<string, string>>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobView> {
    const by = principalOf(request);
    const job = await this.find.job(jobId, by);
    return this.answer(await this.retryJob.run(job, by, keyOf(headers)), reply);
  }

  private async answer({ job, replayed }: Accepted, reply: FastifyReply): Promise<JobView> {
    reply.status(replayed ? 200 : 201).header('location', `/v1/jobs/${job.id}`);
    const nowMs = this.clock.nowMs();
    if (!replayed)
      return jobView(job, [], nowMs, await this.askFeasibility.run(job.spec, job.submittedAtMs));
    reply.header('idempotency-replayed', 'true');
    const feasibility = await this.find.feasibilityOf(job);
    return jobView(job, await this.find.attemptsOf(job.id), nowMs, feasibility);
  }
}

/** Showing and ending jobs. */
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly listJobs: ListJobs,
    private readonly find: FindJob,
    private readonly explainJob: ExplainJob,
    private readonly cancelJob: CancelJob,
    private readonly clock: Clock,
  ) {}

  @Get()
  async list(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<{ items: readonly JobSummary[]; next: string | null }> {
    const wish = parse(jobQuerySchema, query);
    const { items, next } = await this.listJobs.run(wish, principalOf(request));
    return { items: items.map(jobSummary), next };
  }

  @Get(':jobId')
  async show(@Param('jobId') jobId: string, @Req() request: FastifyRequest): Promise<JobView> {
    const by = principalOf(request);
    const { job, attempts } = await this.find.withAttempts(jobId, by);
    const feasibility = await this.find.feasibilityOf(job);
    return jobFor(by, jobView(job, attempts, this.clock.nowMs(), feasibility));
  }

  @Get(':jobId/why')
  async why(@Param('jobId') jobId: string, @Req() request: FastifyRequest): Promise<WhyView> {
    const { job, attempts } = await this.find.withAttempts(jobId, principalOf(request));
    return this.explainJob.run(job, attempts);
  }

  @Post(':jobId/cancel')
  @HttpCode(202)
  async cancel(@Param('jobId') jobId: string, @Req() request: FastifyRequest): Promise<JobView> {
    const by = principalOf(request);
    const job = await this.cancelJob.run(await this.find.job(jobId, by), by);
    return jobView(job, await this.find.attemptsOf(job.id), this.clock.nowMs());
  }
}

function keyOf(headers: Readonly<Record<string, string>>): string | null {
  return parse(submitHeadersSchema, headers)['idempotency-key'] ?? null;
}

/** The same for JSON and YAML, and whatever the order of the fields. */
function digestOf(body: unknown): string {
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
}
