import type { Attempt } from './attempt';
import { spentOn } from './billing';
import { locationOf, placeFrom, transferPerGb } from './gravity';
import type { JobSpec } from './job';
import { estimatedMicroUsd, sumUsd, type MicroUsd } from './money';

export const transferKinds = ['outputs', 'checkpoint'] as const;
export type TransferKind = (typeof transferKinds)[number];
/** What a charge is for. */
export const chargeKinds = ['compute', ...transferKinds] as const;
export type ChargeKind = (typeof chargeKinds)[number];

/** Data that has left a lease's place, at the rate of the offer that it left. At most one of each kind for an attempt. */
export interface Transfer {
  readonly attempt: Attempt;
  readonly kind: TransferKind;
  readonly gb: number;
  readonly amount: MicroUsd;
  readonly atMs: number;
}

/**
 * What is known to have moved because this attempt has run: the outputs when it succeeded, away from it, and the checkpoint that
 * it went on from, away from the last attempt that had one elsewhere. Sizes are those of the job's spec, since nobody measures
 * what crosses a provider's border. Not known, and not here: inputs (whoever holds them is charged), what the workload sends by
 * itself, and saves that reach the router while it runs.
 */
export function transfersOf(
  attempt: Attempt,
  attempts: readonly Attempt[],
  spec: Pick<JobSpec, 'outputs' | 'checkpoint'>,
): readonly Transfer[] {
  const transfers = [...outputsOf(attempt, spec), ...checkpointMove(attempt, attempts, spec)];
  return transfers.filter(({ amount }) => amount > 0);
}

function outputsOf(attempt: Attempt, { outputs }: Pick<JobSpec, 'outputs'>): readonly Transfer[] {
  const { offer, outcome, billedToMs, phaseSinceMs } = attempt;
  // The nodes of a gang write together, so that the first stands for all.
  if (outcome !== 'succeeded' || attempt.slot !== 0) return [];
  const amounts = outputs.map(({ location, sizeGb }) => {
    const isKnown = location !== undefined && location !== null;
    const perGb = isKnown
      ? transferPerGb(offer, placeFrom(location), offer.egressPerGb)
      : offer.egressPerGb;
    return estimatedMicroUsd(perGb * sizeGb);
  });
  const gb = outputs.reduce((total, { sizeGb }) => total + sizeGb, 0);
  const atMs = attempt.report.exit?.atMs ?? billedToMs ?? phaseSinceMs;
  return [{ attempt, kind: 'outputs', gb, amount: sumUsd(amounts), atMs }];
}

function checkpointMove(
  attempt: Attempt,
  attempts: readonly Attempt[],
  { checkpoint }: Pick<JobSpec, 'checkpoint'>,
): readonly Transfer[] {
  const { startedAtMs } = attempt.report;
  if (checkpoint === null || startedAtMs === null || attempt.slot !== 0) return [];
  const before = lastRun(attempts.filter(({ round }) => round < attempt.round));
  if (before === null) return [];
  const perGb = transferPerGb(before.offer, attempt.offer, before.offer.egressPerGb);
  const gb = checkpoint.sizeGb;
  const amount = estimatedMicroUsd(perGb * gb);
  return [{ attempt: before, kind: 'checkpoint', gb, amount, atMs: startedAtMs }];
}

function lastRun(attempts: readonly Attempt[]): Attempt | null {
  return attempts.findLast(({ report }) => report.startedAtMs !== null) ?? null;
}

/** What a job has cost so far: its leases, and the data that is known to have left them. What the books come to once all is booked. */
export function chargedFor(
  attempts: readonly Attempt[],
  spec: Pick<JobSpec, 'outputs' | 'checkpoint'>,
  nowMs: number,
): MicroUsd {
  const transfers = attempts.flatMap((attempt) => transfersOf(attempt, attempts, spec));
  return sumUsd([spentOn(attempts, nowMs), ...transfers.map(({ amount }) => amount)]);
}

/** Where the job's last checkpoint lies: with the last attempt that has run. Null for a job that keeps none. */
export function checkpointAtOf(
  attempts: readonly Attempt[],
  { checkpoint }: Pick<JobSpec, 'checkpoint'>,
): string | null {
  const last = checkpoint === null ? null : lastRun(attempts);
  return last === null ? null : locationOf(last.offer);
}
