import { Injectable } from '@nestjs/common';
import type { SuspensionChange, suspensionRequestSchema } from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { Suspensions } from '#libs/storage';
import type { z } from 'zod';

/** Keep something out of placement for a time, or end early what keeps it out. Both are added to the record; nothing is deleted. */
@Injectable()
export class ChangeSuspensions {
  constructor(
    private readonly suspensions: Suspensions,
    private readonly clock: Clock,
  ) {}

  /** Resuming is repeatable, and ends whatever keeps the thing itself out, whoever began it; not what keeps out more or less than it. */
  async run(wish: z.output<typeof suspensionRequestSchema>, by: string): Promise<SuspensionChange> {
    const nowMs = this.clock.nowMs();
    const { scope, key, because } = wish;
    if (wish.do === 'resume') {
      const lift = { scope, key, ofReason: null, atMs: nowMs, by, because };
      return { done: 'resumed', changed: await this.suspensions.lift(lift) };
    }
    const untilMs = nowMs + wish.for;
    await this.suspensions.add(
      [{ scope, key, jobId: null, fromMs: nowMs, untilMs, reason: because }],
      by,
    );
    return { done: 'suspended', changed: 1 };
  }
}
