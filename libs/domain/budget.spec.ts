import { expectedCharge } from './budget';
import { decide } from './decide';
import type { DecisionSummary, NearestMiss, Rejection } from './decision';
import { summarise } from './explain';
import { asOfferId } from './ids';
import type { JobSpec } from './job';
import { usd } from './money';
import type { Offer } from './offer';
import { HOUR_MS, jobOf, offerOf } from './testing/job';

const soldOut: Rejection = { code: 'unavailable' };
const tooDear: Rejection = {
  code: 'price-too-high',
  maxPerHour: usd(1),
  havePerHour: usd(2),
};
const suspended: Rejection = {
  code: 'suspended',
  scope: 'provider',
  reason: 'capacity',
  untilMs: 1,
};

const miss = (price: number, ...reasons: readonly Rejection[]): NearestMiss => ({
  offerId: asOfferId(`offer-${price}`),
  pricePerHour: usd(price),
  reasons,
});

const specOf = (wanted: Partial<JobSpec> = {}): JobSpec => jobOf(wanted).spec;
const capped = (maxCost: number): JobSpec =>
  specOf({ budget: { maxPricePerHour: null, maxCost: usd(maxCost) } });

/** The plan of a job on a market. */
function planOf(spec: JobSpec, offers: readonly Offer[]) {
  const policy = { version: 'none@0', rules: [], preferences: {} };
  const input = { job: jobOf(spec), policy, offers, health: {}, suspensions: [], nowMs: 0 };
  const decision = decide(input);
  const summary = summarise(decision);
  return { summary, rejected: summary.nearestMisses };
}

/** The plan in which every offer is refused. */
function refused(rejected: readonly NearestMiss[], baseline: DecisionSummary['baseline'] = null) {
  return { summary: { ranked: [], baseline }, rejected };
}

describe('the expected charge of a job', () => {
  it('is what its best offer charges, without what weighs risks and waiting', () => {
    const plan = planOf(specOf(), [offerOf({ startupMs: 60_000 })]);
    const best = plan.summary.ranked[0];
    const charge = expectedCharge(specOf(), plan);
    expect(charge).toBeGreaterThanOrEqual(usd(1));
    expect(charge).toBeLessThan(usd(1.1));
    expect(best?.expectedCost).toBeGreaterThan(charge ?? 0);
  });

  it('does not look at offers that are sold out while there are others', () => {
    const cheap = offerOf({ id: asOfferId('cheap'), pricePerHour: usd(0.1), available: false });
    const plan = planOf(specOf(), [cheap, offerOf({})]);
    expect(expectedCharge(specOf(), plan)).toBeGreaterThanOrEqual(usd(1));
  });

  it('is that of the cheapest offer that comes back when all are sold out', () => {
    const offers = [3, 2].map((price) =>
      offerOf({ id: asOfferId(`at-${price}`), pricePerHour: usd(price), available: false }),
    );
    expect(expectedCharge(specOf(), planOf(specOf(), offers))).toBe(usd(2));
  });

  it.each([
    ['sold out', [soldOut]],
    ['suspended', [suspended]],
    ['both', [suspended, soldOut]],
  ])('counts offers that are %s', (_, reasons) => {
    expect(expectedCharge(specOf(), refused([miss(2, ...reasons)]))).toBe(usd(2));
  });

  it('leaves out offers that are refused for good', () => {
    const rejected = [miss(1, tooDear), miss(1.5, soldOut, tooDear), miss(4, soldOut)];
    expect(expectedCharge(specOf(), refused(rejected))).toBe(usd(4));
  });

  it.each([
    [60_000, 2],
    [HOUR_MS, 2],
    [HOUR_MS + 1, 4],
  ])('assumes whole hours where billing terms are unknown: %d ms', (durationEstimateMs, cost) => {
    const spec = specOf({ durationEstimateMs });
    expect(expectedCharge(spec, refused([miss(2, soldOut)]))).toBe(usd(cost));
  });

  it('takes the baseline for a sold-out offer, with its own billing terms', () => {
    const billing = { incrementMs: 1_000, minimumMs: 60_000 };
    const baseline = { offerId: asOfferId('base'), pricePerHour: usd(6), billing };
    const spec = specOf({ durationEstimateMs: HOUR_MS / 2 });
    expect(expectedCharge(spec, refused([miss(1, tooDear)], baseline))).toBe(usd(3));
    expect(expectedCharge(spec, refused([miss(2, soldOut)], baseline))).toBe(usd(2));
    const short = specOf({ durationEstimateMs: 1_000 });
    expect(expectedCharge(short, refused([], baseline))).toBe(usd(0.1));
  });

  it('is never more than the job may cost', () => {
    expect(expectedCharge(capped(0.5), planOf(specOf(), [offerOf({})]))).toBe(usd(0.5));
    expect(expectedCharge(capped(0.5), refused([miss(2, soldOut)]))).toBe(usd(0.5));
    expect(expectedCharge(capped(9), refused([miss(2, soldOut)]))).toBe(usd(2));
  });

  it('is all that the job may cost when no offer tells, and unknown without a limit', () => {
    expect(expectedCharge(capped(7), refused([miss(2, tooDear)]))).toBe(usd(7));
    expect(expectedCharge(specOf(), refused([miss(2, tooDear)]))).toBeNull();
    expect(expectedCharge(specOf(), refused([]))).toBeNull();
  });
});
