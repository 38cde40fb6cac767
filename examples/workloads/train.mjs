// Trains a small network from nothing, saves a checkpoint after every epoch and resumes from it.
import { setTimeout as pause } from 'node:timers/promises';
import { load, save, saveOnTerm } from './checkpoint.mjs';
import { accuracy, descend, lossAndGradient, newNetwork, readRows } from './network.mjs';

const CHECKPOINT = 'checkpoint/state.json';
const EPOCHS = 40;
const STEPS_PER_EPOCH = 20;
const LEARNING_RATE = 0.8;
/** Slows the work down so that it can be watched; 0 runs at full speed. */
const paceMs = Number(process.env.PACE_MS ?? 0);

const rows = readRows('rings.csv');
const saved = load(CHECKPOINT);
let { epoch, network } = saved ?? { epoch: 0, network: newNetwork(2, 8, 1) };
console.log(saved ? `resumed from epoch ${epoch}` : `training on ${rows.length} rows`);
saveOnTerm(() => {
  save(CHECKPOINT, { epoch, network });
  console.log(`saved at epoch ${epoch}`);
});

while (epoch < EPOCHS) {
  let loss = 0;
  let next = network;
  for (let step = 0; step < STEPS_PER_EPOCH; step += 1) {
    const found = lossAndGradient(next, rows);
    loss = found.loss;
    next = descend(next, found.gradient, LEARNING_RATE);
  }
  network = next;
  epoch += 1;
  save(CHECKPOINT, { epoch, network });
  console.log(`epoch ${epoch} loss ${loss.toFixed(4)}`);
  await pause(paceMs);
}

save('model.json', network);
console.log(`accuracy ${(accuracy(network, rows) * 100).toFixed(1)} %`);
