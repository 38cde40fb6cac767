import type { EmulatorClock } from '#libs/provider-kit';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** How many timers one `advance` may run; more means that two timers feed each other for ever. */
const MAX_TIMERS_PER_ADVANCE = 1_000_000;

/** A clock that moves only when told, and runs what falls due on the way, in order of time and then of asking. */
export class ManualClock implements EmulatorClock {
  private readonly timers = new Set<Timer>();
  private asked = 0;

  constructor(private currentMs = 0) {}

  nowMs(): number {
    return this.currentMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer: Timer = { atMs: this.currentMs + Math.max(0, delayMs), order: this.asked, action };
    this.asked += 1;
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  /** Moves time forward by `ms`; each timer sees the moment it was set for, and may set further ones. */
  advance(ms: number): void {
    const untilMs = this.currentMs + Math.max(0, ms);
    for (let ran = 0; ran < MAX_TIMERS_PER_ADVANCE; ran += 1) {
      const next = this.nextDue(untilMs);
      if (next === null) {
        this.currentMs = untilMs;
        return;
      }
      this.timers.delete(next);
      this.currentMs = Math.max(this.currentMs, next.atMs);
      next.action();
    }
    throw new RangeError(`more than ${MAX_TIMERS_PER_ADVANCE} timers ran in one advance`);
  }

  /** When the next timer falls due, or null when none is set. */
  nextTimerAtMs(): number | null {
    return this.nextDue(Number.POSITIVE_INFINITY)?.atMs ?? null;
  }

  pendingTimers(): number {
    return this.timers.size;
  }

  private nextDue(untilMs: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.timers) {
      if (timer.atMs <= untilMs && (first === null || isBefore(timer, first))) first = timer;
    }
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
