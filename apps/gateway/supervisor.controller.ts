import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  beatSchema,
  chunkQuerySchema,
  exitReportSchema,
  Messages,
  MessageUnanswered,
  readDataUri,
} from '#libs/contracts';
import type { Attempt } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Artifacts, Jobs, Logs, type ArtifactKind } from '#libs/storage';
import { attemptOf } from './auth';
import { indexOf, parse } from './parse';
import { found, Refusal } from './refusal';

const PLAIN = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';

/** The words of the supervisor; the dispatcher answers them. Answers are one word, because a shell reads them. */
@Controller('v1/attempts/:attemptId')
export class SupervisorController {
  constructor(
    private readonly messages: Messages,
    private readonly logs: Logs,
    private readonly clock: Clock,
  ) {}

  @Post('start')
  @HttpCode(200)
  @Header('content-type', PLAIN)
  async start(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const { bootId } = parse(beatSchema, body);
    const attemptId = attemptOf(request).id;
    const { verdict } = await this.messages.send('workload.start', { attemptId, bootId });
    return verdict;
  }

  @Post('heartbeat')
  @HttpCode(200)
  @Header('content-type', PLAIN)
  async heartbeat(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const { bootId } = parse(beatSchema, body);
    const attemptId = attemptOf(request).id;
    const { directive } = await this.messages.send('workload.heartbeat', { attemptId, bootId });
    return directive;
  }

  @Post('exit')
  @HttpCode(200)
  @Header('content-type', PLAIN)
  async exit(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const report = parse(exitReportSchema, body);
    await this.messages.send('workload.exit', { attemptId: attemptOf(request).id, ...report });
    return 'ok';
  }

  /** An empty chunk changes nothing and asks where the stream stands. */
  @Post('logs')
  @HttpCode(200)
  @Header('content-type', PLAIN)
  async append(
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<string> {
    const { offset } = parse(chunkQuerySchema, query);
    const { id } = attemptOf(request);
    return String(await this.logs.append(id, offset, bytesOf(body), this.clock.nowMs()));
  }
}

/** Files that workloads fetch and deliver. They belong to the job, so that the next attempt finds the checkpoint. */
@Controller('v1/attempts/:attemptId')
export class WorkloadFilesController {
  constructor(
    private readonly messages: Messages,
    private readonly jobs: Jobs,
    private readonly artifacts: Artifacts,
    private readonly clock: Clock,
  ) {}

  @Get('inputs/:index')
  async input(
    @Param('index') position: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const job = found(await this.jobs.get(attemptOf(request).jobId), 'job');
    const uri = found(job.spec.inputs[found(indexOf(position), 'input')], 'input').uri;
    const inline = readDataUri(uri);
    if (!inline.ok)
      throw new Refusal('not-found', { detail: 'the input is fetched from its own address' });
    reply.header('content-type', BYTES);
    const { base64, body } = inline.value;
    return base64 ? Buffer.from(body, 'base64') : Buffer.from(decodePercent(body));
  }

  @Post('outputs/:index')
  @HttpCode(200)
  @Header('content-type', PLAIN)
  async output(
    @Param('index') position: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<string> {
    const attempt = attemptOf(request);
    const job = found(await this.jobs.get(attempt.jobId), 'job');
    const index = found(indexOf(position), 'output');
    found(job.spec.outputs[index], 'output');
    return this.keep(attempt, 'output', index, body, request);
  }

  @Get('checkpoint')
  async checkpoint(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer | undefined> {
    const { jobId, slot } = attemptOf(request);
    const saved = await this.artifacts.get({ jobId, kind: 'checkpoint', index: slot });
    reply.status(saved === null ? 204 : 200);
    if (saved === null) return undefined;
    reply.header('content-type', saved.meta.contentType);
    return Buffer.from(saved.bytes);
  }

  @Post('checkpoint')
  @HttpCode(200)
  @Header('content-type', PLAIN)
  async saveCheckpoint(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const attempt = attemptOf(request);
    const job = found(await this.jobs.get(attempt.jobId), 'job');
    found(job.spec.checkpoint, 'checkpoint');
    // Each node of a gang has a checkpoint of its own.
    const kept = await this.keep(attempt, 'checkpoint', attempt.slot, body, request);
    await this.tell(attempt);
    return kept;
  }

  /** The checkpoint is safe whether or not the dispatcher hears of it now; unheard, less work counts as done until the next. */
  private async tell({ id }: Attempt): Promise<void> {
    try {
      await this.messages.send('workload.checkpoint', { attemptId: id });
    } catch (error) {
      if (!(error instanceof MessageUnanswered)) throw error;
    }
  }

  private async keep(
    { id, jobId }: Attempt,
    kind: ArtifactKind,
    index: number,
    body: unknown,
    request: FastifyRequest,
  ): Promise<string> {
    const isTar = request.headers['content-type']?.startsWith('application/x-tar') === true;
    const contentType = isTar ? 'application/x-tar' : BYTES;
    const atMs = this.clock.nowMs();
    const meta = { jobId, kind, index, attemptId: id, contentType, atMs };
    await this.artifacts.put(meta, bytesOf(body));
    return 'ok';
  }
}

/** No body at all is an empty one. */
function bytesOf(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  throw new Refusal('unsupported-media-type', { detail: `send ${BYTES}` });
}

/** Percent-encoded bytes need not be UTF-8, so they are decoded one by one. */
function decodePercent(text: string): Uint8Array {
  const parts = text.split(/(%[0-9A-Fa-f]{2})/);
  return Buffer.concat(
    parts.map((part) =>
      /^%[0-9A-Fa-f]{2}$/.test(part)
        ? Buffer.from([Number.parseInt(part.slice(1), 16)])
        : Buffer.from(part),
    ),
  );
}
