// A service that answers what a trained network thinks of a point, and a client that asks it and measures. A real service would
// go on until it is stopped; this one ends after a few seconds of requests.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { load, save } from './checkpoint.mjs';
import { predict, readRows } from './network.mjs';

/** Time between two requests; 0 asks as fast as it can. */
const paceMs = Number(process.env.PACE_MS ?? 0);
const network = load('base-model.json');

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://localhost');
  const features = [Number(searchParams.get('x')), Number(searchParams.get('y'))];
  const isPoint = features.every(Number.isFinite);
  response.writeHead(isPoint ? 200 : 400, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify(isPoint ? { chance: predict(network, features) } : { error: 'no point' }),
  );
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log('serving');

const rows = readRows('rings.csv').slice(0, 120);
const latenciesMs = [];
let right = 0;
for (const { features, label } of rows) {
  const askedAt = performance.now();
  const [x, y] = features;
  const response = await fetch(`http://127.0.0.1:${server.address().port}/?x=${x}&y=${y}`);
  const { chance } = await response.json();
  latenciesMs.push(performance.now() - askedAt);
  if (chance > 0.5 === (label === 1)) right += 1;
  if (latenciesMs.length % 30 === 0) console.log(`answered ${latenciesMs.length} requests`);
  await pause(paceMs);
}
server.close();
server.closeAllConnections();

latenciesMs.sort((a, b) => a - b);
const percentileMs = (share) =>
  Number(latenciesMs[Math.ceil(latenciesMs.length * share) - 1].toFixed(2));
const report = {
  requests: rows.length,
  right,
  p50Ms: percentileMs(0.5),
  p95Ms: percentileMs(0.95),
};
save('report.json', report);
console.log(`p50 ${report.p50Ms} ms, p95 ${report.p95Ms} ms, right ${right} of ${rows.length}`);
