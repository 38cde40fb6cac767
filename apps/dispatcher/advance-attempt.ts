import {
  BOOK_EVERY_MS,
  abandoned,
  abandonReason,
  advanced,
  attemptDueAtMs,
  heard,
  jobStateOf,
  markedUnseen,
  moveFor,
  started,
  toldBySupervisor,
  type Advance,
  type Attempt,
  type AttemptId,
  type LoopTerms,
  type Move,
  type Outcome,
} from '#libs/domain';
import {
  ProviderError,
  guardedCall,
  type AdapterRegistry,
  type LeaseRef,
  type ProviderAdapter,
} from '#libs/provider-kit';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import { StaleRevision, type Attempts } from '#libs/storage';
import type { LeaseRequests } from './lease-requests';
import { loopTerms } from './loop-terms';
import type { MeasuredStarts } from './measured-starts';

/** Move one attempt one step: load, make at most one provider call, record what it amounted to. */
export class AdvanceAttempt {
  constructor(
    private readonly attempts: Attempts,
    private readonly adapters: AdapterRegistry,
    private readonly requests: LeaseRequests,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
    private readonly starts: MeasuredStarts | null = null,
  ) {}

  /**
   * Safe to call at any time, any number of times, from any worker; an attempt that is not due is left alone. Returns the
   * attempt as it was recorded, or null when nothing was.
   */
  async run(id: AttemptId): Promise<Attempt | null> {
    const attempt = await this.attempts.get(id);
    const nowMs = this.clock.nowMs();
    if (attempt === null || attempt.dueAtMs === null || attempt.dueAtMs > nowMs) return null;
    try {
      return await this.advance(attempt, nowMs);
    } catch (error) {
      if (!(error instanceof StaleRevision)) throw error;
      return null;
    }
  }

  private async advance(attempt: Attempt, nowMs: number): Promise<Attempt | null> {
    const adapter = this.adapters.for(attempt.offer.providerId);
    const startP99Ms = (await this.starts?.p99MsFor(attempt, nowMs)) ?? null;
    const terms = loopTerms(adapter.descriptor, startP99Ms);
    const told = toldBySupervisor(attempt);
    if (told !== null) return this.record(heard(attempt, told, nowMs), terms, null);
    const reason = abandonReason(attempt, terms, nowMs);
    if (reason !== null) return this.record(abandoned(attempt, reason, nowMs), terms, null);
    const move = moveFor(attempt, terms, nowMs);
    if (move === 'rest') return null;
    if (move === 'start') return this.record(started(attempt, nowMs), terms, null);

    const marked =
      move === 'acquire'
        ? await this.markUnseen(attempt, adapter.descriptor.callTimeoutMs, nowMs)
        : attempt;
    const outcome = await this.perform(adapter, move, marked);
    const retryAfterMs = 'failed' in outcome ? outcome.failed.retryAfterMs : null;
    return this.record(
      advanced(marked, move, outcome, terms, this.clock.nowMs()),
      terms,
      retryAfterMs,
    );
  }

  /** Written before the call, so that a reply that gets lost is never taken for absence; due again should this worker die. */
  private markUnseen(attempt: Attempt, callTimeoutMs: number, nowMs: number): Promise<Attempt> {
    const marked = { ...markedUnseen(attempt, nowMs), dueAtMs: nowMs + callTimeoutMs };
    return this.attempts.update(marked, {
      events: [],
      suspensions: [],
      jobState: stateWith(marked),
      wakeJob: false,
      nowMs,
    });
  }

  private async perform(adapter: ProviderAdapter, move: Move, attempt: Attempt): Promise<Outcome> {
    const ref: LeaseRef = {
      leaseKey: attempt.id,
      externalId: attempt.externalId,
      region: attempt.offer.region,
    };
    const ctx = guardedCall(this.clock.nowMs(), latestAcquireMs(adapter, move, attempt));
    try {
      if (move === 'acquire')
        return { saw: await adapter.acquire(await this.requests.for(attempt), ctx) };
      return {
        saw: move === 'release' ? await adapter.release(ref, ctx) : await adapter.observe(ref, ctx),
      };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return {
        failed: { kind: error.kind, text: error.message, retryAfterMs: error.retryAfterMs },
      };
    }
  }

  private async record(
    { attempt, news, suspensions }: Advance,
    terms: LoopTerms,
    retryAfterMs: number | null,
  ): Promise<Attempt> {
    const nowMs = this.clock.nowMs();
    const next = { ...attempt, dueAtMs: attemptDueAtMs(attempt, terms, retryAfterMs, nowMs) };
    const released = next.phase === 'released';
    const isShared = next.role !== 'solo' && news.length > 0;
    const saved = await this.attempts.update(next, {
      events: news.map((item) => ({ ...item, jobId: next.jobId, attemptId: next.id, atMs: nowMs })),
      suspensions,
      jobState: stateWith(next),
      wakeJob: released || isShared,
      nowMs,
    });
    this.ring(
      saved,
      news.some(({ type }) => type === 'attempt.lease-granted'),
      nowMs,
    );
    if (isShared || released) this.wake(saved, nowMs);
    return saved;
  }

  private ring(attempt: Attempt, isNewLease: boolean, nowMs: number): void {
    const { id, revision, dueAtMs } = attempt;
    const providerId = attempt.offer.providerId;
    const tag = `r${revision}`;
    if (dueAtMs !== null)
      this.doorbell.ring({ queue: 'advance', id, providerId, atMs: dueAtMs, tag });
    if (isNewLease) {
      this.doorbell.ring({
        queue: 'book-costs',
        id,
        providerId: null,
        atMs: nowMs + BOOK_EVERY_MS,
        tag,
      });
    }
    if (attempt.phase !== 'released') return;
    this.doorbell.ring({ queue: 'book-costs', id, providerId: null, atMs: nowMs, tag });
    this.doorbell.ring({ queue: 'learn', id, providerId: null, atMs: nowMs, tag });
  }

  /** What becomes of the job is for all of its attempts together to say. */
  private wake({ id, jobId, phase }: Attempt, nowMs: number): void {
    this.doorbell.ring({
      queue: 'place',
      id: jobId,
      providerId: null,
      atMs: nowMs,
      tag: `${id}-${phase}`,
    });
  }
}

/** The quiet time begins with the mark, so an acquire that has not had its turn by then is not sent any more. */
function latestAcquireMs(
  { descriptor }: ProviderAdapter,
  move: Move,
  attempt: Attempt,
): number | null {
  if (move !== 'acquire' || attempt.unseenSinceMs === null) return null;
  return attempt.unseenSinceMs + descriptor.callTimeoutMs;
}

/** The job's state while this is its live attempt; null where others have a say in it. */
function stateWith(attempt: Attempt): ReturnType<typeof jobStateOf> | null {
  if (attempt.role !== 'solo') return null;
  return jobStateOf(
    { outcome: null, cancelRequestedAtMs: attempt.abandonAs === 'cancelled' ? 0 : null },
    [attempt],
  );
}
