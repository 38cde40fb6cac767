import { dailySigma } from './fx';
import type { OfferId } from './ids';
import type { MicroUsd } from './money';

/** From `atMs` on the offer costs this; null: it is no longer sold. */
export interface PricePoint {
  readonly offerId: OfferId;
  readonly atMs: number;
  readonly pricePerHour: MicroUsd | null;
}

/** What is left of a day's prices when the points themselves go. */
export interface PriceDay {
  readonly offerId: OfferId;
  /** Midnight UTC at its start, epoch ms. */
  readonly dayMs: number;
  readonly min: MicroUsd;
  /** Weighted by how long each price was in force. */
  readonly median: MicroUsd;
  readonly max: MicroUsd;
  /** In force at the end of the day, or null when it was no longer sold then. */
  readonly close: MicroUsd | null;
  /** How often the price changed. */
  readonly changes: number;
}

/** A price and from when to when it held. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly price: MicroUsd;
}

export const PRICE_DAY_MS = 86_400_000;

/** Midnight UTC before a moment. */
export function dayStart(atMs: number): number {
  return Math.floor(atMs / PRICE_DAY_MS) * PRICE_DAY_MS;
}

/**
 * One row for each day with a change, up to but without the day of `untilMs`. `points` are of one offer and in order; the price
 * in force when the first day began is the last point before it, which may be among them. A day without a change has no row: the
 * close of the day before held.
 */
export function priceDays(points: readonly PricePoint[], untilMs: number): readonly PriceDay[] {
  const endMs = dayStart(untilMs);
  const days = new Set(points.map(({ atMs }) => dayStart(atMs)).filter((day) => day < endMs));
  return [...days].sort((a, b) => a - b).flatMap((dayMs) => priceDay(points, dayMs) ?? []);
}

function priceDay(points: readonly PricePoint[], dayMs: number): PriceDay | null {
  const nextMs = dayMs + PRICE_DAY_MS;
  const changes = points.filter(({ atMs }) => atMs >= dayMs && atMs < nextMs);
  const last = changes.at(-1);
  const stretches = stretchesIn(points, dayMs, nextMs);
  const median = weightedMedian(stretches);
  if (last === undefined || median === null) return null;
  const prices = stretches.map(({ price }) => price);
  return {
    offerId: last.offerId,
    dayMs,
    min: lowest(prices, median),
    median,
    max: highest(prices, median),
    close: last.pricePerHour,
    changes: changes.length,
  };
}

function stretchesIn(
  points: readonly PricePoint[],
  fromMs: number,
  toMs: number,
): readonly Stretch[] {
  const stretches: Stretch[] = [];
  points.forEach(({ atMs, pricePerHour }, index) => {
    const start = Math.max(atMs, fromMs);
    const end = Math.min(points[index + 1]?.atMs ?? toMs, toMs);
    if (pricePerHour !== null && end > start)
      stretches.push({ fromMs: start, toMs: end, price: pricePerHour });
  });
  return stretches;
}

function weightedMedian(stretches: readonly Stretch[]): MicroUsd | null {
  const sorted = [...stretches].sort((a, b) => a.price - b.price);
  const halfMs = sorted.reduce((total, { fromMs, toMs }) => total + toMs - fromMs, 0) / 2;
  let seenMs = 0;
  for (const { fromMs, toMs, price } of sorted) {
    seenMs += toMs - fromMs;
    if (seenMs >= halfMs) return price;
  }
  return null;
}

const lowest = (prices: readonly MicroUsd[], first: MicroUsd): MicroUsd =>
  prices.reduce((least, price) => (price < least ? price : least), first);
const highest = (prices: readonly MicroUsd[], first: MicroUsd): MicroUsd =>
  prices.reduce((most, price) => (price > most ? price : most), first);

/** What a stretch of time was like. */
export interface PriceStatistics {
  readonly min: MicroUsd;
  readonly median: MicroUsd;
  readonly max: MicroUsd;
  readonly changes: number;
  /** Deviation of the daily log return, or null where there are too few days. */
  readonly sigmaDaily: number | null;
}

/** Statistics of the prices in force from `fromMs` to `toMs`, or null when the offer was not sold at all then. Points in order. */
export function priceStatistics(
  points: readonly PricePoint[],
  fromMs: number,
  toMs: number,
): PriceStatistics | null {
  const stretches = stretchesIn(points, fromMs, toMs);
  const median = weightedMedian(stretches);
  if (median === null) return null;
  const prices = stretches.map(({ price }) => price);
  return {
    min: lowest(prices, median),
    median,
    max: highest(prices, median),
    changes: points.filter(({ atMs }) => atMs > fromMs && atMs < toMs).length,
    sigmaDaily: dailySigma(closesOf(stretches)),
  };
}

/** The price at the end of each day in which one was in force, so that quiet days count as quiet. */
function closesOf(
  stretches: readonly Stretch[],
): readonly { readonly atMs: number; readonly usdMicro: number }[] {
  return stretches.flatMap(({ fromMs, toMs, price }) => {
    const days = Math.max(0, Math.floor((dayStart(toMs - 1) - dayStart(fromMs)) / PRICE_DAY_MS));
    return Array.from({ length: days + 1 }, (_, day) => ({
      atMs: Math.max(fromMs, dayStart(fromMs) + day * PRICE_DAY_MS),
      usdMicro: price,
    }));
  });
}
