import { parseArgs } from 'node:util';
import { clauses, type Clause } from './scene';
import { invariants } from './invariants';
import { runSeed, type SeedResult } from './run-seed';

const EXAMPLES = 5;

/** `npm run sim -- --seeds N [--seed S] [--without CLAUSE] [--json]`: plays N seeds from S on and says which broke. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      without: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const seeds = whole(values.seeds, 'seeds');
  const firstSeed = whole(values.seed, 'seed');
  const dropped = new Set<Clause>(clauses.filter((clause) => clause === values.without));
  if (values.without !== undefined && dropped.size === 0) {
    throw new RangeError(`--without takes one of ${clauses.join(', ')}`);
  }
  const startedMs = performance.now();
  const broken: SeedResult[] = [];
  let steps = 0;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    const result = await runSeed(seed, dropped);
    steps += result.steps;
    if (result.breaches.length > 0) broken.push(result);
  }
  const examples = broken.slice(0, EXAMPLES).map(({ seed, breaches }) => ({ seed, breaches }));
  if (values.json) {
    console.log(JSON.stringify({ seeds, firstSeed, broken: broken.length, examples }));
  } else {
    for (const { seed, breaches } of examples) {
      for (const { invariant, detail } of breaches)
        console.log(`seed ${seed}: ${invariant} ${invariants[invariant]}: ${detail}`);
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(
      `${seeds} seeds from ${firstSeed}, ${steps} steps, ${broken.length} broken, ${seconds} s`,
    );
  }
  return broken.length === 0 ? 0 : 1;
}

function whole(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`--${name} takes a whole number, got ${text}`);
  return value;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  },
);
