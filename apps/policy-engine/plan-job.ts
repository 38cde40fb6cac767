import {
  KEPT,
  ZERO_USD,
  asJobId,
  withEffectiveCosts,
  type DecisionSummary,
  type Job,
  type JobSpec,
  type NearestMiss,
} from '#libs/domain';
import type { Attempts } from '#libs/storage';
import { usageFor } from './limit-usage';
import { decideOn, decisionInput, factsOf } from './make-decision';
import type { Snapshots } from './snapshots';

export interface Plan {
  readonly policyVersion: string;
  readonly bookVersion: number;
  readonly summary: DecisionSummary;
  readonly rejected: readonly NearestMiss[];
}

/** Decide as if the job were submitted now, and store nothing. */
export class PlanJob {
  constructor(
    private readonly snapshots: Pick<Snapshots, 'current'>,
    private readonly attempts: Pick<Attempts, 'leasedBy'>,
  ) {}

  /** `rejectedLimit` bounds the list of refused offers, nearest misses first. */
  async run(spec: JobSpec, atMs: number, rejectedLimit: number): Promise<Plan> {
    const snapshot = await this.snapshots.current(atMs);
    const facts = factsOf(imagined(spec, atMs), ZERO_USD, atMs);
    const usage = await usageFor(this.attempts, snapshot, facts, atMs);
    const input = { ...decisionInput(facts, snapshot, atMs), usage };
    const nearestMisses = Math.max(KEPT.nearestMisses, rejectedLimit);
    const { summary } = decideOn(snapshot, input, { ...KEPT, nearestMisses });
    const misses = summary.nearestMisses;
    return {
      policyVersion: snapshot.policy.version,
      bookVersion: snapshot.book.version,
      summary: withEffectiveCosts(
        { ...summary, nearestMisses: misses.slice(0, KEPT.nearestMisses) },
        input,
      ),
      rejected: misses.slice(0, rejectedLimit),
    };
  }
}

/** The job as it would be stored, under an id that no suspension can name. */
function imagined(spec: JobSpec, atMs: number): Pick<Job, 'id' | 'spec' | 'submittedAtMs'> {
  return { id: asJobId('job-plan'), spec, submittedAtMs: atMs };
}
