import { Injectable } from '@nestjs/common';
import { Messages, MessageUnanswered } from '#libs/contracts';
import type { Feasibility, JobSpec } from '#libs/domain';
import { within } from '#libs/runtime';
import { CodedError } from '#libs/runtime/transport';

/** A submission waits this long at most to be told whether it can ever run; the job's view tells it later in any case. */
const WAIT_MS = 1_000;
/** Questions under way at a time. Under a burst of submissions most are not asked: deciding them comes first. */
const MAX_AT_A_TIME = 4;

/** Ask whether any offer can ever run a job. Never stands in the way of taking it in. */
@Injectable()
export class AskFeasibility {
  private underWay = 0;

  constructor(private readonly messages: Messages) {}

  /** Null when nobody could say in time. */
  async run(spec: JobSpec, atMs: number): Promise<Feasibility | null> {
    if (this.underWay >= MAX_AT_A_TIME) return null;
    this.underWay += 1;
    const asked = this.messages.send('policy.feasibility', { spec, atMs }).finally(() => {
      this.underWay -= 1;
    });
    try {
      return (await within(WAIT_MS, asked))?.feasibility ?? null;
    } catch (error) {
      if (error instanceof MessageUnanswered || error instanceof CodedError) return null;
      throw error;
    }
  }
}
