import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventSignal } from '#libs/storage';

/** Lets open streams sleep until there may be news, and ends them when the process stops. */
@Injectable()
export class EventWaits implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sleepers = new Set<() => void>();
  private stopListening: () => Promise<void> = async () => undefined;
  private stopped = false;

  constructor(private readonly signal: EventSignal) {}

  /** Streams work without the signal too, only later: they poll. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      this.stopListening = await this.signal.listen(() => this.wakeAll());
    } catch (error) {
      new Logger('gateway').warn({ message: 'event streams fall back to polling', error });
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.wakeAll();
    await this.stopListening();
  }

  /** Streams end at their next look. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Until the next ring, and at most for `limitMs`. */
  next(limitMs: number): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, limitMs);
      this.sleepers.add(wake);
    });
  }

  private wakeAll(): void {
    for (const wake of this.sleepers) wake();
  }
}
