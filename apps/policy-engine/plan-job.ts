import {
  ZERO_USD,
  asJobId,
  decide,
  summarise,
  type Decision,
  type DecisionSummary,
  type Job,
  type JobSpec,
  type NearestMiss,
} from '#libs/domain';
import { decisionInput, factsOf } from './make-decision';
import type { Snapshots } from './snapshots';

export interface Plan {
  readonly policyVersion: string;
  readonly bookVersion: number;
  readonly summary: DecisionSummary;
  readonly rejected: readonly NearestMiss[];
}

/** Decide as if the job were submitted now, and store nothing. */
export class PlanJob {
  constructor(private readonly snapshots: Pick<Snapshots, 'current'>) {}

  /** `rejectedLimit` bounds the list of refused offers, nearest misses first. */
  async run(spec: JobSpec, atMs: number, rejectedLimit: number): Promise<Plan> {
    const snapshot = await this.snapshots.current(atMs);
    const decision = decide(
      decisionInput(factsOf(imagined(spec, atMs), ZERO_USD, atMs), snapshot, atMs),
    );
    return {
      policyVersion: snapshot.policy.version,
      bookVersion: snapshot.book.version,
      summary: summarise(decision),
      rejected: nearestFirst(decision, rejectedLimit),
    };
  }
}

function nearestFirst({ rejected }: Decision, limit: number): readonly NearestMiss[] {
  return [...rejected]
    .sort(
      (a, b) => a.reasons.length - b.reasons.length || a.offer.pricePerHour - b.offer.pricePerHour,
    )
    .slice(0, limit)
    .map(({ offer, reasons }) => ({
      offerId: offer.id,
      pricePerHour: offer.pricePerHour,
      reasons,
    }));
}

/** The job as it would be stored, under an id that no suspension can name. */
function imagined(spec: JobSpec, atMs: number): Pick<Job, 'id' | 'spec' | 'submittedAtMs'> {
  return { id: asJobId('job-plan'), spec, submittedAtMs: atMs };
}
