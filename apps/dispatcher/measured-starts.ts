import { reliabilityOf, type Attempt, type HealthSnapshot, type Offer } from '#libs/domain';
import type { Health } from '#libs/storage';

/** Measurements older than this are read again; they change slowly. */
const FRESH_FOR_MS = 60_000;

/** How slow starts are at an offer, from what the health monitor has learned. */
export class MeasuredStarts {
  private known: { readonly health: HealthSnapshot; readonly readAtMs: number } | null = null;

  constructor(private readonly health: Pick<Health, 'snapshot'>) {}

  /** The hundredth slowest start, ms, for an attempt that is starting; null while not measured. Infinity: slower than any seen. */
  async p99MsFor({ phase, offer }: Attempt, nowMs: number): Promise<number | null> {
    return phase === 'starting' ? this.p99Ms(offer, nowMs) : null;
  }

  private async p99Ms(offer: Offer, nowMs: number): Promise<number | null> {
    if (this.known === null || nowMs - this.known.readAtMs >= FRESH_FOR_MS)
      this.known = { health: await this.health.snapshot(), readAtMs: nowMs };
    return reliabilityOf(offer, this.known.health, nowMs).startupP99Ms;
  }
}
