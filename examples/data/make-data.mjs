// Makes every data file of the examples from seeded chance: node make-data.mjs [FOLDER]. All of it is invented; no row describes
// anybody or anything that exists.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  descend,
  lossAndGradient,
  newNetwork,
  randomFrom,
  readRows,
} from '../workloads/network.mjs';

const folder = process.argv[2] ?? import.meta.dirname;
const BASE_STEPS = 800;

const at = (name) => join(folder, name);
const list = (count, make) => Array.from({ length: count }, (_, index) => make(index));
const pick = (random, values) => values[Math.floor(random() * values.length)];
const between = (random, low, high) => low + Math.floor(random() * (high - low + 1));
const day = (number) => new Date(Date.UTC(2025, 0, 1 + number)).toISOString().slice(0, 10);

function writeCsv(name, header, rows) {
  writeFileSync(at(name), `${[header, ...rows.map((row) => row.join(','))].join('\n')}\n`);
}

/** A disc (class 1) inside a ring (class 0) that overlap a little, so that no model is right about every point. */
function rings(count, seed, [dx, dy]) {
  const random = randomFrom(seed);
  return list(count, (index) => {
    const label = index % 2;
    const radius = label === 1 ? random() : 0.95 + random() * 0.95;
    const angle = random() * 2 * Math.PI;
    const [x, y] = [radius * Math.cos(angle) + dx, radius * Math.sin(angle) + dy];
    return [x.toFixed(3), y.toFixed(3), label];
  });
}
writeCsv('rings.csv', 'x,y,label', rings(300, 11, [0, 0]));
writeCsv('drifted-rings.csv', 'x,y,label', rings(120, 12, [0.8, -0.5]));

let network = newNetwork(2, 8, 1);
const rows = readRows(at('rings.csv'));
for (let step = 0; step < BASE_STEPS; step += 1)
  network = descend(network, lossAndGradient(network, rows).gradient, 1.5);
const weights = network.weights.map((weight) => Number(weight.toFixed(4)));
writeFileSync(at('base-model.json'), `${JSON.stringify({ ...network, weights })}\n`);

const shop = randomFrom(13);
writeCsv(
  'customers.csv',
  'id,months,monthly_usd,tickets',
  list(300, (index) => [
    `c${1001 + index}`,
    between(shop, 1, 60),
    between(shop, 10, 120),
    between(shop, 0, 6),
  ]),
);
const churn = { intercept: -0.6, weights: { months: -0.06, monthly_usd: 0.012, tickets: 0.55 } };
writeFileSync(at('churn-model.json'), `${JSON.stringify(churn)}\n`);

const ward = randomFrom(14);
writeCsv(
  'patients.csv',
  'id,age,heart_rate,systolic,oxygen',
  list(200, (index) => [
    `p${1001 + index}`,
    between(ward, 19, 94),
    between(ward, 52, 128),
    between(ward, 92, 171),
    between(ward, 86, 100),
  ]),
);
const risk = {
  intercept: 14.2,
  weights: { age: 0.035, heart_rate: 0.03, systolic: -0.012, oxygen: -0.19 },
};
writeFileSync(at('risk-model.json'), `${JSON.stringify(risk)}\n`);

const office = randomFrom(15);
writeCsv(
  'permits.csv',
  'id,county,submitted,decided,fee_cents',
  list(250, (index) => {
    const submitted = between(office, 0, 330);
    const county = pick(office, ['Harbour', 'Lakeside', 'Midland', 'Ridge', 'Valley']);
    return [
      1001 + index,
      county,
      day(submitted),
      day(submitted + between(office, 2, 60)),
      2_500 * between(office, 1, 20),
    ];
  }),
);

const market = randomFrom(16);
writeCsv(
  'demand.csv',
  'week,pumps,valves,seals',
  list(104, (week) => {
    const wave = Math.sin((2 * Math.PI * week) / 13);
    const units = [
      [80, 0.5, 20],
      [150, -0.3, 35],
      [40, 0.2, 12],
    ].map(([base, trend, swing]) =>
      Math.round(base + trend * week + swing * wave + (market() - 0.5) * 8),
    );
    return [week + 1, ...units];
  }),
);

const till = randomFrom(17);
const orders = list(40, (index) => [
  5001 + index,
  `${between(till, 3, 400)}.${between(till, 10, 99)}`,
]);
orders[16][1] = '12;50';
writeCsv('orders.csv', 'id,amount', orders);
