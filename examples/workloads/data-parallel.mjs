// Trains one network with several workers: each computes gradients on its shard of the data, and all of them are averaged
// before every step. That exchange is what fast links between GPUs are for.
import { setTimeout as pause } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { load, save, saveOnTerm } from './checkpoint.mjs';
import { accuracy, descend, lossAndGradient, newNetwork, readRows } from './network.mjs';

const CHECKPOINT = 'checkpoint/state.json';
const WORKERS = 4;
const ROUNDS = 20;
const STEPS_PER_ROUND = 25;
const LEARNING_RATE = 1.5;

if (isMainThread) await lead();
else
  parentPort.on('message', (network) =>
    parentPort.postMessage(lossAndGradient(network, workerData)),
  );

async function lead() {
  /** Slows the work down so that it can be watched; 0 runs at full speed. */
  const paceMs = Number(process.env.PACE_MS ?? 0);
  const rows = readRows('rings.csv');
  const shards = Array.from({ length: WORKERS }, (_, worker) =>
    rows.filter((_row, index) => index % WORKERS === worker),
  );
  const workers = shards.map(
    (shard) => new Worker(new URL(import.meta.url), { workerData: shard }),
  );
  const saved = load(CHECKPOINT);
  let { round, network } = saved ?? { round: 0, network: newNetwork(2, 8, 2) };
  console.log(saved ? `resumed from round ${round}` : `${WORKERS} workers, ${rows.length} rows`);
  saveOnTerm(() => save(CHECKPOINT, { round, network }));

  while (round < ROUNDS) {
    let next = network;
    let loss = 0;
    for (let step = 0; step < STEPS_PER_ROUND; step += 1) {
      const answers = await Promise.all(workers.map((worker) => ask(worker, next)));
      const weighted = (value) =>
        answers.reduce((sum, answer, at) => sum + value(answer) * shards[at].length, 0) /
        rows.length;
      loss = weighted((answer) => answer.loss);
      const gradient = next.weights.map((_, index) => weighted((answer) => answer.gradient[index]));
      next = descend(next, gradient, LEARNING_RATE);
    }
    network = next;
    round += 1;
    save(CHECKPOINT, { round, network });
    console.log(`round ${round} loss ${loss.toFixed(4)}`);
    await pause(paceMs);
  }

  await Promise.all(workers.map((worker) => worker.terminate()));
  save('model.json', network);
  console.log(`accuracy ${(accuracy(network, rows) * 100).toFixed(1)} %`);
}

function ask(worker, network) {
  return new Promise((resolve, reject) => {
    worker.once('message', (answer) => {
      worker.off('error', reject);
      resolve(answer);
    });
    worker.once('error', reject);
    worker.postMessage(network);
  });
}
