import { Injectable } from '@nestjs/common';
import type { PriceHistoryView, PriceQuery } from '#libs/contracts';
import {
  dayStart,
  priceDays,
  PRICE_DAY_MS,
  priceStatistics,
  type OfferId,
  type PriceDay,
  type PricePoint,
} from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Prices } from '#libs/storage';
import { Refusal } from './refusal';
import { timeOf } from './views/times';

const DEFAULT_DAYS = 14;
/** Changes of one answer. */
const MAX_CHANGES = 5_000;
/** Days of one answer: ten years. */
const MAX_DAYS = 3_660;

/** What an offer cost over time, from the changes that are kept and the days that older ones were put together into. */
@Injectable()
export class PriceHistory {
  constructor(
    private readonly prices: Prices,
    private readonly clock: Clock,
  ) {}

  /** Null for an offer of which nothing is known at all. */
  async run(offerId: OfferId, query: PriceQuery): Promise<PriceHistoryView | null> {
    const nowMs = this.clock.nowMs();
    const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
    const fromMs =
      query.from === undefined ? toMs - DEFAULT_DAYS * PRICE_DAY_MS : Date.parse(query.from);
    if (fromMs >= toMs)
      throw new Refusal('malformed-request', { detail: 'from must be before to' });
    const points = await this.prices.points(offerId, fromMs, toMs, MAX_CHANGES);
    const days = await this.daysOf(offerId, points, fromMs, toMs);
    if (points.length === 0 && days.length === 0) return null;
    const resolution = query.resolution ?? 'change';
    return {
      offerId,
      from: timeOf(fromMs),
      to: timeOf(toMs),
      resolution,
      changes: resolution === 'change' ? changesOf(points, fromMs) : [],
      days: resolution === 'day' ? days.map(dayView) : [],
      statistics: statisticsOf(points, fromMs, Math.min(toMs, nowMs)),
      truncated: points.length === MAX_CHANGES || days.length === MAX_DAYS,
    };
  }

  /** Old days as they were kept, young ones from the changes; where both are there, what was kept is whole. */
  private async daysOf(
    offerId: OfferId,
    points: readonly PricePoint[],
    fromMs: number,
    toMs: number,
  ): Promise<readonly PriceDay[]> {
    const firstMs = dayStart(fromMs);
    const kept = await this.prices.days(offerId, firstMs, toMs, MAX_DAYS);
    const known = new Set(kept.map(({ dayMs }) => dayMs));
    const young = priceDays(points, toMs + PRICE_DAY_MS).filter(
      ({ dayMs }) => dayMs >= firstMs && dayMs < toMs && !known.has(dayMs),
    );
    return [...kept, ...young].sort((a, b) => a.dayMs - b.dayMs).slice(-MAX_DAYS);
  }
}

/** The price at the start is told at the start, whenever it began. */
function changesOf(points: readonly PricePoint[], fromMs: number): PriceHistoryView['changes'] {
  return points.map(({ atMs, pricePerHour }) => ({
    at: timeOf(Math.max(atMs, fromMs)),
    pricePerHourMicroUsd: pricePerHour,
  }));
}

function dayView(day: PriceDay): PriceHistoryView['days'][number] {
  return {
    day: timeOf(day.dayMs),
    minMicroUsd: day.min,
    medianMicroUsd: day.median,
    maxMicroUsd: day.max,
    closeMicroUsd: day.close,
    changes: day.changes,
  };
}

function statisticsOf(
  points: readonly PricePoint[],
  fromMs: number,
  toMs: number,
): PriceHistoryView['statistics'] {
  const found = priceStatistics(points, fromMs, toMs);
  if (found === null) return null;
  const { min, median, max, sigmaDaily } = found;
  return { minMicroUsd: min, medianMicroUsd: median, maxMicroUsd: max, sigmaDaily };
}
