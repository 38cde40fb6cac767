import { Injectable } from '@nestjs/common';
import { LAST_JOB_EVENT } from '#libs/contracts';
import type { JobId } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Events, Jobs, type StoredEvent } from '#libs/storage';
import { EventWaits } from './event-waits';
import { GatewaySettings } from './settings';
import { eventView } from './views/job-view';

const EVENTS_PER_READ = 500;
/** How soon a reader that lost the stream comes back. */
const RECONNECT_MS = 2_000;

/** The events of a job as server-sent events, from a sequence on until the job's last one. */
@Injectable()
export class StreamEvents {
  constructor(
    private readonly jobs: Jobs,
    private readonly events: Events,
    private readonly waits: EventWaits,
    private readonly settings: GatewaySettings,
    private readonly clock: Clock,
  ) {}

  /** Ends early when the reader has gone. */
  async *run(jobId: JobId, afterSequence: number, gone: AbortSignal): AsyncGenerator<string> {
    let last = afterSequence;
    let saidAtMs = this.clock.nowMs();
    yield `retry: ${RECONNECT_MS}\n\n`;
    while (!this.waits.isStopped && !gone.aborted) {
      // The end and its event are one transaction: a job seen ended before the read has no event after it.
      const ended = (await this.jobs.get(jobId))?.outcome != null;
      const news = await this.events.after(last, jobId, EVENTS_PER_READ);
      for (const event of news) {
        yield frameOf(event);
        last = event.sequence;
      }
      if (news.some(({ type }) => type === LAST_JOB_EVENT)) return;
      if (news.length > 0) {
        saidAtMs = this.clock.nowMs();
        continue;
      }
      if (ended) return;
      if (this.clock.nowMs() - saidAtMs >= this.settings.streamHeartbeatMs) {
        yield ': still here\n\n';
        saidAtMs = this.clock.nowMs();
      }
      await this.waits.next(this.settings.streamPollMs);
    }
  }
}

function frameOf(event: StoredEvent): string {
  return `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(eventView(event))}\n\n`;
}
