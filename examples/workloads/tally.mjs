// Counts permits by county: how many, how long they took, what was paid.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const MS_PER_DAY = 86_400_000;
/** Slows the work down so that it can be watched; 0 runs at full speed. */
const paceMs = Number(process.env.PACE_MS ?? 0);

const [, ...lines] = readFileSync('permits.csv', 'utf8').trimEnd().split('\n');
const counties = new Map();
for (const line of lines) {
  const [, county, submitted, decided, feeCents] = line.split(',');
  const days = (Date.parse(decided) - Date.parse(submitted)) / MS_PER_DAY;
  const permits = counties.get(county) ?? [];
  counties.set(county, [...permits, { days, feeCents: Number(feeCents) }]);
}

const table = ['county,permits,median_days,fees_cents'];
for (const [county, permits] of [...counties].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const days = permits.map((permit) => permit.days).sort((a, b) => a - b);
  const fees = permits.reduce((sum, { feeCents }) => sum + feeCents, 0);
  table.push([county, permits.length, median(days), fees].join(','));
  console.log(`${county}: ${permits.length} permits, half of them within ${median(days)} days`);
  await pause(paceMs);
}
writeFileSync('permits-by-county.csv', `${table.join('\n')}\n`);
console.log(`${lines.length} permits in ${counties.size} counties`);

function median(sorted) {
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
}
