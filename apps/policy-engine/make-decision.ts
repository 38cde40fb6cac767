import {
  asDecisionId,
  canonicalJson,
  deadlineAtMs,
  decide,
  jobStateOf,
  spentOn,
  summarise,
  mayHoldLease,
  type DecisionInput,
  type Job,
  type JobFacts,
  type JobId,
  type MicroUsd,
} from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Clock, Ids } from '#libs/runtime';
import { StaleRevision, type DecisionRecord, type Stores } from '#libs/storage';
import { digestOf } from './digest';
import type { Snapshot, Snapshots } from './snapshots';

/** Turn a due job into a decision, and give it to the dispatcher. */
export class MakeDecision {
  constructor(
    private readonly stores: Pick<Stores, 'jobs' | 'attempts' | 'decisions'>,
    private readonly snapshots: Pick<Snapshots, 'current'>,
    private readonly doorbell: Doorbell,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** A job that has ended or is placed already needs no decision; asking again is harmless. */
  async run(id: JobId): Promise<void> {
    const job = await this.stores.jobs.get(id);
    if (job === null || job.outcome !== null) return;
    const attempts = await this.stores.attempts.ofJob(id);
    if (attempts.some(({ phase }) => phase === 'planned' || mayHoldLease.has(phase))) return;
    const nowMs = this.clock.nowMs();
    const snapshot = await this.snapshots.current(nowMs);
    const record = this.decided(job, spentOn(attempts, nowMs), snapshot, nowMs);
    const next: Job = {
      ...job,
      decisionId: record.id,
      baseline: job.baseline ?? record.summary.baseline,
      state: jobStateOf(job, attempts),
      dueAtMs: nowMs,
    };
    try {
      const { ranked, rankedCount, rejectedCount } = record.summary;
      const data = {
        decision: record.id,
        ranked: rankedCount,
        rejected: rejectedCount,
        best: ranked[0]?.offer.id ?? null,
      };
      const event = { type: 'job.decided', data, jobId: id, attemptId: null, atMs: nowMs };
      const saved = await this.stores.decisions.record(record, next, [event]);
      this.doorbell.ring({
        queue: 'place',
        id,
        providerId: null,
        atMs: nowMs,
        tag: `r${saved.revision}`,
      });
    } catch (error) {
      if (!(error instanceof StaleRevision)) throw error;
    }
  }

  private decided(job: Job, spent: MicroUsd, snapshot: Snapshot, nowMs: number): DecisionRecord {
    const input = decisionInput(factsOf(job, spent, nowMs), snapshot, nowMs);
    const decision = decide(input);
    return {
      id: asDecisionId(this.ids.next('decision')),
      jobId: job.id,
      atMs: nowMs,
      engine: decision.engine,
      policyVersion: snapshot.policy.version,
      bookVersion: snapshot.book.version,
      health: snapshot.health,
      suspensions: snapshot.suspensions,
      spent,
      summary: summarise(decision),
      digests: {
        job: digestOf(canonicalJson(input.job)),
        policy: snapshot.policyDigest,
        offers: snapshot.bookDigest,
        decision: digestOf(canonicalJson(decision)),
      },
    };
  }
}

/**
 * What a decision may know of the job. A deadline that nothing could make any more is left out: the job is late then, and
 * finishing late beats waiting for an offer that cannot exist.
 */
export function factsOf(
  job: Pick<Job, 'id' | 'spec' | 'submittedAtMs'>,
  spent: MicroUsd,
  nowMs: number,
): JobFacts {
  const deadline = deadlineAtMs(job);
  const isReachable = deadline !== null && nowMs + job.spec.durationEstimateMs <= deadline;
  return { id: job.id, spec: job.spec, deadlineAtMs: isReachable ? deadline : null, spent };
}

export function decisionInput(job: JobFacts, snapshot: Snapshot, nowMs: number): DecisionInput {
  const { policy, book, health, suspensions } = snapshot;
  return { job, policy, offers: book.offers, health, suspensions, nowMs };
}
