// A small neural network: one hidden layer of tanh units and a logistic output, for two classes.
// Weights lie in one flat list, unit by unit, so that they can be saved, sent and averaged as they are.
import { readFileSync } from 'node:fs';

/** The rows of a CSV file with a header; the last column is the class, 0 or 1. */
export function readRows(path) {
  const [, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const values = line.split(',').map(Number);
    return { features: values.slice(0, -1), label: values.at(-1) };
  });
}

/** Numbers from 0 to 1 that follow from the seed alone (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function newNetwork(inputs, hidden, seed) {
  const random = randomFrom(seed);
  const count = hidden * (inputs + 1) + hidden + 1;
  return { inputs, hidden, weights: Array.from({ length: count }, () => random() * 2 - 1) };
}

function forward({ inputs, hidden, weights }, features) {
  const activations = [];
  let sum = weights.at(-1);
  for (let unit = 0; unit < hidden; unit += 1) {
    const from = unit * (inputs + 1);
    let inner = weights[from + inputs];
    for (let i = 0; i < inputs; i += 1) inner += weights[from + i] * features[i];
    activations.push(Math.tanh(inner));
    sum += weights[hidden * (inputs + 1) + unit] * activations[unit];
  }
  return { activations, chance: 1 / (1 + Math.exp(-sum)) };
}

/** The chance of class 1. */
export const predict = (network, features) => forward(network, features).chance;

/** Mean cross-entropy over the rows, and its gradient by backpropagation. */
export function lossAndGradient(network, rows) {
  const { inputs, hidden, weights } = network;
  const outer = hidden * (inputs + 1);
  const gradient = weights.map(() => 0);
  let loss = 0;
  for (const { features, label } of rows) {
    const { activations, chance } = forward(network, features);
    loss -= Math.log(Math.max(1e-12, label === 1 ? chance : 1 - chance)) / rows.length;
    const error = (chance - label) / rows.length;
    gradient[weights.length - 1] += error;
    for (let unit = 0; unit < hidden; unit += 1) {
      gradient[outer + unit] += error * activations[unit];
      const inner = error * weights[outer + unit] * (1 - activations[unit] ** 2);
      const from = unit * (inputs + 1);
      for (let i = 0; i < inputs; i += 1) gradient[from + i] += inner * features[i];
      gradient[from + inputs] += inner;
    }
  }
  return { loss, gradient };
}

export function descend(network, gradient, rate) {
  const weights = network.weights.map((weight, index) => weight - rate * gradient[index]);
  return { ...network, weights };
}

/** The share of rows whose class the network tells rightly. */
export function accuracy(network, rows) {
  const right = rows.filter(
    ({ features, label }) => predict(network, features) > 0.5 === (label === 1),
  );
  return right.length / rows.length;
}
