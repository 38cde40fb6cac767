import type { PriceHistoryView } from '#libs/contracts';
import { perHour } from './amounts';
import type { Paint } from './paint';
import { facts } from './table';

/** Columns of the chart. */
const WIDTH = 60;
const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

interface Step {
  readonly atMs: number;
  readonly price: number | null;
}

/** A line of bars over the interval, from the lowest to the highest price, with what it was like beneath. */
export function renderPriceHistory(history: PriceHistoryView, paint: Paint): string {
  const steps = stepsOf(history);
  const prices = steps.flatMap(({ price }) => (price === null ? [] : [price]));
  if (prices.length === 0)
    return `${history.offerId} was not sold from ${history.from} to ${history.to}`;
  const lines = [
    history.offerId,
    chartOf(steps, history, [Math.min(...prices), Math.max(...prices)]),
    paint.faint(
      `${history.from.slice(0, 10)} ${'─'.repeat(WIDTH - 22)} ${history.to.slice(0, 10)}`,
    ),
    factsOf(history, prices),
  ];
  if (history.truncated) lines.push(paint.faint('there was more before: see --from and --to'));
  return lines.join('\n');
}

function stepsOf({ resolution, changes, days }: PriceHistoryView): readonly Step[] {
  return resolution === 'change'
    ? changes.map(({ at, pricePerHourMicroUsd }) => ({
        atMs: Date.parse(at),
        price: pricePerHourMicroUsd,
      }))
    : days.map(({ day, medianMicroUsd }) => ({ atMs: Date.parse(day), price: medianMicroUsd }));
}

/** Each column shows the price in force at its end; a blank is a time in which the offer was not sold. */
function chartOf(
  steps: readonly Step[],
  { from, to }: PriceHistoryView,
  [low, high]: readonly [number, number],
): string {
  const fromMs = Date.parse(from);
  const widthMs = (Date.parse(to) - fromMs) / WIDTH;
  return Array.from({ length: WIDTH }, (_, column) => {
    const endMs = fromMs + (column + 1) * widthMs;
    const price = steps.findLast(({ atMs }) => atMs < endMs)?.price ?? null;
    return price === null ? ' ' : barOf(price, low, high);
  }).join('');
}

function barOf(price: number, low: number, high: number): string {
  const share = high === low ? 0.5 : (price - low) / (high - low);
  return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? '▁';
}

function factsOf(
  { statistics, days, resolution }: PriceHistoryView,
  prices: readonly number[],
): string {
  const [low, high] =
    resolution === 'day'
      ? [
          Math.min(...days.map((day) => day.minMicroUsd)),
          Math.max(...days.map((day) => day.maxMicroUsd)),
        ]
      : [Math.min(...prices), Math.max(...prices)];
  const sigma = statistics?.sigmaDaily ?? null;
  return facts([
    ['lowest', perHour(low)],
    ['middle', statistics === null ? null : perHour(statistics.medianMicroUsd)],
    ['highest', perHour(high)],
    ['last', prices.length === 0 ? null : perHour(prices.at(-1) ?? 0)],
    ['a day moves', sigma === null ? null : `${(sigma * 100).toFixed(2)} %`],
  ]);
}
