import {
  calibrated,
  microUsd,
  ZERO_USD,
  type Attempt,
  type AttemptId,
  type CalibrationLesson,
  type CalibrationState,
  type Commitment,
  type CommitmentState,
  type Covered,
  type Transfer,
} from '#libs/domain';
import {
  FORGET_ENDED_AFTER_MS,
  MAX_COMMITMENTS,
  type Calibrations,
  type Commitments,
} from '#libs/storage';

/** Commitments, calibration and transfers; what leases have cost stands with the other cost entries. */
export class MemoryCostTables {
  readonly commitments = new Map<string, { readonly commitment: Commitment; used: Covered }>();
  readonly transfers = new Map<string, Transfer>();
  readonly calibrated = new Set<AttemptId>();
  calibration: Record<string, CalibrationState> = {};

  /** What a slice has drawn of its commitment. */
  draw(name: string, { amount, leaseMs }: Covered): void {
    const known = this.commitments.get(name);
    if (known !== undefined)
      known.used = {
        amount: microUsd(known.used.amount + amount),
        leaseMs: known.used.leaseMs + leaseMs,
      };
  }
}

interface Booked {
  readonly attemptId: AttemptId;
  readonly covered?: Covered;
}

interface Tables {
  readonly costTables: MemoryCostTables;
  readonly attempts: ReadonlyMap<AttemptId, Attempt>;
  readonly costEntries: readonly Booked[];
}

/** What commitments have paid of an attempt so far. */
export function coveredOf(entries: readonly Booked[], attemptId: AttemptId): Covered {
  const own = entries.filter((entry) => entry.attemptId === attemptId);
  return own.reduce<Covered>(
    (total, { covered }) => ({
      amount: microUsd(total.amount + (covered?.amount ?? 0)),
      leaseMs: total.leaseMs + (covered?.leaseMs ?? 0),
    }),
    { amount: ZERO_USD, leaseMs: 0 },
  );
}

export class MemoryCommitments implements Commitments {
  constructor(private readonly tables: Tables) {}

  async inForce(nowMs: number): Promise<readonly CommitmentState[]> {
    return (await this.list()).filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
  }

  async list(): Promise<readonly CommitmentState[]> {
    return [...this.tables.costTables.commitments.values()]
      .map(({ commitment, used }) => ({
        ...commitment,
        usedMs: used.leaseMs,
        usedListCost: used.amount,
        ...this.drawn(commitment.name),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async put(commitment: Commitment, nowMs: number): Promise<boolean> {
    const { commitments } = this.tables.costTables;
    for (const { commitment: known } of commitments.values())
      if (known.name !== commitment.name && known.untilMs < nowMs - FORGET_ENDED_AFTER_MS)
        commitments.delete(known.name);
    const known = commitments.get(commitment.name);
    if (known === undefined && commitments.size >= MAX_COMMITMENTS) return false;
    const used = known?.used ?? { amount: ZERO_USD, leaseMs: 0 };
    commitments.set(commitment.name, { commitment, used });
    return true;
  }

  async end(name: string, nowMs: number): Promise<boolean> {
    const { commitments } = this.tables.costTables;
    const known = commitments.get(name);
    if (known === undefined) return false;
    const { commitment, used } = known;
    if (used.amount === 0 && used.leaseMs === 0 && this.drawn(name).drawing === 0)
      return commitments.delete(name);
    const untilMs = Math.max(commitment.fromMs, Math.min(commitment.untilMs, nowMs));
    commitments.set(name, { commitment: { ...commitment, untilMs }, used });
    return true;
  }

  private drawn(name: string): Pick<CommitmentState, 'drawing' | 'grantedMs' | 'grantedListCost'> {
    const drawing = [...this.tables.attempts.values()].flatMap(({ id, phase, agreed }) =>
      phase !== 'released' && agreed?.coverage?.commitment === name
        ? [{ coverage: agreed.coverage, paid: coveredOf(this.tables.costEntries, id) }]
        : [],
    );
    const left = (granted: number | null, paid: number) =>
      granted === null ? 0 : Math.max(0, granted - paid);
    return {
      drawing: drawing.length,
      grantedMs: drawing.reduce(
        (sum, { coverage, paid }) => sum + left(coverage.leaseMs, paid.leaseMs),
        0,
      ),
      grantedListCost: microUsd(
        drawing.reduce((sum, { coverage, paid }) => sum + left(coverage.listCost, paid.amount), 0),
      ),
    };
  }
}

export class MemoryCalibrations implements Calibrations {
  constructor(private readonly tables: Tables) {}

  async all(): Promise<Readonly<Record<string, CalibrationState>>> {
    return this.tables.costTables.calibration;
  }

  async learn(
    attemptId: AttemptId,
    key: string,
    lesson: CalibrationLesson,
    nowMs: number,
  ): Promise<void> {
    const tables = this.tables.costTables;
    if (tables.calibrated.has(attemptId)) return;
    tables.calibrated.add(attemptId);
    const state = calibrated(tables.calibration[key] ?? null, lesson, nowMs);
    tables.calibration = { ...tables.calibration, [key]: state };
  }
}
