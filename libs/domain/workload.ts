import type { Attempt, WorkloadExitReason, WorkloadReport } from './attempt';

/**
 * The answer to a supervisor that wants to start: `over` means that this attempt must not run anything any more, `busy` that it
 * asks again a little later, since other machines of the job are not up yet.
 */
export type StartVerdict = 'run' | 'over' | 'busy';
/** The answer to a heartbeat. */
export type HeartbeatDirective = 'go' | 'checkpoint' | 'stop';

export interface ReportStep<Answer> {
  readonly answer: Answer;
  /** What to store, or null when nothing changes. */
  readonly report: WorkloadReport | null;
  /** The workload was started before and a new boot has asked: what ran then is lost, so the attempt is given up. */
  readonly lost: boolean;
}

/**
 * Whether a boot may run the workload. A repeat by the same boot is answered alike; another boot never runs it a second time.
 * `mates` are the other attempts of its round, as they are at this moment: of a hedged start exactly one runs, the nodes of a
 * gang run once all of them are up.
 */
export function onStart(
  attempt: Attempt,
  bootId: string,
  nowMs: number,
  mates: readonly Attempt[] = [],
): ReportStep<StartVerdict> {
  const { report } = attempt;
  if (isOver(attempt)) return { answer: 'over', report: null, lost: false };
  if (report.startedAtMs !== null && report.bootId === bootId)
    return { answer: 'run', report: null, lost: false };
  if (report.startedAtMs !== null) return { answer: 'over', report: null, lost: true };
  if (attempt.role === 'node') return onNodeUp(attempt, mates, bootId, nowMs);
  const isTaken = mates.some((mate) => mate.report.startedAtMs !== null);
  if (isTaken) return { answer: 'over', report: null, lost: false };
  return { answer: 'run', report: running(report, bootId, nowMs), lost: false };
}

/** A node is up from its first question on. The last one to come up is the first to run; the others hear it when they ask again. */
function onNodeUp(
  { report }: Attempt,
  mates: readonly Attempt[],
  bootId: string,
  nowMs: number,
): ReportStep<StartVerdict> {
  if (mates.some((mate) => isOver(mate))) return { answer: 'busy', report: null, lost: false };
  if (mates.every((mate) => mate.report.bootId !== null))
    return { answer: 'run', report: running(report, bootId, nowMs), lost: false };
  const isKnown = report.bootId === bootId;
  return { answer: 'busy', report: isKnown ? null : { ...report, bootId }, lost: false };
}

function running(report: WorkloadReport, bootId: string, nowMs: number): WorkloadReport {
  return { ...report, bootId, startedAtMs: nowMs, heartbeatAtMs: nowMs };
}

/** A workload that is to be moved saves first, as long as there is time for it, and is stopped then. */
export function onHeartbeat(
  attempt: Attempt,
  bootId: string,
  nowMs: number,
): ReportStep<HeartbeatDirective> {
  const { report } = attempt;
  if (isOver(attempt) || report.bootId !== bootId)
    return { answer: 'stop', report: null, lost: false };
  return {
    answer: directive(attempt, nowMs),
    report: { ...report, heartbeatAtMs: nowMs },
    lost: false,
  };
}

function directive({ leaving, noticeAtMs, report }: Attempt, nowMs: number): HeartbeatDirective {
  if (leaving === null) return noticeAtMs === null ? 'go' : 'checkpoint';
  const hasSaved = (report.checkpointAtMs ?? 0) > leaving.sinceMs;
  return hasSaved || nowMs >= leaving.stopAtMs ? 'stop' : 'checkpoint';
}

/** A checkpoint has arrived. It counts whatever has become of the attempt since: the job resumes from it. */
export function onCheckpoint(attempt: Attempt, nowMs: number): ReportStep<'noted'> {
  const report =
    attempt.report.startedAtMs === null ? null : { ...attempt.report, checkpointAtMs: nowMs };
  return { answer: 'noted', report, lost: false };
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

function isOver({ phase, report, abandonAs, leaving }: Attempt): boolean {
  return (
    phase === 'releasing' ||
    phase === 'released' ||
    report.exit !== null ||
    abandonAs !== null ||
    (leaving !== null && report.startedAtMs === null)
  );
}
