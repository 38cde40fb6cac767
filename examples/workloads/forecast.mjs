// Forecasts weekly demand with level, trend and season (Holt-Winters), tuned for each product by its errors in the past.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const SEASON_WEEKS = 13;
const HORIZON_WEEKS = 8;
const STEPS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7];
/** Slows the work down so that it can be watched; 0 runs at full speed. */
const paceMs = Number(process.env.PACE_MS ?? 0);

const [header, ...lines] = readFileSync('demand.csv', 'utf8').trimEnd().split('\n');
const rows = lines.map((line) => line.split(',').map(Number));
const products = header.split(',').slice(1);
const forecasts = [];
for (const [index, product] of products.entries()) {
  const best = tuned(rows.map((row) => row[index + 1]));
  forecasts.push(best.ahead);
  console.log(`${product}: off by ${best.error.toFixed(1)} units a week in the past`);
  await pause(paceMs);
}

const firstWeek = rows.at(-1)[0] + 1;
const table = Array.from({ length: HORIZON_WEEKS }, (_, week) =>
  [firstWeek + week, ...forecasts.map((ahead) => ahead[week].toFixed(1))].join(','),
);
writeFileSync('forecast.csv', `${header}\n${table.join('\n')}\n`);
console.log(`forecast of ${HORIZON_WEEKS} weeks for ${products.length} products`);

function tuned(series) {
  const settings = STEPS.flatMap((a) => STEPS.flatMap((b) => STEPS.map((c) => [a, b, c])));
  const tries = settings.map((smoothing) => smooth(series, smoothing));
  return tries.reduce((best, one) => (one.error < best.error ? one : best));
}

/** One pass over the series; the error is the mean miss of the forecast for the next week. */
function smooth(series, [alpha, beta, gamma]) {
  const mean = (from) =>
    series.slice(from, from + SEASON_WEEKS).reduce((a, b) => a + b) / SEASON_WEEKS;
  let trend = (mean(SEASON_WEEKS) - mean(0)) / SEASON_WEEKS;
  let level = mean(0) + (trend * (SEASON_WEEKS - 1)) / 2;
  const season = series
    .slice(0, SEASON_WEEKS)
    .map((value, week) => value - mean(0) - trend * (week - (SEASON_WEEKS - 1) / 2));
  let missed = 0;
  for (let week = SEASON_WEEKS; week < series.length; week += 1) {
    const slot = week % SEASON_WEEKS;
    missed += Math.abs(series[week] - (level + trend + season[slot]));
    const before = level;
    level = alpha * (series[week] - season[slot]) + (1 - alpha) * (level + trend);
    trend = beta * (level - before) + (1 - beta) * trend;
    season[slot] = gamma * (series[week] - level) + (1 - gamma) * season[slot];
  }
  const ahead = Array.from(
    { length: HORIZON_WEEKS },
    (_, step) => level + trend * (step + 1) + season[(series.length + step) % SEASON_WEEKS],
  );
  return { error: missed / (series.length - SEASON_WEEKS), ahead };
}
