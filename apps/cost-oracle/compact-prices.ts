import { dayStart, PRICE_DAY_MS, priceDays, type OfferId } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

/** Offers of one look, and rows that one statement deletes at most. */
const BATCH = 500;
/** What one run does at most; what is left is there an hour later, and grows more slowly than that. */
const MAX_BATCHES = 200;
/** Points of one offer that one run puts together, some thousand days of a price that changes every half hour. */
const MAX_POINTS = 50_000;

/** For how many days what is kept of prices. */
export interface PriceRetention {
  /** Each change of a price. */
  readonly keepPricePointsDays: number;
  /** The lowest, the middle and the highest price of a day; rates of tokens and currencies as well. */
  readonly keepPriceDaysDays: number;
}

/** Put days in the place of old points of prices, and delete days and rates that have been kept long enough. */
export class CompactPrices {
  constructor(
    private readonly stores: Pick<Stores, 'prices' | 'fxRates'>,
    private readonly kept: PriceRetention,
    private readonly clock: Clock,
    private readonly batch: number = BATCH,
  ) {}

  /** Repeatable, and safe beside every writer. */
  async run(): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.compactBefore(dayStart(nowMs - this.kept.keepPricePointsDays * PRICE_DAY_MS));
    await this.pruneBefore(dayStart(nowMs - this.kept.keepPriceDaysDays * PRICE_DAY_MS));
  }

  private async compactBefore(beforeMs: number): Promise<void> {
    for (let done = 0; done < MAX_BATCHES; done += 1) {
      const offers = await this.stores.prices.withOldPoints(beforeMs, this.batch);
      for (const offerId of offers) await this.compact(offerId, beforeMs);
      if (offers.length < this.batch) return;
    }
  }

  /** The first point may be what an earlier run left to tell the price of then: its day has been put together already. */
  private async compact(offerId: OfferId, beforeMs: number): Promise<void> {
    const { prices } = this.stores;
    const points = await prices.points(offerId, 0, beforeMs, MAX_POINTS);
    const firstMs = dayStart(points[0]?.atMs ?? 0);
    const known = await prices.days(offerId, firstMs, firstMs + PRICE_DAY_MS, 1);
    const days = priceDays(points, beforeMs);
    const fresh = known.length === 0 ? days : days.filter(({ dayMs }) => dayMs > firstMs);
    await prices.compact(offerId, fresh, beforeMs);
  }

  private async pruneBefore(beforeMs: number): Promise<void> {
    for (let done = 0; done < MAX_BATCHES; done += 1) {
      const deleted = [
        await this.stores.prices.prune(beforeMs, this.batch),
        await this.stores.fxRates.prune(beforeMs, this.batch),
      ];
      if (deleted.every((count) => count === 0)) return;
    }
  }
}
