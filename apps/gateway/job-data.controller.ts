import { Readable } from 'node:stream';
import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  eventQuerySchema,
  logQuerySchema,
  type AttemptView,
  type EventView,
} from '#libs/contracts';
import type { Job, JobId } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Artifacts, Events, type ArtifactMeta } from '#libs/storage';
import { principalOf } from './auth';
import { FindJob } from './find-job';
import { indexOf, parse } from './parse';
import { OpenStreams } from './open-streams';
import { ReadLogs } from './read-logs';
import { found, Refusal } from './refusal';
import { StreamEvents } from './stream-events';
import { attemptView, eventView } from './views/job-view';
import { timeOf } from './views/times';

const DEFAULT_EVENTS = 100;
const EVENT_ID = /^\d{1,15}$/;
/** Lets proxies pass streams on as they come. */
const STREAM_HEADERS = { 'x-accel-buffering': 'no', 'cache-control': 'no-store' } as const;

interface OutputView {
  readonly index: number;
  readonly path: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly at: string;
  readonly attemptId: string;
}

/** What happened to a job, first of all in time. */
@Controller('v1/jobs/:jobId')
export class HistoryController {
  constructor(
    private readonly find: FindJob,
    private readonly events: Events,
    private readonly streamEvents: StreamEvents,
    private readonly streams: OpenStreams,
    private readonly clock: Clock,
  ) {}

  @Get('attempts')
  async attempts(
    @Param('jobId') jobId: string,
    @Req() request: FastifyRequest,
  ): Promise<{ items: readonly AttemptView[] }> {
    const { attempts } = await this.find.withAttempts(jobId, principalOf(request));
    const nowMs = this.clock.nowMs();
    return { items: attempts.map((attempt) => attemptView(attempt, nowMs)) };
  }

  @Get('events')
  async list(
    @Param('jobId') jobId: string,
    @Query() query: unknown,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable | { items: readonly EventView[]; next: number | null }> {
    const { after = 0, limit = DEFAULT_EVENTS } = parse(eventQuerySchema, query);
    const job = await this.find.job(jobId, principalOf(request));
    if (!(request.headers.accept ?? '').includes('text/event-stream'))
      return this.page(job.id, after, limit);
    const from = sequenceOf(lastEventId) ?? after;
    const stream = this.streams.open(principalOf(request), reply.raw, (gone) =>
      Readable.from(this.streamEvents.run(job.id, from, gone)),
    );
    reply.headers({ ...STREAM_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    return stream;
  }

  private async page(jobId: JobId, after: number, limit: number) {
    const events = await this.events.after(after, jobId, limit);
    const last = events.at(-1);
    const next = events.length === limit && last !== undefined ? last.sequence : null;
    return { items: events.map(eventView), next };
  }
}

/** What a job's workloads left behind. */
@Controller('v1/jobs/:jobId')
export class JobDataController {
  constructor(
    private readonly find: FindJob,
    private readonly readLogs: ReadLogs,
    private readonly streams: OpenStreams,
    private readonly artifacts: Artifacts,
  ) {}

  @Get('logs')
  async logs(
    @Param('jobId') jobId: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    const { attempt: number, offset = 0, follow = false } = parse(logQuerySchema, query);
    const { job, attempts } = await this.find.withAttempts(jobId, principalOf(request));
    const wanted = attempts.find((attempt) => attempt.number === number);
    const attempt = number === undefined ? (attempts.at(-1) ?? null) : found(wanted, 'attempt');
    const wish = { jobId: job.id, attempt, offset, follow, goOn: number === undefined };
    const stream = this.streams.open(principalOf(request), reply.raw, (gone) =>
      Readable.from(this.readLogs.run({ ...wish, gone }), { objectMode: false }),
    );
    reply.headers({ ...STREAM_HEADERS, 'content-type': 'text/plain; charset=utf-8' });
    return stream;
  }

  @Get('outputs')
  async outputs(
    @Param('jobId') jobId: string,
    @Req() request: FastifyRequest,
  ): Promise<{ items: readonly OutputView[] }> {
    const job = await this.find.job(jobId, principalOf(request));
    const stored = await this.artifacts.list(job.id);
    const outputs = stored.filter(({ kind }) => kind === 'output');
    return { items: outputs.map((meta) => outputView(job, meta)) };
  }

  @Get('outputs/:index')
  async output(
    @Param('jobId') jobId: string,
    @Param('index') position: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const job = await this.find.job(jobId, principalOf(request));
    const index = found(indexOf(position), 'output');
    const output = await this.artifacts.get({ jobId: job.id, kind: 'output', index });
    const { meta, bytes } = found(output, 'output');
    reply.headers({
      'content-type': meta.contentType,
      'content-disposition': `attachment; filename="${job.id}-output-${index}"`,
    });
    return Buffer.from(bytes);
  }
}

function outputView(job: Job, meta: ArtifactMeta): OutputView {
  return {
    index: meta.index,
    path: job.spec.outputs[meta.index]?.path ?? '',
    contentType: meta.contentType,
    sizeBytes: meta.sizeBytes,
    at: timeOf(meta.atMs),
    attemptId: meta.attemptId,
  };
}

function sequenceOf(lastEventId: string | undefined): number | null {
  if (lastEventId === undefined) return null;
  if (EVENT_ID.test(lastEventId)) return Number(lastEventId);
  throw new Refusal('malformed-request', { detail: 'Last-Event-ID is not the id of an event' });
}
