import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventSignal } from '#libs/storage';

/** A ring does not say which job has news, so it wakes everybody: so many at once, and the others in turn. */
const WAKES_AT_ONCE = 50;
const WAKE_EVERY_MS = 50;
/** All streams together look for news by themselves no more often than this. */
const LOOKS_PER_SECOND = 200;

/**
 * Lets open streams sleep until there may be news, and ends them when the process stops. However many sleep and however often
 * it rings, they come back a few at a time, so that the database is asked at a bounded rate.
 */
@Injectable()
export class EventWaits implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sleepers = new Set<() => void>();
  private stopListening: () => Promise<void> = async () => undefined;
  /** Those that have been rung for and wait for their turn. */
  private readonly due = new Set<() => void>();
  private turn: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(private readonly signal: EventSignal) {}

  /** Streams work without the signal too, only later: they poll. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      this.stopListening = await this.signal.listen(() => this.ring());
    } catch (error) {
      new Logger('gateway').warn({ message: 'event streams fall back to polling', error });
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    if (this.turn !== null) clearTimeout(this.turn);
    for (const wake of this.sleepers) wake();
    await this.stopListening();
  }

  /** Streams end at their next look. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Until the next ring, and at most for `limitMs`, or longer when very many sleep. */
  next(limitMs: number): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        this.due.delete(wake);
        resolve();
      };
      this.sleepers.add(wake);
      const fairMs = (this.sleepers.size * 1_000) / LOOKS_PER_SECOND;
      const timer = setTimeout(wake, Math.max(limitMs, fairMs));
    });
  }

  private ring(): void {
    for (const wake of this.sleepers) this.due.add(wake);
    if (this.turn === null) this.wakeSome();
  }

  private wakeSome(): void {
    for (const wake of [...this.due].slice(0, WAKES_AT_ONCE)) wake();
    this.turn = setTimeout(() => {
      this.turn = null;
      if (this.due.size > 0) this.wakeSome();
    }, WAKE_EVERY_MS);
  }
}
