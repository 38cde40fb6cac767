import {
  attemptBill,
  calibrationKey,
  lessonFrom,
  microUsd,
  savedMs,
  workShareOf,
  type Attempt,
  type AttemptId,
  type Job,
  type RankedOffer,
  type Realised,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { DecisionRecord, Stores } from '#libs/storage';

type CalibrationStores = Pick<Stores, 'jobs' | 'attempts' | 'decisions' | 'calibrations'>;

/** Compare what an ended attempt has cost with what was predicted when it was placed, so that later predictions are nearer. */
export class CalibrateCosts {
  constructor(
    private readonly stores: CalibrationStores,
    private readonly clock: Clock,
  ) {}

  /** Repeatable: an attempt teaches once. One that never ran, or whose prediction is not kept, teaches nothing. */
  async run(id: AttemptId): Promise<void> {
    const attempt = await this.stores.attempts.get(id);
    if (attempt === null || attempt.phase !== 'released') return;
    if (attempt.report.startedAtMs === null || attempt.billedFromMs === null) return;
    const job = await this.stores.jobs.get(attempt.jobId);
    const ranked = await this.rankedFor(attempt);
    if (job === null || ranked?.effective === undefined) return;
    const nowMs = this.clock.nowMs();
    const lesson = lessonFrom({
      attempt,
      spec: job.spec,
      terms: ranked.terms,
      prediction: ranked.effective.prediction,
      listCost: attemptBill(attempt, nowMs).listCost,
      savedMs: savedMs(attempt, job.spec),
      finished: await this.finished(attempt, job, nowMs),
    });
    if (lesson !== null)
      await this.stores.calibrations.learn(id, calibrationKey(attempt.offer), lesson, nowMs);
  }

  /** The offer as it was ranked by the decision that the attempt came from. */
  private async rankedFor({ decisionId, offer }: Attempt): Promise<RankedOffer | null> {
    const decision = await this.stores.decisions.get(decisionId);
    return decision === null ? null : rankedIn(decision, offer.id);
  }

  /** The whole job's bill beside its first prediction, where all of it ran in one market, one machine at a time. */
  private async finished(attempt: Attempt, job: Job, nowMs: number): Promise<Realised['finished']> {
    if (attempt.outcome !== 'succeeded' || attempt.role !== 'solo') return null;
    const all = await this.stores.attempts.ofJob(job.id);
    const leased = all.filter(({ billedFromMs }) => billedFromMs !== null);
    const key = calibrationKey(attempt.offer);
    const [first] = leased;
    if (first === undefined || leased.some(({ offer }) => calibrationKey(offer) !== key))
      return null;
    const prediction = (await this.rankedFor(first))?.effective?.prediction;
    if (prediction === undefined) return null;
    const listCost = leased.reduce((sum, one) => sum + attemptBill(one, nowMs).listCost, 0);
    const ranMs = leased.reduce((sum, one) => sum + keptMs(one, attempt, job), 0);
    return {
      listCost: microUsd(listCost),
      usefulMs: ranMs * workShareOf(prediction),
      prediction,
    };
  }
}

function rankedIn({ summary, reserves }: DecisionRecord, offerId: string): RankedOffer | null {
  return [...summary.ranked, ...reserves].find(({ offer }) => offer.id === offerId) ?? null;
}

/** Of the last all that it ran, of the others what survived them. */
function keptMs(one: Attempt, last: Attempt, { spec }: Job): number {
  if (one.id !== last.id) return savedMs(one, spec);
  const { startedAtMs, exit } = one.report;
  return startedAtMs === null || exit === null ? 0 : Math.max(0, exit.atMs - startedAtMs);
}
