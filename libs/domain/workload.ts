import type { Attempt, WorkloadExitReason, WorkloadReport } from './attempt';

/** The answer to a supervisor that wants to start: `over` means that this attempt must not run anything any more. */
export type StartVerdict = 'run' | 'over';
/** The answer to a heartbeat. */
export type HeartbeatDirective = 'go' | 'checkpoint' | 'stop';

export interface ReportStep<Answer> {
  readonly answer: Answer;
  /** What to store, or null when nothing changes. */
  readonly report: WorkloadReport | null;
  /** The workload was started before and a new boot has asked: what ran then is lost, so the attempt is given up. */
  readonly lost: boolean;
}

/** Whether a boot may run the workload. A repeat by the same boot is answered alike; another boot never runs it a second time. */
export function onStart(attempt: Attempt, bootId: string, nowMs: number): ReportStep<StartVerdict> {
  const { report } = attempt;
  if (isOver(attempt)) return { answer: 'over', report: null, lost: false };
  if (report.bootId === bootId) return { answer: 'run', report: null, lost: false };
  if (report.bootId !== null) return { answer: 'over', report: null, lost: true };
  return {
    answer: 'run',
    report: { ...report, bootId, startedAtMs: nowMs, heartbeatAtMs: nowMs },
    lost: false,
  };
}

export function onHeartbeat(
  attempt: Attempt,
  bootId: string,
  nowMs: number,
): ReportStep<HeartbeatDirective> {
  const { report } = attempt;
  if (isOver(attempt) || report.bootId !== bootId)
    return { answer: 'stop', report: null, lost: false };
  const answer = attempt.noticeAtMs === null ? 'go' : 'checkpoint';
  return { answer, report: { ...report, heartbeatAtMs: nowMs }, lost: false };
}

/** The first exit that is reported counts. One from a boot that never started (inputs missing, say) counts as well. */
export function onExit(
  attempt: Attempt,
  exit: { readonly bootId: string; readonly code: number; readonly reason: WorkloadExitReason },
  nowMs: number,
): ReportStep<'noted'> {
  const { report } = attempt;
  const foreign = report.bootId !== null && report.bootId !== exit.bootId;
  if (report.exit !== null || foreign) return { answer: 'noted', report: null, lost: false };
  const noted = {
    ...report,
    bootId: exit.bootId,
    exit: { code: exit.code, reason: exit.reason, atMs: nowMs },
  };
  return { answer: 'noted', report: noted, lost: false };
}

function isOver({ phase, report, abandonAs }: Attempt): boolean {
  return (
    phase === 'releasing' || phase === 'released' || report.exit !== null || abandonAs !== null
  );
}
