import { observe, type SupplyState } from '#libs/domain';
import type { MarketHistory } from './trace-policy';

const MS_PER_S = 1_000;

/** One zone as it was seen up to a tick: what was known at the beginning of every epoch, and at each tick since when it is as it is. */
export class Watch {
  private state: SupplyState | null = null;
  private readonly sinceMs: number[] = [];
  private readonly known: (SupplyState | null)[] = [];

  constructor(
    private readonly zone: number,
    private readonly ticksPerEpoch: number,
  ) {}

  upTo(history: MarketHistory, tick: number): void {
    const { tickS } = history;
    for (let at = this.sinceMs.length; at <= tick; at += 1) {
      if (at % this.ticksPerEpoch === 0) this.known.push(this.state);
      this.state = observe(this.state, history.isAvailable(this.zone, at), at * tickS * MS_PER_S);
      this.sinceMs.push(this.state.run.sinceMs);
    }
  }

  /** What was known at the beginning of an epoch. */
  knownAt(epoch: number): SupplyState | null {
    return this.known[epoch] ?? null;
  }

  ageMs(tick: number, tickS: number): number {
    return Math.max(0, tick * tickS * MS_PER_S - (this.sinceMs[tick] ?? 0));
  }
}
