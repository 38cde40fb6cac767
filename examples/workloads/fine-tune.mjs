// Continues a trained network on data that has drifted away from what it was trained on.
import { setTimeout as pause } from 'node:timers/promises';
import { load, save, saveOnTerm } from './checkpoint.mjs';
import { accuracy, descend, lossAndGradient, readRows } from './network.mjs';

const CHECKPOINT = 'checkpoint/state.json';
const EPOCHS = 20;
const STEPS_PER_EPOCH = 15;
const LEARNING_RATE = 0.3;
/** Slows the work down so that it can be watched; 0 runs at full speed. */
const paceMs = Number(process.env.PACE_MS ?? 0);

const rows = readRows('drifted-rings.csv');
const saved = load(CHECKPOINT);
let { epoch, network } = saved ?? { epoch: 0, network: load('base-model.json') };
if (saved) console.log(`resumed from epoch ${epoch}`);
else console.log(`base model: accuracy ${(accuracy(network, rows) * 100).toFixed(1)} %`);
saveOnTerm(() => save(CHECKPOINT, { epoch, network }));

while (epoch < EPOCHS) {
  let next = network;
  for (let step = 0; step < STEPS_PER_EPOCH; step += 1)
    next = descend(next, lossAndGradient(next, rows).gradient, LEARNING_RATE);
  network = next;
  epoch += 1;
  save(CHECKPOINT, { epoch, network });
  if (epoch % 5 === 0)
    console.log(`epoch ${epoch} loss ${lossAndGradient(network, rows).loss.toFixed(4)}`);
  await pause(paceMs);
}

save('model.json', network);
console.log(`tuned model: accuracy ${(accuracy(network, rows) * 100).toFixed(1)} %`);
