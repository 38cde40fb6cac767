// Scores a CSV file line by line with a logistic model and writes a CSV file of ids and scores: node score.mjs MODEL IN OUT
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const LINES_PER_REPORT = 50;
/** Slows the work down so that it can be watched; 0 runs at full speed. */
const paceMs = Number(process.env.PACE_MS ?? 0);
const [modelPath, inputPath, outputPath] = process.argv.slice(2);
const { intercept, weights } = JSON.parse(readFileSync(modelPath, 'utf8'));

const output = createWriteStream(outputPath);
output.write('id,score\n');
let columns = null;
let scored = 0;
let high = 0;
for await (const line of createInterface({ input: createReadStream(inputPath) })) {
  const values = line.split(',');
  if (columns === null) {
    columns = values;
    continue;
  }
  const score = scoreOf(
    Object.fromEntries(columns.map((column, index) => [column, values[index]])),
  );
  output.write(`${values[0]},${score.toFixed(6)}\n`);
  scored += 1;
  if (score > 0.5) high += 1;
  if (scored % LINES_PER_REPORT === 0) {
    console.log(`scored ${scored} lines`);
    await pause(paceMs);
  }
}
output.end();
await once(output, 'finish');
console.log(`${high} of ${scored} score above 0.5`);

function scoreOf(row) {
  const sum = Object.entries(weights).reduce(
    (at, [name, weight]) => at + weight * row[name],
    intercept,
  );
  return 1 / (1 + Math.exp(-sum));
}
