import { StaleRevision } from '#libs/storage';

/** A worker is paused this long at most: pauses that outlast a provider's read lag are the sweep's business, not the loop's. */
export const MAX_PAUSE_MS = 5_000;

interface Gate {
  readonly open: () => void;
  readonly sinceMs: number;
}

/**
 * One worker process: it runs one use case at a time and stops at a gate before and after every effect. There the
 * scheduler lets it go on, keeps it waiting while others run, or kills it: a killed worker never gets past its gate.
 */
export class Worker {
  private gate: Gate | null = null;
  private busy = false;
  private life = 0;
  private settle: () => void = () => undefined;

  constructor(
    readonly name: string,
    private readonly nowMs: () => number,
    private readonly onBug: (error: unknown) => void,
  ) {}

  get isIdle(): boolean {
    return !this.busy;
  }

  /** Since when it stands at a gate, or null. */
  get pausedSinceMs(): number | null {
    return this.gate?.sinceMs ?? null;
  }

  /** Starts `run` and returns when it stands at its first gate or has ended. */
  start(run: () => Promise<void>): Promise<void> {
    this.busy = true;
    const { life } = this;
    return this.untilSettled(() => {
      run()
        .catch((error: unknown) => {
          if (!(error instanceof StaleRevision) && !(error instanceof Refused)) this.onBug(error);
        })
        .finally(() => {
          if (life !== this.life) return;
          this.busy = false;
          this.settle();
        });
    });
  }

  /** Lets it go on to its next gate or its end. */
  resume(): Promise<void> {
    const { gate } = this;
    this.gate = null;
    return gate === null ? Promise.resolve() : this.untilSettled(gate.open);
  }

  /** What it was doing is lost; the process is there again at once. */
  kill(): void {
    this.gate = null;
    this.busy = false;
    this.life += 1;
  }

  /** Called by everything that has an effect, before and after it. */
  pass(): Promise<void> {
    return new Promise((open) => {
      this.gate = { open, sinceMs: this.nowMs() };
      this.settle();
    });
  }

  private untilSettled(act: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.settle = resolve;
      act();
    });
  }
}

/** Thrown by a use case when a provider refuses outside the dispatch loop (a feed, a sweep); the message is simply repeated later. */
export class Refused extends Error {}

/** `target` with a gate before and after every method: what the worker does there can be delayed, or lost on either side of the effect. */
export function gated<Target extends object>(target: Target, worker: Worker): Target {
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(object, name, object);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        await worker.pass();
        try {
          return await (Reflect.apply(member, object, args) as Promise<unknown>);
        } finally {
          await worker.pass();
        }
      };
    },
  });
}

interface Timed {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

/** What is to happen later, in order of time; equal times in order of asking. A binary heap, since it is the hot path. */
export class Agenda {
  private readonly heap: Timed[] = [];
  private asked = 0;

  constructor(private currentMs: number) {}

  nowMs(): number {
    return this.currentMs;
  }

  at(atMs: number, act: () => void): void {
    this.heap.push({ atMs: Math.max(atMs, this.currentMs), order: this.asked, act });
    this.asked += 1;
    let index = this.heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  nextAtMs(): number | null {
    return this.heap[0]?.atMs ?? null;
  }

  /** Moves to the next thing, but not past `limitMs`, and does everything due by then. False when nothing was left to do. */
  advance(limitMs: number): boolean {
    const next = this.nextAtMs();
    if (next === null) return false;
    this.currentMs = Math.max(this.currentMs, Math.min(next, limitMs));
    while ((this.nextAtMs() ?? Infinity) <= this.currentMs) this.pop()?.act();
    return true;
  }

  private pop(): Timed | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined || this.heap.length === 0) return first;
    this.heap[0] = last;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      let smallest = index;
      if (left < this.heap.length && this.before(left, smallest)) smallest = left;
      if (left + 1 < this.heap.length && this.before(left + 1, smallest)) smallest = left + 1;
      if (smallest === index) return first;
      this.swap(index, smallest);
      index = smallest;
    }
  }

  private before(a: number, b: number): boolean {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return false;
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
  }

  private swap(a: number, b: number): void {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return;
    this.heap[a] = y;
    this.heap[b] = x;
  }
}
