import {
  onCheckpoint,
  onExit,
  onHeartbeat,
  onStart,
  type Attempt,
  type AttemptId,
  type HeartbeatDirective,
  type ReportStep,
  type StartVerdict,
  type WorkloadExitReason,
} from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Attempts, NewEvent } from '#libs/storage';

/** Take in what the supervisor says of its workload. The caller has checked the attempt's token. */
export class ReportWorkload {
  constructor(
    private readonly attempts: Attempts,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  start(id: AttemptId, bootId: string): Promise<StartVerdict> {
    return this.report(
      id,
      'over',
      (attempt, nowMs, mates) => onStart(attempt, bootId, nowMs, mates),
      'workload.started',
    );
  }

  heartbeat(id: AttemptId, bootId: string): Promise<HeartbeatDirective> {
    return this.report(id, 'stop', (attempt, nowMs) => onHeartbeat(attempt, bootId, nowMs), null);
  }

  checkpoint(id: AttemptId): Promise<'noted'> {
    return this.report(id, 'noted', onCheckpoint, null);
  }

  exit(
    id: AttemptId,
    exit: { bootId: string; code: number; reason: WorkloadExitReason },
  ): Promise<'noted'> {
    return this.report(
      id,
      'noted',
      (attempt, nowMs) => onExit(attempt, exit, nowMs),
      'workload.exited',
    );
  }

  private async report<Answer>(
    id: AttemptId,
    whenUnknown: Answer,
    think: (attempt: Attempt, nowMs: number, mates: readonly Attempt[]) => ReportStep<Answer>,
    eventType: string | null,
  ): Promise<Answer> {
    const nowMs = this.clock.nowMs();
    let answer = whenUnknown;
    const saved = await this.attempts.report(
      id,
      (attempt, mates) => {
        const step = think(attempt, nowMs, mates);
        answer = step.answer;
        if (step.report === null && !step.lost) return null;
        return {
          report: step.report ?? attempt.report,
          abandonAs: step.lost ? 'interrupted' : null,
          events:
            eventType === null || !isNews(attempt, step)
              ? []
              : [
                  eventOf(
                    attempt,
                    step.lost ? 'workload.lost' : eventType,
                    step.report?.exit,
                    nowMs,
                  ),
                ],
        };
      },
      nowMs,
    );
    if (saved !== null && eventType !== null) this.ring(saved, nowMs);
    return answer;
  }

  private ring({ id, offer, revision }: Attempt, nowMs: number): void {
    this.doorbell.ring({
      queue: 'advance',
      id,
      providerId: offer.providerId,
      atMs: nowMs,
      tag: `r${revision}`,
    });
  }
}

/** A machine that is up and has to wait for others is no news yet. */
function isNews(before: Attempt, { report, lost }: ReportStep<unknown>): boolean {
  const hasStarted = report !== null && report.startedAtMs !== before.report.startedAtMs;
  return lost || hasStarted || report?.exit !== before.report.exit;
}

function eventOf(
  attempt: Attempt,
  type: string,
  exit: Attempt['report']['exit'] | undefined,
  atMs: number,
): NewEvent {
  const data = exit == null ? {} : { code: exit.code, reason: exit.reason };
  return { type, data, jobId: attempt.jobId, attemptId: attempt.id, atMs };
}
