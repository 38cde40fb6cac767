import {
  NO_REPORT,
  agreedTerms,
  asAttemptId,
  indexSuspensions,
  jobStateOf,
  jobStep,
  chargedFor,
  DECISION_WAIT_MS,
  type Attempt,
  type AttemptId,
  type Job,
  type JobId,
  type JobOutcome,
  type JobStep,
  type OfferId,
  type Placement,
  type Reconsideration,
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

type PlaceStores = Pick<Stores, 'jobs' | 'attempts' | 'decisions' | 'suspensions'>;

/** Take a job one step further: decide, place, wait in line, look again at where it runs, move it, or end it. */
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
        return this.rest(job, attempts, step.untilMs);
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
      case 'stay':
        return this.stay(job, attempts, step.outlook);
      case 'leave':
        return this.leave(step, job, attempts, nowMs);
      case 'abandon':
        return this.abandon(step, job, attempts, nowMs);
    }
  }

  /** Asleep until somebody wakes the job, or with `untilMs` until then. */
  private async rest(
    job: Job,
    attempts: readonly Attempt[],
    untilMs: number | null,
  ): Promise<void> {
    const state = jobStateOf(job, attempts);
    const saved = await this.stores.jobs.update(
      { ...job, state, dueAtMs: untilMs },
      { events: [] },
    );
    this.look(saved);
  }

  private async stay(
    job: Job,
    attempts: readonly Attempt[],
    outlook: Reconsideration,
  ): Promise<void> {
    const next = {
      ...job,
      state: jobStateOf(job, attempts),
      outlook,
      dueAtMs: outlook.nextLookAtMs,
    };
    const isNews = job.outlook?.do !== outlook.do || job.outlook.because !== outlook.because;
    const saved = await this.stores.jobs.update(next, {
      events: isNews ? [reconsidered(job, outlook)] : [],
    });
    this.look(saved);
  }

  /** The attempts are told first: should the rest get lost, the next look finds them on their way. */
  private async leave(
    { attempts: ids, leaving, outlook }: Extract<JobStep, { do: 'leave' }>,
    job: Job,
    attempts: readonly Attempt[],
    nowMs: number,
  ): Promise<void> {
    const told = await this.tell(attempts, ids, nowMs, (attempt) => ({ ...attempt, leaving }));
    const next = { ...job, state: jobStateOf(job, told), outlook, dueAtMs: null };
    await this.stores.jobs.update(next, { events: [reconsidered(job, outlook)] });
  }

  private async abandon(
    { attempts: ids, as }: Extract<JobStep, { do: 'abandon' }>,
    job: Job,
    attempts: readonly Attempt[],
    nowMs: number,
  ): Promise<void> {
    const told = await this.tell(attempts, ids, nowMs, (attempt) => ({
      ...attempt,
      abandonAs: attempt.abandonAs ?? as,
    }));
    await this.rest(job, told, null);
  }

  /** Writes `change` into the attempts that are meant, makes them due at once and returns all as they are now. */
  private async tell(
    attempts: readonly Attempt[],
    ids: readonly AttemptId[],
    nowMs: number,
    change: (attempt: Attempt) => Attempt,
  ): Promise<readonly Attempt[]> {
    const told: Attempt[] = [];
    for (const attempt of attempts) {
      if (!ids.includes(attempt.id)) {
        told.push(attempt);
        continue;
      }
      const next = { ...change(attempt), dueAtMs: nowMs };
      const quiet = { events: [], suspensions: [], jobState: null, wakeJob: false, nowMs };
      const saved = await this.stores.attempts.update(next, quiet);
      told.push(saved);
      this.ringFor(saved, nowMs);
    }
    return told;
  }

  private look({ id, dueAtMs, revision }: Job): void {
    if (dueAtMs === null) return;
    this.doorbell.ring({
      queue: 'place',
      id,
      providerId: null,
      atMs: dueAtMs,
      tag: `r${revision}`,
    });
  }

  private ringFor({ id, offer, revision }: Attempt, atMs: number): void {
    this.doorbell.ring({
      queue: 'advance',
      id,
      providerId: offer.providerId,
      atMs,
      tag: `r${revision}`,
    });
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
    { untilMs, awaited, outlook }: Extract<JobStep, { do: 'wait' }>,
    job: Job,
    attempts: readonly Attempt[],
    decision: StoredDecision | null,
    nowMs: number,
  ): Promise<void> {
    const next = { ...job, state: jobStateOf(job, attempts), outlook, dueAtMs: untilMs };
    const known = await this.stores.jobs.awaited(job.id);
    const events = isOtherWait(known, awaited, decision)
      ? [eventOf(job, 'job.waiting', { untilMs, awaited: awaited.length }, nowMs)]
      : [];
    const saved = await this.stores.jobs.update(next, { events, awaited });
    this.look(saved);
  }

  private async end(
    job: Job,
    attempts: readonly Attempt[],
    outcome: JobOutcome,
    nowMs: number,
  ): Promise<void> {
    const ended = { ...job, outcome, endedAtMs: nowMs, dueAtMs: null };
    const next = { ...ended, state: jobStateOf(ended, attempts) };
    const settled = chargedFor(attempts, job.spec, nowMs);
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
    { placements, outlook }: Extract<JobStep, { do: 'place' }>,
    job: Job,
    attempts: readonly Attempt[],
    decision: DecisionRecord,
    nowMs: number,
  ): Promise<void> {
    const round = (attempts.at(-1)?.round ?? 0) + 1;
    const planned = placements.map((placement, index) =>
      plannedAttempt(placement, {
        id: asAttemptId(this.ids.next('attempt')),
        job,
        decision,
        number: attempts.length + index + 1,
        round,
        nowMs,
      }),
    );
    const state = jobStateOf(job, [...attempts, ...planned]);
    const next = { ...job, state, outlook, dueAtMs: outlook.nextLookAtMs };
    const events = planned.map((attempt, index) => ({
      ...eventOf(
        job,
        'job.placed',
        {
          offer: attempt.offer.id,
          expectedCost: placements[index]?.ranked.expectedCost ?? 0,
          number: attempt.number,
        },
        nowMs,
      ),
      attemptId: attempt.id,
    }));
    await this.stores.attempts.planRound(next, planned, events);
    for (const attempt of planned) this.ringFor(attempt, nowMs);
    this.look({ ...next, revision: next.revision + 1 });
  }
}

