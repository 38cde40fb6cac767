import fc from 'fast-check';
import { attemptBill, attemptCost, nextAccrual, type Accrued } from './billing';
import {
  coveredShare,
  covers,
  grantOf,
  indexCommitments,
  leftOf,
  unused,
  type Commitment,
  type CommitmentState,
  type Coverage,
} from './commitment';
import { decide } from './decide';
import type { DecisionInput } from './decision';
import { withEffectiveCosts } from './effective-cost';
import { summarise } from './explain';
import { asOfferId, asProviderId } from './ids';
import { microUsd, usd, ZERO_USD } from './money';
import { HOUR_MS, jobOf, offerOf } from './testing/job';

const NOW_MS = 1_000 * HOUR_MS;
const cloud = asProviderId('cumulus');
const reserved: Commitment = {
  name: 'h100-year',
  providerId: cloud,
  region: 'north',
  instanceType: null,
  gpuModel: null,
  quantity: { kind: 'capacity', machines: 2 },
  fromMs: 0,
  untilMs: 2_000 * HOUR_MS,
};
const state = (wanted: Partial<CommitmentState> = {}): CommitmentState => ({
  ...unused(reserved),
  ...wanted,
});
const hours = (leaseHours: number) => ({ kind: 'hours', leaseMs: leaseHours * HOUR_MS }) as const;
const amount = (dollars: number) => ({ kind: 'amount', listCost: usd(dollars) }) as const;

const firm = offerOf({
  id: asOfferId('cumulus/north/shape/on-demand'),
  providerId: cloud,
  providerKind: 'hyperscaler',
  pricePerHour: usd(10),
});
const rival = offerOf({ pricePerHour: usd(2) });

describe('what a commitment is about', () => {
  it.each([
    { reason: 'its place', over: {}, covered: true },
    { reason: 'another region', over: { region: 'south' }, covered: false },
    { reason: 'another provider', over: { providerId: asProviderId('x') }, covered: false },
    { reason: 'spot, which nobody reserves', over: { market: 'spot' as const }, covered: false },
  ])('$reason: $covered', ({ over, covered }) => {
    expect(covers(reserved, { ...firm, ...over })).toBe(covered);
  });

  it('may be one kind of machine', () => {
    const gpu = { model: 'H100', count: 8, memoryGib: 80, interconnect: 'any' } as const;
    expect(covers({ ...reserved, gpuModel: 'H100' }, { ...firm, gpu })).toBe(true);
    expect(covers({ ...reserved, gpuModel: 'A100' }, { ...firm, gpu })).toBe(false);
    expect(covers({ ...reserved, gpuModel: 'H100' }, firm)).toBe(false);
    expect(covers({ ...reserved, instanceType: 'other' }, firm)).toBe(false);
  });
});

describe('what is left of a commitment', () => {
  it.each<[string, Partial<CommitmentState>, number, Partial<Coverage> | null]>([
    ['a free machine', { drawing: 1 }, 1, { leaseMs: null, listCost: null }],
    ['no free machine', { drawing: 2 }, 1, null],
    ['too few for a gang', { drawing: 1 }, 2, null],
    ['not yet in force', { fromMs: NOW_MS + 1 }, 1, null],
    ['over', { untilMs: NOW_MS }, 1, null],
    ['hours', { quantity: hours(10), usedMs: 4 * HOUR_MS }, 1, { leaseMs: 6 * HOUR_MS }],
    [
      'hours that others have been granted',
      { quantity: hours(10), usedMs: 4 * HOUR_MS, grantedMs: 5 * HOUR_MS },
      1,
      { leaseMs: HOUR_MS },
    ],
    ['hours for each machine of a gang', { quantity: hours(8) }, 4, { leaseMs: 2 * HOUR_MS }],
    ['no hours', { quantity: hours(10), usedMs: 11 * HOUR_MS }, 1, null],
    ['money', { quantity: amount(10), usedListCost: usd(4) }, 1, { listCost: usd(6) }],
    ['no money', { quantity: amount(10), usedListCost: usd(10) }, 1, null],
  ])('%s', (_name, wanted, machines, left) => {
    const coverage = leftOf(state(wanted), machines, NOW_MS);
    if (left === null) expect(coverage).toBeNull();
    else expect(coverage).toMatchObject({ commitment: 'h100-year', ...left });
  });

  it('is used first where it ends first', () => {
    const later = state({ name: 'later', untilMs: reserved.untilMs + 1 });
    expect(indexCommitments([later, state()], 1, NOW_MS).find(firm)?.commitment).toBe('h100-year');
    const gone = state({ drawing: 2 });
    expect(indexCommitments([later, gone], 1, NOW_MS).find(firm)?.commitment).toBe('later');
    expect(indexCommitments([later], 1, NOW_MS).find(rival)).toBeNull();
  });

  it('is granted to one lease up to twice what it is expected to need', () => {
    const coverage = { commitment: 'c', untilMs: 1, leaseMs: 100 * HOUR_MS, listCost: usd(50) };
    expect(grantOf(coverage, 3 * HOUR_MS, usd(30))).toEqual({
      ...coverage,
      leaseMs: 6 * HOUR_MS,
      listCost: usd(50),
    });
  });

  it('is the share of a lease that time and money allow', () => {
    const coverage = {
      commitment: 'c',
      untilMs: NOW_MS + 4 * HOUR_MS,
      leaseMs: null,
      listCost: null,
    };
    expect(coveredShare(coverage, 8 * HOUR_MS, 100, NOW_MS)).toBe(0.5);
    expect(coveredShare({ ...coverage, listCost: microUsd(25) }, 8 * HOUR_MS, 100, NOW_MS)).toBe(
      0.25,
    );
    expect(coveredShare(coverage, 2 * HOUR_MS, 100, NOW_MS)).toBe(1);
  });
});

