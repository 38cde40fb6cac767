import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { attemptCost } from './billing';
import { leaseBound } from './lease-bound';
import { usd } from './money';

const HOUR_MS = 3_600_000;
const offer = anOffer({ pricePerHour: usd(2), startupMs: 0 });
const job = aJob({
  id: 'job-1',
  spec: aSpec({ budget: { maxPricePerHour: null, maxCost: usd(4) } }),
});
const coverage = {
  commitment: 'year',
  untilMs: BUILT_AT_MS + 5 * HOUR_MS,
  leaseMs: null,
  listCost: null,
};

describe('how long a lease may last', () => {
  it('is what the budget buys, and what is paid for already on top', () => {
    expect(leaseBound(job, [], offer, 1, BUILT_AT_MS).maxLeaseMs).toBe(2 * HOUR_MS);
    expect(leaseBound(job, [], offer, 1, BUILT_AT_MS, coverage)).toEqual({
      maxLeaseMs: 7 * HOUR_MS,
      maxLeaseMeans: 'out-of-budget',
    });
    const three = { ...coverage, leaseMs: 3 * HOUR_MS };
    expect(leaseBound(job, [], offer, 1, BUILT_AT_MS, three).maxLeaseMs).toBe(5 * HOUR_MS);
    const dollars = { ...coverage, listCost: usd(1) };
    expect(leaseBound(job, [], offer, 1, BUILT_AT_MS, dollars).maxLeaseMs).toBe(2.5 * HOUR_MS);
  });

  it('never costs more than the budget when it is used to the end', () => {
    for (const one of [
      coverage,
      { ...coverage, leaseMs: HOUR_MS },
      { ...coverage, listCost: usd(3) },
    ]) {
      const { maxLeaseMs } = leaseBound(job, [], offer, 1, BUILT_AT_MS, one);
      const attempt = {
        ...anAttempt({ id: 'att-1', jobId: 'job-1', offer }),
        agreed: { coverage: one, checkpointEveryMs: null },
        billedFromMs: BUILT_AT_MS,
        billedToMs: BUILT_AT_MS + maxLeaseMs,
      };
      expect(attemptCost(attempt, BUILT_AT_MS + maxLeaseMs)).toBeLessThanOrEqual(usd(4));
    }
  });

  it('counts what a live lease may still be charged, not what is paid for of it', () => {
    const live = {
      ...anAttempt({ id: 'att-1', jobId: 'job-1', offer, phase: 'running' }),
      agreed: { coverage, checkpointEveryMs: null },
      billedFromMs: BUILT_AT_MS,
      maxLeaseMs: 6 * HOUR_MS,
    };
    expect(leaseBound(job, [live], offer, 1, BUILT_AT_MS).maxLeaseMs).toBe(HOUR_MS);
  });
});