interface PlanFacts {
  readonly id: AttemptId;
  readonly job: Job;
  readonly decision: DecisionRecord;
  readonly number: number;
  readonly round: number;
  readonly nowMs: number;
}

function plannedAttempt(
  { ranked, role, slot, maxLeaseMs, maxLeaseMeans }: Placement,
  { id, job, decision, number, round, nowMs }: PlanFacts,
): Attempt {
  return {
    id,
    jobId: job.id,
    decisionId: decision.id,
    number,
    role,
    slot,
    round,
    offer: ranked.offer,
    agreed: agreedTerms(ranked, job.spec),
    phase: 'planned',
    phaseSinceMs: nowMs,
    outcome: null,
    errorKind: null,
    errorText: null,
    abandonAs: null,
    leaving: null,
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
  if (decision === null) return [];
  const all = [...decision.summary.ranked, ...decision.reserves];
  return [...new Set(all.map(({ offer }) => offer.id))];
}

function reconsidered(job: Job, outlook: Reconsideration): NewEvent {
  const { do: what, to, because, latenessBps, noReturnAtMs, atMs } = outlook;
  return eventOf(
    job,
    'job.reconsidered',
    { do: what, to, because, latenessBps, noReturnAtMs },
    atMs,
  );
}

function eventOf(
  job: Job,
  type: string,
  data: Readonly<Record<string, unknown>>,
  atMs: number,
): NewEvent {
  return { type, data, jobId: job.id, attemptId: null, atMs };
}
