import {
  NO_REPORT,
  asAttemptId,
  indexSuspensions,
  jobStateOf,
  jobStep,
  spentOn,
  type Attempt,
  type Job,
  type JobId,
  type JobOutcome,
  type JobStep,
  type OfferId,
} from '#libs/domain';
import type { Doorbell } from '#libs/queue';
import type { Clock, Ids } from '#libs/runtime';
import {
  StaleRevision,
  type DecisionRecord,
  type NewEvent,
  type StoredDecision,
  type Stores,
} from '#libs/storage';

/** A decision that was asked for and has not come by then is asked for again. */
const DECISION_WAIT_MS = 30_000;

type PlaceStores = Pick<Stores, 'jobs' | 'attempts' | 'decisions' | 'suspensions'>;

/** Take a job that has no live attempt one step further: decide, place, wait in line, or end. */
export class PlaceJob {
  constructor(
    private readonly stores: PlaceStores,
    private readonly doorbell: Doorbell,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Safe to call at any time, any number of times, from any worker; a job that is not due is left alone. */
  async run(id: JobId): Promise<void> {
    const job = await this.stores.jobs.get(id);
    const nowMs = this.clock.nowMs();
    if (job === null || job.dueAtMs === null || job.dueAtMs > nowMs) return;
    try {
      await this.place(job, nowMs);
    } catch (error) {
      if (!(error instanceof StaleRevision)) throw error;
    }
  }

  private async place(job: Job, nowMs: number): Promise<void> {
    const attempts = await this.stores.attempts.ofJob(job.id);
    const decision =
      job.decisionId === null ? null : await this.stores.decisions.get(job.decisionId);
    const suspensions = indexSuspensions(
      await this.stores.suspensions.inForce(nowMs),
      job.id,
      nowMs,
    );
    const spokenFor = await this.stores.jobs.spokenFor(job, rankedIds(decision));
    const fresh = decision && { ...decision, atMs: decision.confirmedAtMs };
    const step = jobStep({ job, attempts, decision: fresh, suspensions, spokenFor, nowMs });
    await this.take(step, job, attempts, decision, nowMs);
  }

  private async take(
    step: JobStep,
    job: Job,
    attempts: readonly Attempt[],
    decision: StoredDecision | null,
    nowMs: number,
  ): Promise<void> {
    switch (step.do) {
      case 'rest':
        await this.stores.jobs.update({ ...job, dueAtMs: null }, { events: [] });
        return;
      case 'decide': {
        const saved = await this.stores.jobs.update(
          { ...job, dueAtMs: nowMs + DECISION_WAIT_MS },
          { events: [] },
        );
        this.doorbell.ring({
          queue: 'decide',
          id: job.id,
          providerId: null,
          atMs: nowMs,
          tag: `r${saved.revision}`,
        });
        return;
      }
      case 'wait':
        return this.wait(step, job, attempts, decision, nowMs);
      case 'end':
        await this.end(job, attempts, step.outcome, nowMs);
        return this.wakeNextInLine(decision, nowMs);
      case 'place':
        if (decision === null) return;
        await this.plan(step, job, attempts, decision, nowMs);
        return this.wakeNextInLine(decision, nowMs);
    }
  }

  /** The job has left the line: whoever is first now for what it might have taken need not wait until their own time comes. */
  private async wakeNextInLine(decision: DecisionRecord | null, nowMs: number): Promise<void> {
    const offers = [...rankedIds(decision), ...(decision?.summary.awaited ?? [])];
    for (const id of await this.stores.jobs.wakeHeads(offers, nowMs)) {
      this.doorbell.ring({
        queue: 'place',
        id,
        providerId: null,
        atMs: nowMs,
        tag: `line-${nowMs}`,
      });
    }
  }

  private async wait(
    { untilMs, awaited }: Extract<JobStep, { do: 'wait' }>,
    job: Job,
    attempts: readonly Attempt[],
    decision: StoredDecision | null,
    nowMs: number,
  ): Promise<void> {
    const next = { ...job, state: jobStateOf(job, attempts), dueAtMs: untilMs };
    const known = await this.stores.jobs.awaited(job.id);
    const events = isOtherWait(known, awaited, decision)
      ? [eventOf(job, 'job.waiting', { untilMs, awaited: awaited.length }, nowMs)]
      : [];
    const saved = await this.stores.jobs.update(next, { events, awaited });
    this.doorbell.ring({
      queue: 'place',
      id: job.id,
      providerId: null,
      atMs: untilMs,
      tag: `r${saved.revision}`,
    });
  }

  private async end(
    job: Job,
    attempts: readonly Attempt[],
    outcome: JobOutcome,
    nowMs: number,
  ): Promise<void> {
    const ended = { ...job, outcome, endedAtMs: nowMs, dueAtMs: null };
    const next = { ...ended, state: jobStateOf(ended, attempts) };
    const settled = spentOn(attempts, nowMs);
    const events = [
      eventOf(
        job,
        'job.ended',
        { outcome, costMicroUsd: settled, attempts: attempts.length },
        nowMs,
      ),
    ];
    await this.stores.jobs.update(next, { events, awaited: [], settled });
  }

  private async plan(
    { placement, maxLeaseMs, maxLeaseMeans }: Extract<JobStep, { do: 'place' }>,
    job: Job,
    attempts: readonly Attempt[],
    decision: DecisionRecord,
    nowMs: number,
  ): Promise<void> {
    const attempt: Attempt = {
      id: asAttemptId(this.ids.next('attempt')),
      jobId: job.id,
      decisionId: decision.id,
      number: attempts.length + 1,
      offer: placement.offer,
      phase: 'planned',
      phaseSinceMs: nowMs,
      outcome: null,
      errorKind: null,
      errorText: null,
      abandonAs: null,
      externalId: null,
      unseenSinceMs: null,
      failedCalls: 0,
      billedFromMs: null,
      billedToMs: null,
      observedPricePerHour: null,
      noticeAtMs: null,
      maxLeaseMs,
      maxLeaseMeans,
      report: NO_REPORT,
      createdAtMs: nowMs,
      revision: 0,
      dueAtMs: nowMs,
    };
    const next = { ...job, state: jobStateOf(job, [...attempts, attempt]), dueAtMs: null };
    const data = {
      offer: placement.offer.id,
      expectedCost: placement.expectedCost,
      number: attempt.number,
    };
    await this.stores.attempts.plan(next, attempt, [
      { ...eventOf(job, 'job.placed', data, nowMs), attemptId: attempt.id },
    ]);
    this.doorbell.ring({
      queue: 'advance',
      id: attempt.id,
      providerId: attempt.offer.providerId,
      atMs: nowMs,
      tag: 'r0',
    });
  }
}

/** Looking again and finding what was found before is no news; who waits for nothing stands in no line, and has the decision tell. */
function isOtherWait(
  known: readonly OfferId[],
  awaited: readonly OfferId[],
  decision: StoredDecision | null,
): boolean {
  if (known.length === 0 && awaited.length === 0)
    return decision === null || decision.confirmedAtMs === decision.atMs;
  return known.length !== awaited.length || awaited.some((id) => !known.includes(id));
}

function rankedIds(decision: DecisionRecord | null): readonly OfferId[] {
  return decision === null ? [] : decision.summary.ranked.map(({ offer }) => offer.id);
}

function eventOf(
  job: Job,
  type: string,
  data: Readonly<Record<string, unknown>>,
  atMs: number,
): NewEvent {
  return { type, data, jobId: job.id, attemptId: null, atMs };
}
