import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const EXAMPLES = join(__dirname, '..', '..', 'examples');

/** The training of the examples: some seconds of work on a GPU that saves its state every second. */
export function trainingJob(): Readonly<Record<string, unknown>> {
  return {
    name: 'train',
    workload: 'training',
    command: ['node', 'train.mjs'],
    env: { PACE_MS: 200 },
    resources: { gpus: 'A100-80GB,H100:1' },
    inputs: [
      ...['train', 'network', 'checkpoint'].map((name) =>
        input(`${name}.mjs`, `workloads/${name}.mjs`),
      ),
      input('rings.csv', 'data/rings.csv'),
    ],
    outputs: [{ path: 'model.json', size: '1MB' }],
    checkpoint: { path: 'checkpoint/state.json', interval: '1s', size: '1MB' },
    durationEstimate: '12h',
  };
}

/** A file of the examples as an input that travels inside the job. */
function input(path: string, file: string) {
  const bytes = readFileSync(join(EXAMPLES, file)).toString('base64');
  return { path, uri: `data:application/octet-stream;base64,${bytes}` };
}
