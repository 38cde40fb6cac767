import {
  DECISION_WAIT_MS,
  KEPT,
  asDecisionId,
  canonicalJson,
  checkpointAtOf,
  concerning,
  deadlineAtMs,
  decideIndexed,
  effectiveCost,
  feasibilityOf,
  jobStateOf,
  keptDecision,
  leftMs,
  preferencesFor,
  renderFeasibility,
  spentOn,
  staleFeeds,
  withEffectiveCosts,
  type Attempt,
  type DecisionScene,
  type Job,
  type JobFacts,
  type JobId,
  type KeptDecision,
  type LimitUsages,
  type MicroUsd,
  type SummaryLimits,
  type Suspension,
} from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Clock, Ids } from '#libs/runtime';
import { StaleRevision, type DecisionRecord, type NewEvent, type Stores } from '#libs/storage';
import { digestOfDecision, digestOfFacts } from './digest';
import { usageFor } from './limit-usage';
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

  /**
   * A job that has ended needs no decision, and one that is placed only when it is to be reconsidered: then for the work that is
   * left. Asking again is harmless.
   */
  async run(id: JobId): Promise<void> {
    const job = await this.stores.jobs.get(id);
    if (job === null || job.outcome !== null) return;
    const attempts = await this.stores.attempts.ofJob(id);
    const nowMs = this.clock.nowMs();
    const live = attempts.filter(({ phase }) => phase !== 'released');
    if (live.length > 0 && !isAskedAbout(job, live, nowMs)) return;
    const snapshot = await this.snapshots.current(nowMs);
    const usage = await usageFor(
      this.stores.attempts,
      snapshot,
      factsOf(job, spentOn(attempts, nowMs), nowMs),
      nowMs,
    );
    const record = this.decided(job, attempts, { ...snapshot, usage }, nowMs);
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
    const previous =
      job.decisionId === null ? null : await this.stores.decisions.get(job.decisionId);
    const current = isUsed ? null : previous;
    if (current !== null && saysTheSame(current, record))
      return this.stores.decisions.confirm(next, record.atMs);
    const baseline = job.baseline ?? record.summary.baseline;
    // A job that runs for weeks would leave one at every look.
    const replaces = current?.kind === 'reconsideration' ? current.id : null;
    return this.stores.decisions.record(
      record,
      { ...next, decisionId: record.id, baseline },
      record.kind === 'reconsideration' ? [] : [decidedEvent(record), ...flipped(previous, record)],
      replaces,
    );
  }

  private decided(
    job: Job,
    attempts: readonly Attempt[],
    snapshot: Snapshot & { readonly usage: LimitUsages },
    nowMs: number,
  ): DecisionRecord {
    const suspensions = suspensionsFor(job.id, snapshot);
    const spent = spentOn(attempts, nowMs);
    const left = leftMs(job.spec, attempts);
    const known = { baseline: job.baseline, checkpointAt: checkpointAtOf(attempts, job.spec) };
    const facts = { ...factsOf(job, spent, nowMs, left), ...known };
    // Only what is stale makes a difference, and it stays the same from one look to the next.
    const feeds = staleFeeds(snapshot.feeds, nowMs);
    const { usage } = snapshot;
    const input = { ...decisionInput(facts, { ...snapshot, suspensions, feeds }, nowMs), usage };
    const kept = decideOn(snapshot, input);
    return {
      id: asDecisionId(this.ids.next('decision')),
      jobId: job.id,
      atMs: nowMs,
      engine: kept.summary.engine,
      policyVersion: snapshot.policy.version,
      bookVersion: snapshot.book.version,
      health: snapshot.health,
      suspensions,
      feeds,
      usage,
      spent,
      known,
      pricing: recordedPricing(snapshot),
      kind: attempts.some(({ phase }) => phase !== 'released') ? 'reconsideration' : 'placement',
      leftMs: left === job.spec.durationEstimateMs ? null : left,
      reserves: kept.reserves.map((ranked) => ({
        ...ranked,
        effective: effectiveCost(ranked, input),
      })),
      preferences: preferencesFor(snapshot.policy, facts, nowMs),
      summary: withEffectiveCosts(kept.summary, input),
      digests: {
        job: digestOfFacts(facts),
        policy: snapshot.policyDigest,
        offers: snapshot.bookDigest,
        decision: digestOfDecision(kept),
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

/** What a waiting job is told when any offer at all can run it now and could not before, or the other way round. */
function flipped(previous: DecisionRecord | null, record: DecisionRecord): readonly NewEvent[] {
  if (previous === null) return [];
  const before = feasibilityOf(previous.summary).verdict;
  const feasibility = feasibilityOf(record.summary);
  if (before === feasibility.verdict) return [];
  const [because = ''] = renderFeasibility(feasibility);
  const data = { from: before, to: feasibility.verdict, because };
  const { jobId, atMs } = record;
  return [{ type: 'job.feasibility-changed', data, jobId, attemptId: null, atMs }];
}

/** Whether two decisions say the same of every offer, about the same job and under the same policies. */
function saysTheSame(a: DecisionRecord, b: DecisionRecord): boolean {
  return (
    a.policyVersion === b.policyVersion && canonicalJson(a.digests) === canonicalJson(b.digests)
  );
}

/** The suspensions that can matter to the job. Without an index all that are about anybody's or this job's offers. */
function suspensionsFor(jobId: JobId, { suspensions, index }: Snapshot): readonly Suspension[] {
  return index === null
    ? suspensions.filter(({ scope, jobId: whose }) => scope !== 'offer-for-job' || whose === jobId)
    : concerning(index, suspensions, jobId);
}

/** The decision on the index of the book, or on the book itself where there is none. */
export function decideOn(
  { index, book }: Pick<Snapshot, 'index' | 'book'>,
  scene: DecisionScene,
  limits: SummaryLimits = KEPT,
): KeptDecision {
  return index === null
    ? keptDecision(scene, book.offers, limits)
    : decideIndexed(index, scene, limits);
}

/** Whether the dispatcher wants to know better for a job that holds a lease; a message that comes late or twice changes nothing. */
function isAskedAbout(
  { dueAtMs, spec }: Job,
  live: readonly Pick<Attempt, 'phase' | 'leaving' | 'abandonAs'>[],
  nowMs: number,
): boolean {
  const stays = live.every(
    ({ phase, leaving, abandonAs }) =>
      phase !== 'releasing' && leaving === null && abandonAs === null,
  );
  const isOpen = stays || spec.replicas !== null;
  return isOpen && dueAtMs !== null && dueAtMs <= nowMs + DECISION_WAIT_MS;
}

/**
 * What a decision may know of the job: `leftMs` is the work that no saved progress covers, null for all of it. A deadline that nothing could make any more is left out: the job is late then, and
 * finishing late beats waiting for an offer that cannot exist.
 */
export function factsOf(
  job: Pick<Job, 'id' | 'spec' | 'submittedAtMs'>,
  spent: MicroUsd,
  nowMs: number,
  leftMs: number | null = null,
): JobFacts {
  const deadline = deadlineAtMs(job);
  const durationEstimateMs = leftMs ?? job.spec.durationEstimateMs;
  const isReachable = deadline !== null && nowMs + durationEstimateMs <= deadline;
  const spec = { ...job.spec, durationEstimateMs };
  return { id: job.id, spec, deadlineAtMs: isReachable ? deadline : null, spent };
}

export function decisionInput(job: JobFacts, snapshot: Snapshot, nowMs: number): DecisionScene {
  const { policy, health, suspensions, feeds, egressPerGb } = snapshot;
  const pricing = { ...recordedPricing(snapshot), egressPerGb };
  return { job, policy, health, suspensions, nowMs, feeds, pricing };
}

/** What prices were worked out with besides the book, which a record keeps so that they can be worked out again. */
function recordedPricing({
  fx,
  calibration,
  commitments,
}: Snapshot): NonNullable<DecisionRecord['pricing']> {
  return { fx, calibration, commitments };
}
