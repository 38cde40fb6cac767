// Checks a file of orders before anything is built on it. Exit code 3 says that the data is bad, as opposed to the program.
import { readFileSync } from 'node:fs';

const BAD_DATA = 3;

const [, ...lines] = readFileSync('orders.csv', 'utf8').trimEnd().split('\n');
const broken = lines.flatMap((line, index) => {
  const [id, amount] = line.split(',');
  return /^\d+\.\d\d$/.test(amount)
    ? []
    : [`line ${index + 2}: order ${id} has the amount "${amount}"`];
});
console.log(`checked ${lines.length} orders`);
for (const problem of broken) console.error(problem);
process.exitCode = broken.length === 0 ? 0 : BAD_DATA;