describe('a decision', () => {
  const input = (commitments: readonly CommitmentState[]): DecisionInput => ({
    job: jobOf({ durationEstimateMs: 5 * HOUR_MS }),
    policy: { version: '', rules: [], preferences: {} },
    offers: [firm, rival],
    health: {},
    suspensions: [],
    nowMs: NOW_MS,
    pricing: { fx: {}, egressPerGb: {}, calibration: {}, commitments },
  });
  const bestOf = (commitments: readonly CommitmentState[]) => {
    const one = input(commitments);
    const [best] = withEffectiveCosts(summarise(decide(one)), one).ranked;
    if (best === undefined) throw new Error('nothing was ranked');
    return best;
  };

  it('takes what is paid for already for free, until it is used up, and says by which commitment', () => {
    expect(bestOf([]).offer.id).toBe(rival.id);
    const paid = bestOf([state()]);
    expect(paid.offer.id).toBe(firm.id);
    expect(paid.terms).toMatchObject({ run: 0, interruption: 0, 'start-up': 0 });
    expect(paid.effective?.coverage?.commitment).toBe('h100-year');
    expect(bestOf([state({ drawing: 2 })]).offer.id).toBe(rival.id);
    expect(bestOf([state({ quantity: hours(1), usedMs: HOUR_MS })]).offer.id).toBe(rival.id);
  });

  it('counts every lease that a gang, a service or a hedged start may ask for at once', () => {
    const left = (wanted: Parameters<typeof jobOf>[0], drawing: number) =>
      decide({ ...input([state({ drawing })]), job: jobOf(wanted) }).ranked.find(
        ({ offer }) => offer.id === firm.id,
      )?.terms.run === 0;
    expect([left({}, 1), left({}, 2)]).toEqual([true, false]);
    expect([left({ nodes: 2 }, 0), left({ nodes: 2 }, 1)]).toEqual([true, false]);
    const replicas = { target: 1, extra: 1 };
    expect([left({ replicas }, 0), left({ replicas }, 1)]).toEqual([true, false]);
    const sla = { ...jobOf({}).spec.sla, hedgedStart: 'always' as const };
    expect([left({ sla }, 0), left({ sla }, 1)]).toEqual([true, false]);
  });

  it('charges the part beyond what is left at list price', () => {
    const [whole] = decide(input([])).ranked.filter(({ offer }) => offer.id === firm.id);
    const [part] = decide(input([state({ quantity: amount(30) })])).ranked.filter(
      ({ offer }) => offer.id === firm.id,
    );
    if (whole === undefined || part === undefined) throw new Error('not ranked');
    const lease = (terms: typeof whole.terms) => terms.run + terms.interruption + terms['start-up'];
    expect(Math.abs(lease(whole.terms) - lease(part.terms) - usd(30))).toBeLessThan(5);
  });

  it('keeps its baseline at list price, and a job of little money may use what is paid for', () => {
    const one = input([state()]);
    expect(decide(one).baseline).toEqual(decide(input([])).baseline);
    const poor = jobOf({
      durationEstimateMs: 5 * HOUR_MS,
      budget: { maxPricePerHour: null, maxCost: usd(1) },
    });
    expect(decide({ ...one, job: poor }).ranked.map(({ offer }) => offer.id)).toEqual([firm.id]);
  });
});

