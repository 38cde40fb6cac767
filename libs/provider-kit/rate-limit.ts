import { ProviderError } from './errors';
import type { Timers } from './timers';

export interface RateLimitSettings {
  readonly perSecond: number;
  readonly burst: number;
  readonly concurrency: number;
}

/** Calls that may wait for their turn; the next one is told to come back later. */
export const MAX_WAITING_CALLS = 100;

interface Waiter {
  readonly isUrgent: boolean;
  readonly admit: () => void;
}

/** A token bucket and a limit on calls under way, with a bounded line of those that wait. Urgent calls go to the head of the line. */
export class RateLimit {
  private tokens: number;
  private refilledAtMs: number;
  private running = 0;
  private line: readonly Waiter[] = [];
  private cancelWakeUp: (() => void) | null = null;

  constructor(
    private readonly settings: RateLimitSettings,
    private readonly timers: Timers,
  ) {
    this.tokens = settings.burst;
    this.refilledAtMs = timers.nowMs();
  }

  /** Resolves when it is the caller's turn, with a function to call when done. Rejects when the line is full or the signal aborts. */
  enter(signal: AbortSignal, isUrgent: boolean): Promise<() => void> {
    if (signal.aborted) return Promise.reject(abortedInLine());
    if (this.line.length >= MAX_WAITING_CALLS) return Promise.reject(this.lineIsFull());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.line = this.line.filter((each) => each !== waiter);
        reject(abortedInLine());
      };
      const waiter: Waiter = {
        isUrgent,
        admit: () => {
          signal.removeEventListener('abort', leave);
          resolve(this.exitOnce());
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.join(waiter);
      this.admitThoseDue();
    });
  }

  waiting(): number {
    return this.line.length;
  }

  private join(waiter: Waiter): void {
    const urgent = this.line.filter(({ isUrgent }) => isUrgent);
    const others = this.line.filter(({ isUrgent }) => !isUrgent);
    this.line = waiter.isUrgent ? [...urgent, waiter, ...others] : [...urgent, ...others, waiter];
  }

  private admitThoseDue(): void {
    this.refill();
    while (this.line.length > 0 && this.running < this.settings.concurrency && this.tokens >= 1) {
      const [first, ...rest] = this.line;
      this.line = rest;
      this.running += 1;
      this.tokens -= 1;
      first?.admit();
    }
    this.wakeUpForNextToken();
  }

  private refill(): void {
    const nowMs = this.timers.nowMs();
    const gained = ((nowMs - this.refilledAtMs) * this.settings.perSecond) / 1_000;
    this.tokens = Math.min(this.settings.burst, this.tokens + Math.max(0, gained));
    this.refilledAtMs = nowMs;
  }

  private wakeUpForNextToken(): void {
    const waitsForToken =
      this.line.length > 0 && this.running < this.settings.concurrency && this.tokens < 1;
    if (!waitsForToken || this.cancelWakeUp !== null) return;
    const delayMs = Math.ceil(((1 - this.tokens) * 1_000) / this.settings.perSecond);
    this.cancelWakeUp = this.timers.setTimer(Math.max(1, delayMs), () => {
      this.cancelWakeUp = null;
      this.admitThoseDue();
    });
  }

  private exitOnce(): () => void {
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.running -= 1;
      this.admitThoseDue();
    };
  }

  private lineIsFull(): ProviderError {
    const retryAfterMs = Math.ceil((this.line.length * 1_000) / this.settings.perSecond);
    return new ProviderError('rate-limited', 'too many calls wait for this provider', {
      retryAfterMs,
    });
  }
}

function abortedInLine(): ProviderError {
  return new ProviderError('unavailable', 'the call was given up before its turn came');
}
