import { Injectable } from '@nestjs/common';
import type { Attempt, AttemptId, JobId } from '#libs/domain';
import { Attempts, Jobs, Logs } from '#libs/storage';
import { EventWaits } from './event-waits';
import { GatewaySettings } from './settings';

const BYTES_PER_READ = 256 * 1024;

export interface LogWish {
  readonly jobId: JobId;
  /** The attempt to begin with; null while there is none. */
  readonly attempt: Attempt | null;
  readonly offset: number;
  readonly follow: boolean;
  /** Go on with the attempts that come after; only when following. */
  readonly goOn: boolean;
  /** Says that the reader has gone, so that nobody waits for more. */
  readonly gone: AbortSignal;
}

/** What workloads printed, as bytes; following ends with the attempt, or with the job when it goes on. */
@Injectable()
export class ReadLogs {
  constructor(
    private readonly jobs: Jobs,
    private readonly attempts: Attempts,
    private readonly logs: Logs,
    private readonly waits: EventWaits,
    private readonly settings: GatewaySettings,
  ) {}

  async *run(wish: LogWish): AsyncGenerator<Uint8Array> {
    const { jobId, attempt, offset, follow, goOn, gone } = wish;
    if (!follow) {
      if (attempt !== null) yield* this.stored(attempt.id, offset);
      return;
    }
    let current = attempt ?? (await this.after(jobId, 0, gone));
    let from = offset;
    while (current !== null && !this.waits.isStopped && !gone.aborted) {
      yield* this.followed(current.id, from, gone);
      current = goOn ? await this.after(jobId, current.number, gone) : null;
      from = 0;
      if (current !== null) yield Buffer.from(separator(current));
    }
  }

  private async *stored(id: AttemptId, offset: number): AsyncGenerator<Uint8Array, number> {
    let at = offset;
    for (;;) {
      const bytes = await this.logs.read(id, at, BYTES_PER_READ);
      if (bytes.byteLength === 0) return at;
      yield bytes;
      at += bytes.byteLength;
    }
  }

  /** Until the attempt is released; only then nothing can be appended any more. */
  private async *followed(
    id: AttemptId,
    offset: number,
    gone: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let at = offset;
    while (!this.waits.isStopped && !gone.aborted) {
      const isOver = (await this.attempts.get(id))?.phase === 'released';
      at = yield* this.stored(id, at);
      if (isOver) return;
      await this.waits.next(this.settings.streamPollMs);
    }
  }

  /** The next attempt, once there is one, or null when the job ends without. */
  private async after(jobId: JobId, number: number, gone: AbortSignal): Promise<Attempt | null> {
    while (!this.waits.isStopped && !gone.aborted) {
      const ended = (await this.jobs.get(jobId))?.outcome != null;
      const attempts = await this.attempts.ofJob(jobId);
      const next = attempts.find((attempt) => attempt.number > number);
      if (next !== undefined) return next;
      if (ended) return null;
      await this.waits.next(this.settings.streamPollMs);
    }
    return null;
  }
}

function separator({ number, offer }: Attempt): string {
  return `\n[fairlead: attempt ${number} at ${offer.id}]\n`;
}
