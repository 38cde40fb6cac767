import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decideIndexed, emptyIndex, finished, refreshed, type Offer } from '#libs/domain';
import type { Benchmark } from './bench';
import { policyOf, scenesUnder } from './decide';
import { sizeRow } from './measure';
import { syntheticBook } from './offer-books';

const OFFERS = 100_000;
const RULES = 200;
const MIB = 1_048_576;

/** What a book takes in memory when it is ready to be decided on, beside its bare text. */
export const memory: Benchmark = {
  rows: ['memory.100k.offers', 'memory.100k.index'],
  measure: async (bench) => {
    const collect = collector();
    const text = JSON.stringify(syntheticBook(OFFERS));
    const before = usedMib(collect);
    const offers = JSON.parse(text) as readonly Offer[];
    const parsed = usedMib(collect);
    const index = finished(refreshed(emptyIndex(), { gone: [], come: offers }));
    for (const scene of scenesUnder(policyOf(RULES))) decideIndexed(index, scene);
    const ready = usedMib(collect);
    const textMib = Buffer.byteLength(text) / MIB;
    bench.note(
      `memory: ${OFFERS} offers as they come from the database, then with the index and what ${RULES} rules have answered about them for ` +
        'all jobs of the workload guide ("index" is both). The limit is their JSON text.',
    );
    return [
      sizeRow('memory.100k.offers', parsed - before, textMib),
      sizeRow('memory.100k.index', ready - before - keptAlive(index.offers), textMib),
    ];
  },
};

/** Names what has been measured, so that it is still there at the end. */
function keptAlive(offers: readonly Offer[]): 0 {
  if (offers.length !== OFFERS) throw new Error('the book is not what it was');
  return 0;
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

function usedMib(collect: () => void): number {
  for (let n = 0; n < 3; n += 1) collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return (heapUsed + external + arrayBuffers) / MIB;
}