describe('the bill of a lease that is paid for already', () => {
  const coverage = fc.record({
    commitment: fc.constant('h100-year'),
    untilMs: fc.integer({ min: 0, max: 40 * HOUR_MS }),
    leaseMs: fc.option(fc.integer({ min: 0, max: 30 * HOUR_MS })),
    listCost: fc.option(fc.integer({ min: 0, max: 100_000_000 }).map(microUsd)),
  });
  const life = fc.record({
    coverage,
    billing: fc.record({
      incrementMs: fc.constantFrom(1, 1_000, 60_000, HOUR_MS),
      minimumMs: fc.constantFrom(0, 60_000, HOUR_MS),
    }),
    pricePerHour: fc.integer({ min: 0, max: 100_000_000 }).map(microUsd),
    lastsMs: fc.integer({ min: 0, max: 50 * HOUR_MS }),
    cuts: fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { maxLength: 6 }),
  });

  it('never falls, is never negative, and with what the commitment paid is the list cost', () => {
    fc.assert(
      fc.property(life, ({ coverage: one, billing, pricePerHour, lastsMs, cuts }) => {
        const attempt = {
          offer: { ...firm, billing, pricePerHour },
          billedFromMs: 0,
          billedToMs: null,
          agreed: { coverage: one, checkpointEveryMs: null },
        };
        let before = 0;
        for (const cut of [...cuts, 1].sort((a, b) => a - b)) {
          const { charged, listCost, coveredMs } = attemptBill(attempt, Math.floor(cut * lastsMs));
          expect(charged).toBeGreaterThanOrEqual(before);
          expect(charged).toBeLessThanOrEqual(listCost);
          expect(coveredMs).toBeGreaterThanOrEqual(0);
          expect(coveredMs).toBeLessThanOrEqual(
            Math.max(0, Math.min(one.untilMs, one.leaseMs ?? Infinity)),
          );
          before = charged;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is booked in slices that add up on both sides', () => {
    fc.assert(
      fc.property(life, ({ coverage: one, billing, pricePerHour, lastsMs, cuts }) => {
        const attempt = {
          offer: { ...firm, billing, pricePerHour },
          billedFromMs: 0,
          billedToMs: null as number | null,
          phase: 'running' as 'running' | 'released',
          agreed: { coverage: one, checkpointEveryMs: null },
        };
        let accrued: Accrued = { entries: 0, amount: ZERO_USD, toMs: null, final: false };
        const book = (nowMs: number) => {
          const slice = nextAccrual(attempt, accrued, nowMs);
          if (slice === null) return;
          const paid = accrued.covered ?? { amount: ZERO_USD, leaseMs: 0 };
          accrued = {
            entries: accrued.entries + 1,
            amount: microUsd(accrued.amount + slice.amount),
            toMs: slice.toMs,
            final: slice.final,
            covered: {
              amount: microUsd(paid.amount + (slice.covered?.amount ?? 0)),
              leaseMs: paid.leaseMs + (slice.covered?.leaseMs ?? 0),
            },
          };
        };
        for (const cut of [...cuts].sort((a, b) => a - b)) book(Math.floor(cut * lastsMs));
        attempt.billedToMs = lastsMs;
        attempt.phase = 'released';
        book(lastsMs + 1);
        const bill = attemptBill(attempt, lastsMs);
        expect(accrued.final).toBe(true);
        expect(accrued.amount).toBe(attemptCost(attempt, lastsMs));
        expect(accrued.covered).toEqual({
          amount: bill.listCost - bill.charged,
          leaseMs: bill.coveredMs,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is nothing as long as it is covered, and what comes after at list price', () => {
    const attempt = {
      offer: firm,
      billedFromMs: NOW_MS,
      billedToMs: null,
      agreed: {
        coverage: { commitment: 'c', untilMs: NOW_MS + 2 * HOUR_MS, leaseMs: null, listCost: null },
        checkpointEveryMs: null,
      },
    };
    expect(attemptCost(attempt, NOW_MS + 2 * HOUR_MS)).toBe(0);
    expect(attemptCost(attempt, NOW_MS + 3 * HOUR_MS)).toBe(usd(10));
  });
});
