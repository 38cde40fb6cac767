import {
  asDecisionId,
  canonicalJson,
  deadlineAtMs,
  decide,
  jobStateOf,
  mayHoldLease,
  spentOn,
  summarise,
  suspensionKey,
  type Attempt,
  type DecisionInput,
  type Job,
  type JobFacts,
  type JobId,
  type MicroUsd,
  type Suspension,
} from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Clock, Ids } from '#libs/runtime';
import { StaleRevision, type DecisionRecord, type NewEvent, type Stores } from '#libs/storage';
import { digestOf, digestOfDecision } from './digest';
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
    try {
      const saved = await this.keep(record, job, attempts);
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

  /**
   * A decision that only repeats the job's current one is not stored again: a job that waits for days would leave one every
   * few minutes. One from which an attempt came is used up, and its like is a decision of its own.
   */
  private async keep(record: DecisionRecord, job: Job, attempts: readonly Attempt[]): Promise<Job> {
    const next: Job = { ...job, state: jobStateOf(job, attempts), dueAtMs: record.atMs };
    const isUsed = attempts.some(({ decisionId }) => decisionId === job.decisionId);
    const current =
      job.decisionId === null || isUsed ? null : await this.stores.decisions.get(job.decisionId);
    if (current !== null && saysTheSame(current, record))
      return this.stores.decisions.confirm(next, record.atMs);
    const baseline = job.baseline ?? record.summary.baseline;
    return this.stores.decisions.record(record, { ...next, decisionId: record.id, baseline }, [
      decidedEvent(record),
    ]);
  }

  private decided(job: Job, spent: MicroUsd, snapshot: Snapshot, nowMs: number): DecisionRecord {
    const suspensions = concerning(job.id, snapshot);
    const facts = factsOf(job, spent, nowMs);
    const input = decisionInput(facts, { ...snapshot, suspensions }, nowMs);
    const decision = decide(input);
    return {
      id: asDecisionId(this.ids.next('decision')),
      jobId: job.id,
      atMs: nowMs,
      engine: decision.engine,
      policyVersion: snapshot.policy.version,
      bookVersion: snapshot.book.version,
      health: snapshot.health,
      suspensions,
      spent,
      summary: summarise(decision),
      digests: {
        job: digestOf(canonicalJson(input.job)),
        policy: snapshot.policyDigest,
        offers: snapshot.bookDigest,
        decision: digestOfDecision(decision),
      },
    };
  }
}

function decidedEvent({ id, jobId, atMs, summary }: DecisionRecord): NewEvent {
  const { ranked, rankedCount, rejectedCount } = summary;
  const best = ranked[0]?.offer.id ?? null;
  const data = { decision: id, ranked: rankedCount, rejected: rejectedCount, best };
  return { type: 'job.decided', data, jobId, attemptId: null, atMs };
}

/** Whether two decisions say the same of every offer, about the same job and under the same policies. */
function saysTheSame(a: DecisionRecord, b: DecisionRecord): boolean {
  return (
    a.policyVersion === b.policyVersion && canonicalJson(a.digests) === canonicalJson(b.digests)
  );
}

/** The suspensions that can matter to the job: its own and everybody's, as far as the book has what they are about. */
function concerning(jobId: JobId, { suspensions, book }: Snapshot): readonly Suspension[] {
  const mine = suspensions.filter((s) => s.scope !== 'offer-for-job' || s.jobId === jobId);
  if (mine.length === 0) return mine;
  const scopes = [...new Set(mine.map(({ scope }) => scope))];
  const keys = new Set(
    book.offers.flatMap((offer) => scopes.map((scope) => suspensionKey(scope, offer))),
  );
  return mine.filter(({ key }) => keys.has(key));
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
