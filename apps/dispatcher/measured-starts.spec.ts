import { healthKeysOf, noKnowledge, noWaits, withWait, type Knowledge } from '#libs/domain';
import { BUILT_AT_MS, anAttempt, anOffer, fakeDescriptor } from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { LONGEST_START_LIMIT, SHORTEST_START_LIMIT_MS, loopTerms } from './loop-terms';
import { MeasuredStarts } from './measured-starts';

const USUAL_MS = 600_000;
const descriptor = { ...fakeDescriptor, startLimitMs: USUAL_MS };
const offer = anOffer();

const startsOf = (ms: number, times: number): Knowledge => ({
  ...noKnowledge(BUILT_AT_MS),
  starts: Array.from({ length: times }, () => ms).reduce(
    (sum, each) => withWait(sum, each, 'ended'),
    noWaits(),
  ),
});

/** When a start is given up at a provider where starts took so long. */
async function limitAfter(known: Knowledge | null, phase: 'starting' | 'running' = 'starting') {
  const tables = new MemoryTables();
  const [provider = ''] = healthKeysOf(offer);
  tables.health = known === null ? {} : { [provider]: known };
  const starts = new MeasuredStarts(memoryStores(tables).health);
  const attempt = anAttempt({ id: 'att-1', jobId: 'job-1', phase, offer });
  const p99Ms = await starts.p99MsFor(attempt, BUILT_AT_MS);
  return loopTerms(descriptor, p99Ms).startLimitMs;
}

describe('a start is given up', () => {
  it('at the usual limit while the provider is not measured', async () => {
    expect(await limitAfter(null)).toBe(USUAL_MS);
    expect(await limitAfter(startsOf(90_000, 19))).toBe(USUAL_MS);
  });

  it('at the provider’s own hundredth slowest start once it is', async () => {
    const limit = await limitAfter(startsOf(200_000, 50));
    expect(limit).toBeGreaterThanOrEqual(200_000);
    expect(limit).toBeLessThan(USUAL_MS / 2);
  });

  it('never in less than a minute, nor later than the bound', async () => {
    expect(await limitAfter(startsOf(3_000, 50))).toBe(SHORTEST_START_LIMIT_MS);
    expect(await limitAfter(startsOf(5 * USUAL_MS, 50))).toBe(LONGEST_START_LIMIT * USUAL_MS);
  });

  it('at the usual limit again when many had to be given up: giving up does not make the rest look quick', async () => {
    const quick = startsOf(200_000, 50);
    const givenUp = { ...quick, starts: withWait(quick.starts, 260_000, 'given-up') };
    expect(await limitAfter(givenUp)).toBe(USUAL_MS);
  });

  it('with nothing read for an attempt that is not starting', async () => {
    expect(await limitAfter(startsOf(200_000, 50), 'running')).toBe(USUAL_MS);
  });
});
