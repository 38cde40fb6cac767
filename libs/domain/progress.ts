import type { Attempt } from './attempt';
import { startsOver } from './cost';
import type { JobSpec } from './job';
import { roundsOf } from './rounds';

/** Work that takes longer than was estimated still has some left: this share of the estimate, and this long at least. */
const LEAST_SHARE = 20;
const LEAST_MS = 60_000;

/**
 * How much of an attempt's run survives it. A checkpoint that has arrived may have been written up to an interval before, so
 * that much is taken off. A service loses nothing; work without checkpoints loses all.
 */
export function savedMs(
  { report, agreed }: Pick<Attempt, 'report' | 'agreed'>,
  spec: JobSpec,
): number {
  const { startedAtMs, checkpointAtMs, heartbeatAtMs, exit } = report;
  if (startedAtMs === null) return 0;
  if (spec.checkpoint !== null) {
    if (checkpointAtMs === null) return 0;
    const intervalMs = agreed?.checkpointEveryMs ?? spec.checkpoint.intervalMs;
    return Math.max(0, checkpointAtMs - intervalMs - startedAtMs);
  }
  if (startsOver({ spec })) return 0;
  return Math.max(0, (exit?.atMs ?? heartbeatAtMs ?? startedAtMs) - startedAtMs);
}

/** Work that is left for the next lease: what nothing that has been saved covers. The whole for a job that starts over, and for a service. */
export function leftMs(spec: JobSpec, attempts: readonly Attempt[]): number {
  if (spec.replicas !== null) return spec.durationEstimateMs;
  return atLeast(spec, spec.durationEstimateMs - savedByAll(spec, attempts));
}

/** Work that is left if a running attempt goes on and nothing happens to it. */
export function leftWhileRunningMs(
  spec: JobSpec,
  attempts: readonly Attempt[],
  running: Attempt,
  nowMs: number,
): number {
  const earlier = attempts.filter(({ round }) => round < running.round);
  const { startedAtMs } = running.report;
  const ranMs = startedAtMs === null ? 0 : Math.max(0, nowMs - startedAtMs);
  return atLeast(spec, spec.durationEstimateMs - savedByAll(spec, earlier) - ranMs);
}

/** The nodes of a gang resume together, so that the one that has saved least decides; of a hedged start one has run. */
function savedByAll(spec: JobSpec, attempts: readonly Attempt[]): number {
  return roundsOf(attempts).reduce((total, round) => {
    const each = round.map((attempt) => savedMs(attempt, spec));
    const isGang = round.some(({ role }) => role === 'node');
    return total + (isGang ? Math.min(...each) : Math.max(...each));
  }, 0);
}

function atLeast({ durationEstimateMs }: JobSpec, ms: number): number {
  const least = Math.max(LEAST_MS, Math.ceil(durationEstimateMs / LEAST_SHARE));
  return Math.max(ms, Math.min(durationEstimateMs, least));
}
